/**
 * Node-RED's admin API of one gateway, flows v2, over undici.
 *
 * Logs in only when the gateway asks for it (401), so one client serves gateways with and without adminAuth; a token
 * that ended is renewed once and the request repeated. Nothing here retries anything else: the caller knows what a
 * second attempt would mean.
 */

import { Agent, type Dispatcher, request } from 'undici';
import type { RawFlow } from '../../flow/types.ts';
import type { AdminAccess } from '../../wire/control.ts';
import type { EchoError } from '../../wire/errors.ts';
import type { Credentials, NodeSet } from '../types.ts';
import { gatewayError } from './errors.ts';
import { pinned } from './pin.ts';
import type { AdminApi } from './types.ts';

export interface AdminClientOptions {
  /** Names the gateway in errors. */
  readonly gateway: string;
  /** Base URL with `httpAdminRoot`, no trailing slash. */
  readonly url: string;
  readonly access: AdminAccess;
  /** Limit for one request, from connecting to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Body limit of the gateway, bytes; a larger body is refused here. */
  readonly maxBytes?: number;
}

/** Largest answer read from a gateway, bytes. */
const MAX_ANSWER = 64 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class AdminClient implements AdminApi {
  readonly #options: AdminClientOptions;
  readonly #dispatcher: Agent;
  #bearer: string | undefined;
  #login: Promise<string> | undefined;

  constructor(options: AdminClientOptions) {
    this.#options = options;
    this.#bearer = options.access.token;
    this.#dispatcher = new Agent({
      connections: 4,
      maxResponseSize: MAX_ANSWER,
      connect: { timeout: options.timeoutMs, ...pinned(options.access.certificate) },
    });
  }

  async flows(): Promise<{ rev: string; flows: RawFlow }> {
    const answer = await this.#ask({ method: 'GET', path: '/flows', headers: V2 });
    const value = this.#json(answer);
    if (!isFlowsAnswer(value)) throw this.#strange(answer, 'GET /flows did not answer {rev, flows}');
    return value;
  }

  async putFlows(put: {
    readonly rev: string;
    readonly flows: RawFlow;
    readonly credentials?: Credentials;
  }): Promise<{ rev: string }> {
    const body = JSON.stringify(put);
    const bytes = Buffer.byteLength(body);
    const limit = this.#options.maxBytes;
    if (limit !== undefined && bytes > limit) throw this.#tooLarge(bytes, limit);
    const headers = { ...V2, 'node-red-deployment-type': 'nodes' };
    const answer = await this.#ask({ method: 'POST', path: '/flows', headers, body });
    const value = this.#json(answer) as { rev?: unknown } | null;
    if (typeof value?.rev !== 'string') throw this.#strange(answer, 'POST /flows did not answer {rev}');
    return { rev: value.rev };
  }

  async nodeTypes(): Promise<ReadonlySet<string>> {
    return new Set((await this.nodeSets()).flatMap((set) => set.types));
  }

  async nodeSets(): Promise<NodeSet[]> {
    const answer = await this.#ask({ method: 'GET', path: '/nodes' });
    const value = this.#json(answer);
    if (!Array.isArray(value)) throw this.#strange(answer, 'GET /nodes did not answer a list');
    const sets = value as (Partial<NodeSet> & { err?: unknown })[];
    return sets
      .filter((set) => set.enabled && set.err === undefined)
      .map(({ id = '', module = '', name = '', version = '', types = [] }) => ({
        id,
        module,
        name,
        version,
        types,
        enabled: true,
      }));
  }

  async nodeSetEditor(id: string): Promise<{ html: string; messages: Record<string, unknown> }> {
    const path = `/nodes/${id.split('/').map(encodeURIComponent).join('/').replace('%40', '@')}`;
    const page = await this.#ask({ method: 'GET', path, headers: { accept: 'text/html' } });
    const answer = await this.#ask({ method: 'GET', path: `${path}/messages?lng=en-US` });
    const messages = this.#json(answer);
    if (typeof messages !== 'object' || messages === null)
      throw this.#strange(answer, 'the messages of a node set are no object');
    return { html: page.text, messages: messages as Record<string, unknown> };
  }

  async press(node: string, body?: unknown): Promise<void> {
    await this.#ask({
      method: 'POST',
      path: `/inject/${encodeURIComponent(node)}`,
      body: JSON.stringify(body ?? {}),
    });
  }

  async setDebug(nodes: readonly string[], active: boolean): Promise<void> {
    await this.#ask({
      method: 'POST',
      path: `/debug/${active ? 'enable' : 'disable'}`,
      body: JSON.stringify({ nodes }),
    });
  }

  /** What the gateway says of its own settings (GET /settings). */
  async settings(): Promise<Record<string, unknown>> {
    const answer = await this.#ask({ method: 'GET', path: '/settings' });
    const value = this.#json(answer);
    if (typeof value !== 'object' || value === null)
      throw this.#strange(answer, 'GET /settings did not answer an object');
    return value as Record<string, unknown>;
  }

  /** Ends its connections; requests under way fail. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #ask(call: Call): Promise<Answer> {
    const used = this.#bearer;
    let answer = await this.#send(call, used);
    if (answer.status === 401 && this.#options.access.password !== undefined) {
      if (this.#bearer === used) this.#bearer = undefined;
      answer = await this.#send(call, await this.#token());
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw this.#refusal(call, answer);
  }

  /** One login at a time, shared by every request that needs it. */
  #token(): Promise<string> {
    if (this.#bearer !== undefined) return Promise.resolve(this.#bearer);
    this.#login ??= this.#logIn().finally(() => {
      this.#login = undefined;
    });
    return this.#login;
  }

  async #logIn(): Promise<string> {
    const { username = '', password = '' } = this.#options.access;
    const answer = await this.#send({
      method: 'POST',
      path: '/auth/token',
      body: JSON.stringify({
        client_id: 'node-red-admin',
        grant_type: 'password',
        scope: '*',
        username,
        password,
      }),
    });
    if (answer.status !== 200)
      throw this.#unauthorized(`user "${username}" was not let in (${answer.status})`);
    const value = this.#json(answer) as { access_token?: unknown } | null;
    if (typeof value?.access_token !== 'string')
      throw this.#strange(answer, 'POST /auth/token gave no token');
    this.#bearer = value.access_token;
    return value.access_token;
  }

  async #send(call: Call, bearer?: string): Promise<Answer> {
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    if (bearer !== undefined) headers.authorization = `Bearer ${bearer}`;
    const options: { dispatcher: Dispatcher } & Omit<Dispatcher.RequestOptions, 'origin' | 'path'> = {
      dispatcher: this.#dispatcher,
      method: call.method,
      headers,
      body: call.body ?? null,
      signal: AbortSignal.timeout(this.#options.timeoutMs),
    };
    try {
      const { statusCode, body } = await request(this.#options.url + call.path, options);
      return { status: statusCode, text: await body.text() };
    } catch (error) {
      throw this.#unreachable(call, error as Error & { code?: string });
    }
  }

  #json(answer: Answer): unknown {
    try {
      return JSON.parse(answer.text);
    } catch {
      throw this.#strange(answer, 'the answer is not JSON');
    }
  }

  #refusal(call: Call, answer: Answer): EchoError {
    const said = reason(answer.text);
    const { gateway, url } = this.#options;
    switch (answer.status) {
      case 401:
      case 403:
        return this.#unauthorized(`${call.method} ${call.path} answered ${answer.status}`);
      case 409:
        return gatewayError('ECHO_FLOWS_CONFLICT', {
          message: `${gateway}: its flows are no longer at the revision that was read`,
          where: gateway,
        });
      case 413:
        return this.#tooLarge(Buffer.byteLength(call.body ?? ''), this.#options.maxBytes);
      default:
        return gatewayError('ECHO_GATEWAY_REFUSED', {
          message: `${gateway}: ${call.method} ${call.path} answered ${answer.status}: ${said}`,
          where: `${url}${call.path}`,
          details: { status: answer.status },
        });
    }
  }

  #unauthorized(why: string): EchoError {
    const { gateway } = this.#options;
    return gatewayError('ECHO_GATEWAY_UNAUTHORIZED', { message: `${gateway}: ${why}`, where: gateway });
  }

  #tooLarge(bytes: number, limit: number | undefined): EchoError {
    const { gateway } = this.#options;
    return gatewayError('ECHO_FLOWS_TOO_LARGE', {
      message: `${gateway}: flows of ${bytes} bytes${limit === undefined ? '' : `, limit ${limit}`}`,
      where: gateway,
      details: { bytes, ...(limit === undefined ? {} : { limit }) },
    });
  }

  #strange(answer: Answer, why: string): EchoError {
    const { gateway, url } = this.#options;
    return gatewayError('ECHO_GATEWAY_REFUSED', {
      message: `${gateway}: ${why}: ${reason(answer.text)}`,
      where: url,
      remedy: `Check that ${url} is the admin API of a Node-RED 4.1 or later.`,
      details: { status: answer.status },
    });
  }

  #unreachable(call: Call, error: Error & { code?: string }): EchoError {
    const { gateway, url, timeoutMs } = this.#options;
    const timedOut = error.name === 'TimeoutError' || error.code === 'UND_ERR_CONNECT_TIMEOUT';
    const why = timedOut ? `no answer within ${timeoutMs} ms` : error.message || (error.code ?? error.name);
    return gatewayError('ECHO_GATEWAY_UNREACHABLE', {
      message: `${gateway}: ${call.method} ${url}${call.path}: ${why}`,
      where: gateway,
      details: { reason: timedOut ? 'timeout' : (error.code ?? error.name) },
      cause: error,
    });
  }
}

const V2 = { 'node-red-api-version': 'v2' } as const;

/** The start of what the other side said, on one line. */
function reason(text: string): string {
  let said = text;
  try {
    const value = JSON.parse(text) as { message?: unknown };
    if (typeof value?.message === 'string') said = value.message;
  } catch {
    // not JSON: the text itself is what it said
  }
  said = said
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return said.length > 300 ? `${said.slice(0, 300)}…` : said;
}

function isFlowsAnswer(value: unknown): value is { rev: string; flows: RawFlow } {
  const answer = value as { rev?: unknown; flows?: unknown } | null;
  return (
    typeof answer?.rev === 'string' &&
    Array.isArray(answer.flows) &&
    answer.flows.every((n) => typeof n?.id === 'string' && typeof n?.type === 'string')
  );
}
