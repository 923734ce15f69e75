/** The latest entries of a log in memory: without a hole, up to the last committed one. */
import { entryBytes, type LogEntry } from './Segment.ts';

export class RecentEntries {
  readonly #maxBytes: () => number;
  #entries: LogEntry[] = [];
  #bytes = 0;

  constructor(maxBytes: () => number) {
    this.#maxBytes = maxBytes;
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry.payload);
    if (this.#bytes > this.#maxBytes()) this.#forget(Math.ceil(this.#entries.length / 2));
  }

  /** Forgets everything up to `upTo`. */
  trim(upTo: number): void {
    const kept = this.#entries.findIndex((e) => e.to > upTo);
    this.#forget(kept === -1 ? this.#entries.length : kept);
  }

  /** The entry that holds the sequence; undefined when it is not here. */
  at(seq: number): LogEntry | undefined {
    const index = this.#indexOf(seq);
    return index === undefined ? undefined : this.#entries[index];
  }

  /** Entries from the one that holds the sequence on; undefined when that is not here. */
  from(seq: number): Iterable<LogEntry> | undefined {
    const index = this.#indexOf(seq);
    return index === undefined ? undefined : this.#from(index);
  }

  *#from(index: number): Generator<LogEntry> {
    for (let i = index; i < this.#entries.length; i++) yield this.#entries[i]!;
  }

  #indexOf(seq: number): number | undefined {
    const entries = this.#entries;
    if (entries.length === 0 || seq < entries[0]!.seq) return undefined;
    let low = 0;
    let high = entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (entries[middle]!.seq <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #forget(count: number): void {
    for (const entry of this.#entries.splice(0, count)) this.#bytes -= entryBytes(entry.payload);
  }
}
