/** Counts what gateways say that cannot be read, and warns of it without filling the log. */
import type { Logger } from 'pino';

/** At most one warning a gateway in this time. */
const WARN_EVERY_MS = 60_000;

export class Malformed {
  readonly #log: Logger;
  readonly #seen = new Map<string, { readonly count: number; readonly warnedAt: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** So far, by gateway. */
  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#seen].map(([gateway, { count }]) => [gateway, count]));
  }

  note(gateway: string, reason: string): void {
    const now = Date.now();
    const { count, warnedAt } = this.#seen.get(gateway) ?? { count: 0, warnedAt: 0 };
    const warn = now - warnedAt >= WARN_EVERY_MS;
    this.#seen.set(gateway, { count: count + 1, warnedAt: warn ? now : warnedAt });
    if (warn) this.#log.warn({ gateway, reason, count: count + 1 }, 'malformed control message dropped');
  }

  forget(gateway: string): void {
    this.#seen.delete(gateway);
  }
}
