/**
 * One file of a log: entries `[u32 length][u32 crc32][record]`, the first of them at sequence `first`. Only the last
 * segment of a log is written to; a torn tail is cut off when it is opened.
 */
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { decodeRecord, lastSequence } from '../../../../src/wire/records.ts';
import { MAX_RECORD_BYTES } from '../../../../src/wire/stream.ts';

export interface LogEntry {
  readonly seq: number;
  /** Last sequence it stands for. */
  readonly to: number;
  readonly payload: Buffer;
}

const ENTRY_HEADER = 8;
const CHUNK = 256 * 1024;
const MARK_BYTES = 64 * 1024;
/** Largest write whose buffer is kept. */
const SCRATCH_BYTES = 1024 * 1024;

interface Place {
  readonly seq: number;
  readonly offset: number;
}

export const entryBytes = (payload: Uint8Array): number => ENTRY_HEADER + payload.length;

export class Segment {
  readonly first: number;
  readonly path: string;
  /** Bytes that hold whole entries. */
  size: number;
  #fd: number | undefined;
  /** Kept from one read to the next: a backlog is read in small pieces, forward. */
  #window: FileWindow | undefined;
  #since: number | undefined;
  /** Where the last sequential read stopped. */
  #hint: Place;
  /** Entries at least `MARK_BYTES` apart, in order, as far as was ever read: several readers begin near their own. */
  readonly #marks: Place[];

  private constructor(folder: string, first: number, size: number) {
    this.first = first;
    this.path = join(folder, fileName(first));
    this.size = size;
    this.#hint = { seq: first, offset: 0 };
    this.#marks = [this.#hint];
  }

  static create(folder: string, first: number): Segment {
    const segment = new Segment(folder, first, 0);
    segment.#fd = openSync(segment.path, 'w+');
    return segment;
  }

  static existing(folder: string, first: number): Segment {
    return new Segment(folder, first, statSync(join(folder, fileName(first))).size);
  }

  /** Sequence of the first entry by file name; undefined for another file. */
  static firstOf(name: string): number | undefined {
    const match = /^(\d{15})\.log$/.exec(name);
    return match === null ? undefined : Number(match[1]);
  }

  /** Keeps the whole entries, cuts the rest off; returns the sequence after the last entry. */
  recover(): number {
    let next = this.first;
    let offset = 0;
    for (const entry of this.#scan(this.first, 0)) {
      next = entry.to + 1;
      offset += entryBytes(entry.payload);
    }
    if (offset < this.size) ftruncateSync(this.#open(), offset);
    this.size = offset;
    // It may hold what was cut off, in whose place other entries will stand.
    this.#window = undefined;
    return next;
  }

  /** All or nothing: a write that fails leaves the segment as it was. */
  write(payloads: readonly Buffer[]): void {
    const bytes = entriesOf(payloads);
    const fd = this.#open();
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(fd, bytes, done, bytes.length - done, this.size + done);
    } catch (error) {
      this.#cutOff(fd);
      throw error;
    }
    this.size += bytes.length;
  }

  /** What cannot be cut off is written over by the next write, and else taken for a torn tail. */
  #cutOff(fd: number): void {
    try {
      ftruncateSync(fd, this.size);
    } catch {}
  }

  /** Whole entries from the one that holds `from` on; ends early at an unreadable one. */
  *read(from: number): Generator<LogEntry> {
    const start = this.#nearest(from);
    let offset = start.offset;
    for (const entry of this.#scan(start.seq, start.offset)) {
      offset += entryBytes(entry.payload);
      if (entry.to >= from) {
        yield entry;
        this.#hint = { seq: entry.to + 1, offset };
      }
    }
  }

  *#scan(firstSeq: number, firstOffset: number): Generator<LogEntry> {
    this.#window ??= new FileWindow(this.#open());
    const file = this.#window;
    const end = this.size;
    let seq = firstSeq;
    let offset = firstOffset;
    for (;;) {
      const header = file.at(offset, ENTRY_HEADER, end);
      const length = header?.readUInt32BE(0) ?? Number.POSITIVE_INFINITY;
      if (header === undefined || length > MAX_RECORD_BYTES) return;
      const payload = file.at(offset + ENTRY_HEADER, length, end);
      if (payload === undefined || crc32(payload) !== header.readUInt32BE(4)) return;
      const to = lastSequence(seq, payload);
      if (to === undefined) return;
      if (offset >= this.#marks.at(-1)!.offset + MARK_BYTES) this.#marks.push({ seq, offset });
      yield { seq, to, payload };
      seq = to + 1;
      offset += ENTRY_HEADER + length;
    }
  }

  /** The last known entry at or before a sequence. */
  #nearest(seq: number): Place {
    const mark = this.#marks.findLast((place) => place.seq <= seq) ?? this.#marks[0]!;
    return this.#hint.seq <= seq && this.#hint.seq > mark.seq ? this.#hint : mark;
  }

  /** When its first record was appended, ms since 1970; undefined when it has none that can be read. */
  get since(): number | undefined {
    if (this.#since === undefined) {
      const [entry] = this.#scan(this.first, 0);
      this.#since = entry === undefined ? undefined : decodeRecord(entry.payload)?.ts;
    }
    return this.#since;
  }

  sync(): void {
    fsyncSync(this.#open());
  }

  /** Gives the file handle back; it is opened again when needed. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#window = undefined;
  }

  remove(): void {
    this.close();
    unlinkSync(this.path);
  }

  #open(): number {
    this.#fd ??= openSync(this.path, 'r+');
    return this.#fd;
  }
}

/**
 * Writing is over when it returns, so that one buffer serves all writes: to allocate one for each would cost more than to
 * fill it.
 */
let scratch = Buffer.allocUnsafeSlow(CHUNK);

/** What is to be written; good until the next call. */
function entriesOf(payloads: readonly Buffer[]): Buffer {
  const length = payloads.reduce((sum, payload) => sum + entryBytes(payload), 0);
  if (length > scratch.length && length <= SCRATCH_BYTES) scratch = Buffer.allocUnsafeSlow(length);
  const bytes = length > SCRATCH_BYTES ? Buffer.allocUnsafeSlow(length) : scratch.subarray(0, length);
  let at = 0;
  for (const payload of payloads) {
    at = bytes.writeUInt32BE(payload.length, at);
    at = bytes.writeUInt32BE(crc32(payload), at);
    bytes.set(payload, at);
    at += payload.length;
  }
  return bytes;
}

const fileName = (first: number): string => `${String(first).padStart(15, '0')}.log`;

/** Reads forward through a file in large chunks; what was read once is never written again. */
class FileWindow {
  readonly #fd: number;
  #chunk: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** `length` bytes from `offset`, or undefined past `end`. */
  at(offset: number, length: number, end: number): Buffer | undefined {
    if (offset + length > end) return undefined;
    if (offset < this.#start || offset + length > this.#start + this.#chunk.length) {
      const chunk = Buffer.allocUnsafe(Math.min(Math.max(length, CHUNK), end - offset));
      let done = 0;
      for (let got = -1; got !== 0 && done < chunk.length; done += got)
        got = readSync(this.#fd, chunk, done, chunk.length - done, offset + done);
      this.#chunk = chunk.subarray(0, done);
      this.#start = offset;
    }
    const at = offset - this.#start;
    return at + length > this.#chunk.length ? undefined : this.#chunk.subarray(at, at + length);
  }
}
