/** One timer that fires no later than the time last asked for; `performance.now()` times. */
export class DueTimer {
  readonly #fire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  /** A timer that is set for an earlier time stays: it fires, finds nothing due, and is set anew. */
  set(at: number | undefined): void {
    if (at === undefined || at >= this.#at) return;
    this.stop();
    this.#at = at;
    this.#timer = setTimeout(
      () => {
        this.stop();
        this.#fire();
      },
      Math.max(1, Math.ceil(at - performance.now())),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
