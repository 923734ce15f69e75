/** The messages held for one tab, in the order in which they are to be delivered. Pure. */
import type { Origin } from '../origin.ts';

export interface Held extends Origin {
  readonly msg: object;
  /** Node it was on its way to. */
  readonly destination: string;
  /** Stopped before it was on its way to a node; otherwise in front of the node. */
  readonly routed: boolean;
  /** Who sent it over a wire; absent when it was handed to the node directly (a button, a link call, a catch). */
  readonly source?: { readonly task: string; readonly port: number | undefined };
  /** Ends the hold towards the follower. */
  readonly release: () => void;
}

export class HeldQueue {
  #items: Held[] = [];
  #head = 0;
  readonly #waiting = new Map<string, number>();

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Messages to this destination that wait: what comes later must wait behind them. */
  waitingFor(destination: string): boolean {
    return this.#waiting.has(destination);
  }

  push(held: Held): void {
    this.#items.push(held);
    this.#count(held.destination, 1);
  }

  /** For a message that was on its way already when those held as `routed` for the same node were sent. */
  pushBeforeRouted(held: Held): void {
    const later = (other: Held): boolean => other.destination === held.destination && other.routed;
    const index = this.waitingFor(held.destination)
      ? this.#items.findIndex((other, at) => at >= this.#head && later(other))
      : -1;
    if (index < this.#head) this.push(held);
    else {
      this.#items.splice(index, 0, held);
      this.#count(held.destination, 1);
    }
  }

  shift(): Held | undefined {
    if (this.size === 0) return undefined;
    const held = this.#items[this.#head++]!;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.#count(held.destination, -1);
    return held;
  }

  *[Symbol.iterator](): Iterator<Held> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i]!;
  }

  #count(destination: string, by: number): void {
    const count = (this.#waiting.get(destination) ?? 0) + by;
    if (count === 0) this.#waiting.delete(destination);
    else this.#waiting.set(destination, count);
  }
}
