/** Group commit: who asks while a sync runs shares the next one with all others who do. */
export class GroupSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves once a sync that began after this call has ended; rejects as that one does. */
  request(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.settled().then(() => this.#start());
    return this.#next;
  }

  /** Resolves when nothing runs; never rejects. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const running = this.#sync().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
