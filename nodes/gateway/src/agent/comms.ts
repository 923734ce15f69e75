/**
 * Forwards debug messages and node statuses of ECHO's tasks upward, for the orchestrator's editor. Debug messages
 * are rate-limited, and what was left out is said; of a node's statuses only the latest of each moment travels.
 */
import type { FlowIndex } from '../flowIndex.ts';
import type { Red } from '../red.ts';

export interface CommsMessage {
  readonly kind: 'debug' | 'status';
  readonly node: string;
  readonly data: unknown;
}

/** Debug messages a second, with as many again in a burst; the browser's sidebar takes no more either. */
const DEBUG_PER_SECOND = 50;
const FLUSH_MS = 250;
const MAX_DEBUG_BYTES = 64 * 1024;

interface DebugData {
  readonly id?: string;
  readonly z?: string;
  readonly path?: string;
}

export class CommsForwarder {
  readonly #flows: FlowIndex;
  readonly #send: (message: CommsMessage) => void;
  readonly #statuses = new Map<string, unknown>();
  readonly #changed = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #tokens = 2 * DEBUG_PER_SECOND;
  #skipped = 0;

  constructor(red: Red, flows: FlowIndex, send: (message: CommsMessage) => void) {
    this.#flows = flows;
    this.#send = send;
    const onComms = (event: { topic?: string; data?: unknown }): void => {
      if (event.topic === 'debug') this.#debug(event.data as DebugData);
    };
    const onStatus = (event: { id: string; status?: unknown }): void => this.#status(event.id, event.status);
    red.events.on('comms', onComms);
    red.events.on('node-status', onStatus);
    this.#unsubscribe = () => {
      red.events.removeListener('comms', onComms);
      red.events.removeListener('node-status', onStatus);
    };
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS).unref();
  }

  /** Sends every status again: someone new listens. */
  repeat(): void {
    for (const id of this.#statuses.keys()) this.#changed.add(id);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#unsubscribe();
  }

  #debug(data: DebugData | undefined): void {
    const tab = data?.path?.split('/')[0] ?? data?.z;
    if (data?.id === undefined || tab === undefined || !this.#flows.isEcho(tab)) return;
    if (this.#tokens < 1) {
      this.#skipped++;
      return;
    }
    this.#tokens--;
    this.#send({ kind: 'debug', node: data.id, data: fitting(data) });
  }

  #status(id: string, status: unknown): void {
    const tab = this.#flows.tabOf(id);
    if (tab === undefined || !this.#flows.isEcho(tab)) {
      this.#statuses.delete(id);
      return;
    }
    this.#statuses.set(id, status ?? {});
    this.#changed.add(id);
  }

  #flush(): void {
    this.#tokens = Math.min(2 * DEBUG_PER_SECOND, this.#tokens + (DEBUG_PER_SECOND * FLUSH_MS) / 1000);
    for (const node of this.#changed) {
      this.#send({ kind: 'status', node, data: this.#statuses.get(node) ?? {} });
    }
    this.#changed.clear();
    if (this.#skipped === 0) return;
    const msg = `${this.#skipped} debug messages were left out: more than ${DEBUG_PER_SECOND} a second`;
    this.#send({ kind: 'debug', node: '', data: { name: 'ECHO', format: `string[${msg.length}]`, msg } });
    this.#skipped = 0;
  }
}

/** The debug message, or word of its size when it is too large to travel. */
function fitting(data: DebugData): unknown {
  const size = JSON.stringify(data)?.length ?? 0;
  if (size <= MAX_DEBUG_BYTES) return data;
  const msg = `(debug message of ${size} bytes, not forwarded)`;
  return { ...data, format: `string[${msg.length}]`, msg };
}
