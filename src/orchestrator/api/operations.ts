/** Long work in progress: what was asked, how far it is, how it ended. In memory, the newest ones kept. */
import { randomUUID } from 'node:crypto';
import type { Progress } from '../types.ts';
import { apiError } from './errors.ts';
import type { ProblemDocument } from './problem.ts';

export interface Operation {
  readonly id: string;
  /** What was asked, e.g. `POST /api/v1/deploy`. */
  readonly request: string;
  readonly status: 'running' | 'done' | 'failed';
  readonly started: string;
  readonly finished?: string;
  readonly progress: readonly Progress[];
  /** The answer the request would have had. */
  readonly result?: unknown;
  readonly problem?: ProblemDocument;
}

export type OperationEvent =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'finished'; readonly operation: Operation };

type Listener = (event: OperationEvent) => void;

interface Entry {
  operation: Operation;
  readonly listeners: Set<Listener>;
}

const KEPT = 200;
const PROGRESS_KEPT = 1_000;

export class Operations {
  readonly #entries = new Map<string, Entry>();

  start(request: string): Operation {
    const operation: Operation = {
      id: randomUUID(),
      request,
      status: 'running',
      started: new Date().toISOString(),
      progress: [],
    };
    this.#entries.set(operation.id, { operation, listeners: new Set() });
    this.#forgetOldest();
    return operation;
  }

  progress(id: string, progress: Progress): void {
    const entry = this.#entry(id);
    const kept = [...entry.operation.progress, progress].slice(-PROGRESS_KEPT);
    entry.operation = { ...entry.operation, progress: kept };
    for (const listener of entry.listeners) listener({ kind: 'progress', progress });
  }

  finish(id: string, end: { readonly result: unknown } | { readonly problem: ProblemDocument }): void {
    const entry = this.#entry(id);
    const status = 'problem' in end ? 'failed' : 'done';
    entry.operation = { ...entry.operation, ...end, status, finished: new Date().toISOString() };
    for (const listener of entry.listeners) listener({ kind: 'finished', operation: entry.operation });
    entry.listeners.clear();
  }

  /** Throws ECHO_OPERATION_UNKNOWN. */
  get(id: string): Operation {
    return this.#entry(id).operation;
  }

  /** What happens from now on; returns the way to stop listening. */
  follow(id: string, listener: Listener): () => void {
    const { listeners } = this.#entry(id);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined)
      throw apiError('ECHO_OPERATION_UNKNOWN', { message: `There is no operation ${id}.` });
    return entry;
  }

  /** Running ones are never forgotten. */
  #forgetOldest(): void {
    for (const [id, { operation }] of this.#entries) {
      if (this.#entries.size <= KEPT) return;
      if (operation.status !== 'running') this.#entries.delete(id);
    }
  }
}
