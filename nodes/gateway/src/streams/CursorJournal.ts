/**
 * Cursors of a gateway, persisted: one file of lines `["key", value]`, later lines win, a torn or damaged line is
 * passed over. Changes are collected and written together.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { writeWhole } from '../files.ts';

/** Least time between two writes, ms; the first after a pause is written at once. */
const BATCH_MS = 50;
const RETRY_MS = 1_000;
/** The file is written anew when it is this large and four times what it holds. */
const COMPACT_BYTES = 512 * 1024;

export class CursorJournal {
  readonly #path: string;
  readonly #onError: (error: Error) => void;
  readonly #values = new Map<string, unknown>();
  readonly #dirty = new Map<string, unknown>();
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #size = 0;
  #limit = COMPACT_BYTES;

  constructor(path: string, onError: (error: Error) => void) {
    this.#path = path;
    this.#onError = onError;
    for (const [key, value] of readLines(path)) this.#apply(key, value);
    this.#compact();
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  entries(prefix: string): [string, unknown][] {
    return [...this.#values].filter(([key]) => key.startsWith(prefix));
  }

  /** `undefined` forgets the key. `written` is called once the value survives a crash of the process. */
  set(key: string, value: unknown, written?: () => void): void {
    this.#dirty.set(key, value ?? null);
    this.#apply(key, value ?? null);
    if (written !== undefined) this.#waiting.push(written);
    this.#schedule();
  }

  /** Writes what is pending now; `durably`: it also survives a power cut. */
  flush(durably = false): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    if (this.#dirty.size === 0) return;
    const text = [...this.#dirty].map((entry) => `${JSON.stringify(entry)}\n`).join('');
    try {
      this.#append(text, durably);
    } catch (error) {
      this.#onError(error as Error);
      this.#timer = setTimeout(() => this.flush(), RETRY_MS);
      return;
    }
    this.#dirty.clear();
    this.#writtenAt = performance.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const written of waiting) written();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#immediate !== undefined) return;
    const wait = this.#writtenAt + BATCH_MS - performance.now();
    if (wait > 0) this.#timer = setTimeout(() => this.flush(), wait);
    else this.#immediate = setImmediate(() => this.flush());
  }

  #append(text: string, durably: boolean): void {
    if (this.#size > this.#limit) {
      this.#compact();
      return;
    }
    const fd = openSync(this.#path, 'a');
    const before = fstatSync(fd).size;
    try {
      // Unlike `writeSync` it writes all of it or throws.
      writeFileSync(fd, text);
      if (durably) fdatasyncSync(fd);
      this.#size = before + text.length;
    } catch (error) {
      ftruncateSync(fd, before);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  #compact(): void {
    const text = [...this.#values].map((entry) => `${JSON.stringify(entry)}\n`).join('');
    writeWhole(this.#path, text);
    this.#size = text.length;
    this.#limit = Math.max(COMPACT_BYTES, 4 * text.length);
  }

  #apply(key: string, value: unknown): void {
    if (value === null) this.#values.delete(key);
    else this.#values.set(key, value);
  }
}

function* readLines(path: string): Generator<[string, unknown]> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const line of text.split('\n')) {
    try {
      const entry: unknown = JSON.parse(line);
      if (Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string')
        yield [entry[0], entry[1]];
    } catch {
      // A torn line holds a cursor that nobody was told of.
    }
  }
}
