/** Tells whoever listens what happens; a listener that fails has no say in it. */
import type { Logger } from 'pino';

type Listener = (...args: readonly unknown[]) => void;

export class Events<Told extends object> {
  readonly #log: Logger;
  readonly #listeners = new Map<keyof Told, Set<Listener>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Calls the listener at each event until what it returns is called. */
  on<E extends keyof Told>(event: E, listener: (...args: Told[E] & readonly unknown[]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set<Listener>();
    const entry = listener as unknown as Listener;
    this.#listeners.set(event, listeners.add(entry));
    return () => listeners.delete(entry);
  }

  emit<E extends keyof Told>(event: E, ...args: Told[E] & readonly unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(...args);
      } catch (err) {
        this.#log.error({ event, err }, 'a listener failed');
      }
    }
  }
}
