/** Steps of a start, shown as they happen: a line that is ticked off, with a spinner on a terminal. */

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const TURN_MS = 100;
/** Without a terminal, a step that takes long says so this often. */
const PLAIN_MS = 10_000;

export class Steps {
  readonly #out: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;
  #step: { readonly what: string; readonly since: number; detail: string } | undefined;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  /** Ends the step before, if any, and begins this one. */
  next(what: string): void {
    this.done();
    this.#step = { what, since: Date.now(), detail: '' };
    let turn = 0;
    this.#timer = setInterval(
      () => {
        if (!this.#out.isTTY) this.#out.write(`… ${this.#line()}\n`);
        else this.#out.write(`\r\x1b[K${FRAMES[turn++ % FRAMES.length]} ${this.#line()}`);
      },
      this.#out.isTTY ? TURN_MS : PLAIN_MS,
    );
  }

  /** How far the step is. */
  detail(text: string): void {
    if (this.#step !== undefined) this.#step.detail = `: ${text}`;
  }

  done(): void {
    this.#end('✓');
  }

  failed(): void {
    this.#end('✗');
  }

  #end(mark: string): void {
    clearInterval(this.#timer);
    if (this.#step !== undefined)
      this.#out.write(`${this.#out.isTTY ? '\r\x1b[K' : ''}${mark} ${this.#line()}\n`);
    this.#step = undefined;
  }

  #line(): string {
    const { what, detail, since } = this.#step!;
    return `${what}${detail} (${((Date.now() - since) / 1000).toFixed(1)} s)`;
  }
}
