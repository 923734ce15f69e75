/** Steps of a start, shown as they happen: a line that is ticked off, with a spinner on a terminal. */

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const TURN_MS = 100;

export class Steps {
  readonly #out: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;
  #current: string | undefined;
  #since = 0;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  /** Ends the step before, if any, and begins this one. */
  next(what: string): void {
    this.done();
    this.#current = what;
    this.#since = Date.now();
    if (!this.#out.isTTY) return;
    let turn = 0;
    this.#timer = setInterval(() => {
      this.#out.write(`\r\x1b[K${FRAMES[turn++ % FRAMES.length]} ${what} … ${this.#seconds()}`);
    }, TURN_MS);
  }

  done(): void {
    this.#end('✓');
  }

  failed(): void {
    this.#end('✗');
  }

  #end(mark: string): void {
    clearInterval(this.#timer);
    if (this.#current === undefined) return;
    this.#out.write(`${this.#out.isTTY ? '\r\x1b[K' : ''}${mark} ${this.#current} (${this.#seconds()})\n`);
    this.#current = undefined;
  }

  #seconds(): string {
    return `${((Date.now() - this.#since) / 1000).toFixed(1)} s`;
  }
}
