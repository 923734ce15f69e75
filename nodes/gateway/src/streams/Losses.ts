/** Declared loss of a stream at its producer: records given up before a consumer had received them. */
import type { Consumer } from '../../../../src/wire/consumer.ts';

export class Losses {
  readonly #by: Record<string, number> = {};
  #worst = 0;

  /** Records, counted once: those that the worst hit of the consumers lost, each time. */
  get total(): number {
    return this.#worst;
  }

  /** Undefined for a consumer that lost none. */
  of(consumer: string): number | undefined {
    return this.#by[consumer];
  }

  /** Everything up to here is given up. Returns what that costs each of them, records. */
  add(upTo: number, consumers: readonly (readonly [string, Consumer])[]): Record<string, number> {
    const lost = Object.fromEntries(consumers.map(([id, c]) => [id, Math.max(0, upTo - c.received)]));
    for (const [id, count] of Object.entries(lost)) if (count > 0) this.#by[id] = (this.#by[id] ?? 0) + count;
    this.#worst += Math.max(0, ...Object.values(lost));
    return lost;
  }
}
