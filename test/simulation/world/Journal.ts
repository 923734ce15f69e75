/**
 * The cursors of a gateway as its disk keeps them. Changes are collected and written together; a crash of the process
 * takes what was not written, a power cut also takes the last writes.
 */
export class JournalFile {
  readonly #values = new Map<string, unknown>();
  /** What each of the last writes replaced. */
  #undo: Map<string, unknown>[] = [];

  get(key: string): unknown {
    return this.#values.get(key);
  }

  entries(prefix: string): [string, unknown][] {
    return [...this.#values].filter(([key]) => key.startsWith(prefix));
  }

  write(changes: ReadonlyMap<string, unknown>): void {
    const before = new Map<string, unknown>();
    for (const [key, value] of changes) {
      before.set(key, this.#values.get(key));
      this.#apply(key, value);
    }
    this.#undo = [...this.#undo.slice(-2), before];
  }

  sync(): void {
    this.#undo = [];
  }

  loseWrites(count: number): void {
    for (let i = 0; i < count; i++) {
      for (const [key, value] of this.#undo.pop() ?? []) this.#apply(key, value);
    }
  }

  #apply(key: string, value: unknown): void {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }
}

/** The journal as a running gateway uses it. */
export class Journal {
  readonly #file: JournalFile;
  readonly #later: (run: () => void) => void;
  #changes = new Map<string, unknown>();
  #written: (() => void)[] = [];
  #scheduled = false;

  constructor(file: JournalFile, later: (run: () => void) => void) {
    this.#file = file;
    this.#later = later;
  }

  get(key: string): unknown {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#file.get(key);
  }

  /** As written; what is pending is not among them. */
  entries(prefix: string): [string, unknown][] {
    return this.#file.entries(prefix);
  }

  set(key: string, value: unknown, written: () => void): void {
    this.#changes.set(key, value);
    this.#written.push(written);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => this.flush());
  }

  flush(durably = false): void {
    this.#scheduled = false;
    const changes = this.#changes;
    const written = this.#written;
    this.#changes = new Map();
    this.#written = [];
    if (changes.size > 0) this.#file.write(changes);
    if (changes.size > 0 && durably) this.#file.sync();
    for (const tell of written) tell();
  }
}
