/**
 * Finds the record that ends the process whenever it is delivered. A note on disk stands while a stream is open; one
 * found at a start tells that the former process died. After two deaths in which the cursor did not move, the records
 * that may be to blame are handed over one at a time, each noted before; the one that was alone at the next death is
 * guilty. A single kill costs nothing.
 */
import type { CursorJournal } from './CursorJournal.ts';

interface Note {
  readonly stable: number;
  /** Deaths in a row at this cursor. */
  readonly deaths: number;
  /** The record that is handed over alone now. */
  readonly alone?: number;
}

const DEATHS = 2;

export class CrashGuard {
  readonly #cursors: CursorJournal;
  readonly #key: string;
  readonly #stable: number;
  readonly #deaths: number;
  /** The record that was alone when the process died. */
  readonly #guilty: number | undefined;

  /** `stable`: the stored cursor at this start. */
  constructor(cursors: CursorJournal, stream: string, stable: number) {
    this.#cursors = cursors;
    this.#key = `crash ${stream}`;
    this.#stable = stable;
    const before = cursors.get(this.#key) as Note | undefined;
    const same = before !== undefined && before.stable === stable;
    this.#deaths = before === undefined ? 0 : same ? before.deaths + 1 : 1;
    this.#guilty = same ? before.alone : undefined;
    this.#note();
    cursors.flush();
  }

  /** What an earlier process may have had is to be handed over one at a time. */
  get careful(): boolean {
    return this.#deaths >= DEATHS;
  }

  /** Deaths in a row. */
  get deaths(): number {
    return this.#deaths;
  }

  isGuilty(seq: number): boolean {
    return seq === this.#guilty;
  }

  /** Call before the record is handed over alone: it is noted when this returns. */
  enter(seq: number): void {
    this.#note(seq);
    this.#cursors.flush();
  }

  /** The record that was alone is processed. */
  leave(): void {
    this.#note();
  }

  /** The process ends as it should, or the stream is forgotten. */
  close(): void {
    this.#cursors.set(this.#key, undefined);
  }

  #note(alone?: number): void {
    const note: Note = {
      stable: this.#stable,
      deaths: this.#deaths,
      ...(alone === undefined ? {} : { alone }),
    };
    this.#cursors.set(this.#key, note);
  }
}
