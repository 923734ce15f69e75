/** The REST API as echoctl uses it. */
import { isEchoError } from '../../wire/errors.ts';
import type { Progress } from '../types.ts';
import { cliError } from './errors.ts';

/** An error as it is shown: of the orchestrator (a problem document) or of echoctl itself. */
export interface Shown {
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  readonly where?: string;
  readonly status?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The orchestrator said no. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly problem: Shown;

  constructor(problem: Shown) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Any error as it is shown; undefined for one that is a defect of echoctl. */
export function shown(error: unknown): Shown | undefined {
  if (error instanceof Refusal) return error.problem;
  if (!isEchoError(error)) return undefined;
  const { code, message, remedy, where } = error;
  return { code, detail: message, remedy, ...(where === undefined ? {} : { where }) };
}

interface Ask {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  /** Called with each step; the request is then answered in lines. */
  readonly onProgress?: (progress: Progress) => void;
}

type Line =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'error'; readonly problem: Shown };

export class Client {
  readonly url: string;
  readonly #key: string | undefined;

  constructor(url: string, key: string | undefined) {
    this.url = url.replace(/\/+$/, '');
    this.#key = key;
  }

  /**
   * The result of one request under `/api/v1`. Throws `Refusal`, or an EchoError ECHO_CLI_UNREACHABLE or
   * ECHO_CLI_ANSWER_UNREADABLE.
   */
  async ask<T>(path: string, ask: Ask = {}): Promise<T> {
    const response = await this.#fetch(path, ask);
    if (!response.ok) throw await this.#refusal(response);
    if (response.status === 204) return undefined as T;
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('application/x-ndjson')) return this.#lines<T>(response, ask);
    if (!type.startsWith('application/json'))
      throw this.#unreadable(`an answer of type ${type || 'unknown'}`);
    return this.#read(() => response.json() as Promise<T>);
  }

  async #fetch(path: string, { method = 'GET', body, onProgress }: Ask): Promise<Response> {
    const headers: Record<string, string> = {
      Accept: onProgress === undefined ? 'application/json' : 'application/x-ndjson, application/json',
      ...(this.#key === undefined ? {} : { Authorization: `Bearer ${this.#key}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    };
    try {
      return await fetch(`${this.url}/api/v1${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      const cause = (error as { cause?: { code?: string; message?: string } }).cause;
      const reason = cause?.code ?? cause?.message ?? (error as Error).message;
      throw cliError('ECHO_CLI_UNREACHABLE', {
        message: `No orchestrator answers at ${this.url} (${reason}).`,
        where: this.url,
      });
    }
  }

  async #lines<T>(response: Response, { onProgress }: Ask): Promise<T> {
    for await (const text of linesOf(response)) {
      const line = await this.#read(async () => JSON.parse(text) as Line);
      if (line.type === 'progress') onProgress?.(line.progress);
      else if (line.type === 'error') throw new Refusal(line.problem);
      else return line.result as T;
    }
    throw this.#unreadable('an answer that broke off: whether the work went on, "echoctl app ls" shows');
  }

  async #refusal(response: Response): Promise<Error> {
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('application/problem+json')) return this.#unreadable(`status ${response.status}`);
    return new Refusal(await this.#read(() => response.json() as Promise<Shown>));
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw this.#unreadable((error as Error).message);
    }
  }

  #unreadable(what: string): Error {
    return cliError('ECHO_CLI_ANSWER_UNREADABLE', { message: `${this.url} gave ${what}.`, where: this.url });
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = '';
  try {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines.filter((line) => line !== '');
    }
  } catch {
    // The connection broke: the reader finds no last line and says so.
  }
  if (rest !== '') yield rest;
}
