/** A segment of a log that is in memory alone; a clean end writes it to the file the next start reads. */
import { decodeRecord, lastSequence } from '../../../../src/wire/records.ts';
import { entryBytes, type LogEntry, Segment } from './Segment.ts';

export class MemorySegment {
  readonly first: number;
  readonly #folder: string;
  #entries: LogEntry[] = [];
  #size = 0;

  constructor(folder: string, first: number) {
    this.first = first;
    this.#folder = folder;
  }

  /** Bytes of its entries as they would be on disk. */
  get size(): number {
    return this.#size;
  }

  /** When its first record was appended, ms since 1970. */
  get since(): number | undefined {
    const [first] = this.#entries;
    return first === undefined ? undefined : decodeRecord(first.payload)?.ts;
  }

  write(payloads: readonly Buffer[]): void {
    for (const payload of payloads) {
      const seq = (this.#entries.at(-1)?.to ?? this.first - 1) + 1;
      this.#entries.push({ seq, to: lastSequence(seq, payload) ?? seq, payload });
      this.#size += entryBytes(payload);
    }
  }

  /** Entries from the one that holds `from` on. */
  *read(from: number): Generator<LogEntry> {
    for (let i = this.#indexOf(from); i < this.#entries.length; i++) yield this.#entries[i]!;
  }

  save(): void {
    if (this.#entries.length === 0) return;
    const file = Segment.create(this.#folder, this.first);
    try {
      file.write(this.#entries.map(({ payload }) => payload));
      file.sync();
    } finally {
      file.close();
    }
  }

  /** There is nothing to give back while it is in use. */
  close(): void {}

  remove(): void {
    this.#entries = [];
  }

  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.to < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
