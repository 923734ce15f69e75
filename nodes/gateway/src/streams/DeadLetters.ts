/**
 * Records that were set aside at this gateway, kept on disk until they are replayed or dropped: one JSON file each in
 * a folder of their own. When there is no more room the oldest goes, which is declared loss.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DeadLetter } from '../../../../src/wire/operate.ts';
import { decodeRecord, encodeRecord, type MessageRecord } from '../../../../src/wire/records.ts';
import { readObject, writeWhole } from '../files.ts';

export interface DeadLettersOptions {
  readonly folder: string;
  readonly limits?: Partial<typeof LIMITS>;
  readonly warn: (text: string) => void;
}

/** What is said of a record when it is set aside. */
export type Death = Omit<DeadLetter, 'id' | 'appendedAt' | 'at' | 'bytes'> & {
  /** Birth of the log it came from. */
  readonly born: number;
  readonly record: MessageRecord;
};

interface Kept {
  readonly letter: DeadLetter;
  readonly born: number;
  readonly size: number;
}

const LIMITS = { letters: 1_000, bytes: 64 * 1024 * 1024 };

export class DeadLetters {
  readonly #folder: string;
  readonly #limits: typeof LIMITS;
  readonly #warn: (text: string) => void;
  /** In the order they were set aside. */
  readonly #kept = new Map<string, Kept>();
  readonly #crowdedOut = new Map<string, number>();
  #bytes = 0;
  #last = 0;

  constructor({ folder, limits, warn }: DeadLettersOptions) {
    this.#folder = folder;
    this.#limits = { ...LIMITS, ...limits };
    this.#warn = warn;
    mkdirSync(folder, { recursive: true });
    const ids = readdirSync(folder)
      .flatMap((name) => (/^\d{1,15}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []))
      .sort((a, b) => a - b);
    for (const id of ids) this.#load(String(id));
    this.#last = ids.at(-1) ?? 0;
  }

  list(stream?: string): DeadLetter[] {
    const letters = [...this.#kept.values()].map(({ letter }) => letter);
    return stream === undefined ? letters : letters.filter((letter) => letter.stream === stream);
  }

  count(stream: string): number {
    return this.list(stream).length;
  }

  /** Of this stream, since this process started. */
  crowdedOut(stream: string): number {
    return this.#crowdedOut.get(stream) ?? 0;
  }

  /** On disk when it returns. Throws when it cannot be written. */
  put({ record, born, ...death }: Death): DeadLetter {
    const payload = encodeRecord(record);
    const id = String(this.#last + 1);
    const letter = { ...death, id, appendedAt: record.ts, at: Date.now(), bytes: payload.length };
    this.#write(letter, born, payload);
    this.#last++;
    this.#makeRoom();
    return letter;
  }

  /** The letter with its record, or undefined when there is none or it cannot be read any more. */
  get(id: string): { letter: DeadLetter; born: number; record: MessageRecord } | undefined {
    const kept = this.#kept.get(id);
    const text = kept && readObject(this.#path(id))?.record;
    const record = typeof text === 'string' ? decodeRecord(Buffer.from(text, 'base64')) : undefined;
    return kept !== undefined && record?.kind === 'message' ? { ...kept, record } : undefined;
  }

  /** A replay failed as well. */
  failed(id: string, error: string): void {
    const found = this.get(id);
    if (found === undefined) return;
    const { letter, born, record } = found;
    const attempts = letter.attempts + 1;
    this.#write({ ...letter, reason: 'error', error, attempts }, born, encodeRecord(record));
  }

  /** False when there is none. */
  remove(id: string): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return false;
    rmSync(this.#path(id), { force: true });
    this.#kept.delete(id);
    this.#bytes -= kept.size;
    return true;
  }

  #write(letter: DeadLetter, born: number, payload: Buffer): void {
    const text = JSON.stringify({ v: 1, letter, born, record: payload.toString('base64') });
    writeWhole(this.#path(letter.id), text);
    this.#note({ letter, born, size: text.length });
  }

  #load(id: string): void {
    const path = this.#path(id);
    const known = readObject(path);
    if (known === undefined) this.#warn(`the dead letter ${path} cannot be read and is passed over`);
    else
      this.#note({
        letter: known.letter as DeadLetter,
        born: known.born as number,
        size: statSync(path).size,
      });
  }

  #note(kept: Kept): void {
    this.#bytes += kept.size - (this.#kept.get(kept.letter.id)?.size ?? 0);
    this.#kept.set(kept.letter.id, kept);
  }

  #makeRoom(): void {
    for (const [id, { letter }] of this.#kept) {
      const full = this.#kept.size > this.#limits.letters || this.#bytes > this.#limits.bytes;
      if (!full || this.#kept.size === 1) return;
      this.remove(id);
      this.#crowdedOut.set(letter.stream, this.crowdedOut(letter.stream) + 1);
      this.#warn(`dead letter ${id} of ${letter.stream} made room for a newer one and is lost`);
    }
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
