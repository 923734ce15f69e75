/** Our own Hypercat client: reads 3.0 and 1.x/2.0 servers, writes 3.0. */
import { request } from 'undici';
import { registryError } from './errors.ts';
import { readCatalogue } from './item.ts';
import type { Catalogue, Item } from './types.ts';

export interface HypercatClientOptions {
  /** URL of the catalogue, e.g. `http://127.0.0.1:8099/cat`. */
  readonly url: string;
  readonly key?: string;
  readonly timeoutMs?: number;
}

/** Parameters of simple and prefix search; empty means everything. */
export interface Query {
  readonly rel?: string;
  readonly val?: string;
  readonly href?: string;
  readonly 'prefix-rel'?: string;
  readonly 'prefix-val'?: string;
  readonly 'prefix-href'?: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Every call throws ECHO_CATALOGUE_UNREACHABLE, ECHO_CATALOGUE_REFUSED or a 4xx code of the same meaning. */
export class HypercatClient {
  readonly #options: HypercatClientOptions;

  constructor(options: HypercatClientOptions) {
    this.#options = options;
  }

  async search(query: Query = {}): Promise<Catalogue> {
    const answer = await this.#ask('GET', query);
    try {
      return readCatalogue(JSON.parse(answer.text));
    } catch (error) {
      throw registryError('ECHO_CATALOGUE_INVALID', {
        message: `${this.#options.url}: ${(error as Error).message}`,
        where: this.#options.url,
        cause: error,
      });
    }
  }

  /** The item, or undefined. */
  async get(href: string): Promise<Item | undefined> {
    const { items } = await this.search({ href });
    return items.find((item) => item.href === href);
  }

  /** Adds or replaces; true when it is new. */
  async put(item: Item): Promise<boolean> {
    const answer = await this.#ask('POST', { href: item.href }, item);
    return answer.status === 201;
  }

  /** Replaces the item at `href`, which may get another href. */
  async replace(href: string, item: Item): Promise<void> {
    await this.#ask('PUT', { href }, item);
  }

  async remove(href: string): Promise<void> {
    await this.#ask('DELETE', { href });
  }

  async #ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', query: Query, body?: Item): Promise<Answer> {
    const url = new URL(this.#options.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (this.#options.key !== undefined)
      headers.authorization = `Basic ${Buffer.from(`${this.#options.key}:`).toString('base64')}`;
    const answer = await this.#send(url, method, headers, body);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refusal(url, answer);
  }

  async #send(
    url: URL,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    headers: Record<string, string>,
    body: Item | undefined,
  ): Promise<Answer> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs ?? 10_000);
    try {
      const answer = await request(url, {
        method,
        headers,
        signal,
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: answer.statusCode, text: await answer.body.text() };
    } catch (error) {
      throw registryError('ECHO_CATALOGUE_UNREACHABLE', {
        message: `${url.origin}${url.pathname}: ${(error as Error).message}`,
        where: this.#options.url,
        cause: error,
      });
    }
  }
}

function refusal(url: URL, answer: Answer) {
  const message = `${url.origin}${url.pathname} answered ${answer.status}: ${answer.text.slice(0, 300)}`;
  if (answer.status === 401) return registryError('ECHO_CATALOGUE_KEY_WRONG', { message });
  if (answer.status === 404) return registryError('ECHO_CATALOGUE_ITEM_UNKNOWN', { message });
  return registryError('ECHO_CATALOGUE_REFUSED', { message, details: { status: answer.status } });
}
