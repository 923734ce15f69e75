/**
 * The order in which streams use a connection that cannot take all they have to send: by priority, within one priority
 * in turn. While it can, everything goes at once.
 */
export class SendQueue {
  readonly #congested: () => boolean;
  readonly #waiting = new Map<string, { readonly priority: number; readonly send: () => void }>();

  constructor(congested: () => boolean) {
    this.#congested = congested;
  }

  /** `key` names who sends to whom: of two sends that wait under one, the later holds. */
  send(key: string, priority: number, send: () => void): void {
    if (!this.#congested() && this.#waiting.size === 0) send();
    else this.#waiting.set(key, { priority, send });
  }

  /** The connection takes more. What a send causes is sent in its turn. */
  drain(): void {
    while (!this.#congested()) {
      const next = this.#first();
      if (next === undefined) return;
      const [key, { send }] = next;
      this.#waiting.delete(key);
      send();
    }
  }

  /** The connection is gone. */
  clear(): void {
    this.#waiting.clear();
  }

  #first() {
    let first: [string, { readonly priority: number; readonly send: () => void }] | undefined;
    for (const entry of this.#waiting)
      if (first === undefined || entry[1].priority > first[1].priority) first = entry;
    return first;
  }
}
