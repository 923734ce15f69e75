/**
 * The log of one out stream in a folder of its own: segments, and `log.json` with its identity and the sequence
 * numbers it may use. What is committed has been written to the operating system; a restart of the machine may take
 * the last of it, so numbers are reserved in synced blocks before they are sent and never used twice.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRecord, encodeRecord } from '../../../../src/wire/records.ts';
import type { Incarnation } from '../../../../src/wire/stream.ts';
import { readObject, writeWhole, writeWholeLater } from './files.ts';
import { entryBytes, type LogEntry, Segment } from './Segment.ts';

export interface StreamLogOptions {
  readonly folder: string;
  readonly stream: string;
  /** Producer epoch of this log. */
  readonly epoch: number;
  /** See `hostBoot`. */
  readonly host: string;
  readonly segmentBytes: number;
  /** Most bytes of recent records kept in memory. */
  readonly cacheBytes: number;
  /** ms since 1970. */
  readonly now: () => number;
  /** More numbers may be sent, or none can be reserved. */
  readonly onReserved: (error?: unknown) => void;
}

/** Numbers reserved at a time. */
const BLOCK = 4096;

export class StreamLog {
  readonly #options: StreamLogOptions;
  readonly #segments: Segment[] = [];
  #incarnation: Incarnation;
  /** Bytes of all segments but the last, which is the one written to. */
  #oldBytes = 0;
  #head = 0;
  #trimmed = 0;
  #pending: LogEntry[] = [];
  #pendingBytes = 0;
  #cache: LogEntry[] = [];
  #cacheBytes = 0;
  #reserved = 0;
  #reserving: Promise<void> | undefined;

  /** Opens or makes the log; cuts off a torn tail and covers lost numbers with a GAP. Throws on unusable files. */
  constructor(options: StreamLogOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    const known = readObject(this.#file);
    const born = asNumber(known?.born) ?? options.now();
    this.#incarnation = { pe: options.epoch, born };
    const reserved = asNumber(known?.reserved) ?? 0;
    const cut = this.#recover(reserved);
    const cleanHead = asNumber(known?.cleanHead);
    const whole =
      cleanHead === undefined
        ? !cut && options.host !== '' && known?.host === options.host
        : this.#head >= cleanHead;
    if (!whole && reserved > this.#head)
      this.#appendNow(gap(this.#head, reserved, options.now(), 'lost-tail'));
    this.#reserved = reserved;
    if (known === undefined) this.#writeState({});
    this.reserve();
  }

  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  /** Last committed sequence that may be sent. */
  get sendable(): number {
    return Math.min(this.#committed, this.#reserved);
  }

  /** Last appended sequence, committed or not. */
  get head(): number {
    return this.#head;
  }

  /** Lowest sequence that can still be read. */
  get base(): number {
    return Math.max(this.#trimmed + 1, this.#segments[0]?.first ?? 1);
  }

  /** Bytes on disk, and those the next commit adds. */
  get bytes(): number {
    return this.#oldBytes + (this.#segments.at(-1)?.size ?? 0) + this.#pendingBytes;
  }

  /** Takes the next sequence for the record; `commit` writes it. */
  append(payload: Buffer): number {
    const seq = this.#head + 1;
    this.#pending.push({ seq, to: seq, payload });
    this.#pendingBytes += entryBytes(payload);
    this.#head = seq;
    return seq;
  }

  /** Declares the next `count` sequences lost. */
  appendGap(count: number): void {
    const entry = gap(this.#head, this.#head + count, this.#options.now(), 'overflow');
    this.#pending.push(entry);
    this.#head = entry.to;
  }

  /** Writes what was appended, in one piece. When it throws, what was appended since the last commit is gone. */
  commit(): void {
    const entries = this.#pending;
    if (entries.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      this.#activeSegment(entries[0]!.seq).write(entries.map((e) => e.payload));
    } catch (error) {
      this.#head = entries[0]!.seq - 1;
      throw error;
    }
    for (const entry of entries) this.#remember(entry);
    this.#reserveAhead();
  }

  /** Entries from the one that holds `from`, none beginning after `to`, about `maxBytes`, at least one if there is one. */
  read(from: number, to: number, maxBytes: number): LogEntry[] {
    const found: LogEntry[] = [];
    let bytes = 0;
    for (const entry of this.#entries(from)) {
      if (entry.seq > to || (found.length > 0 && bytes + entry.payload.length > maxBytes)) break;
      found.push(entry);
      bytes += entry.payload.length;
    }
    return found;
  }

  /** What stands from this sequence on: bytes, and when the first of it was appended, both to within a segment. */
  extent(from: number): { readonly bytes: number; readonly since: number | undefined } {
    const index = Math.max(
      0,
      this.#segments.findLastIndex((s) => s.first <= from),
    );
    const segment = this.#segments[index];
    if (segment === undefined || from > this.#head) return { bytes: 0, since: undefined };
    const end = this.#segments[index + 1]?.first ?? this.#head + 1;
    const part = (end - from) / Math.max(1, end - segment.first);
    const rest = this.#segments.slice(index + 1).reduce((sum, s) => sum + s.size, 0);
    const cached = this.#cacheIndex(from);
    const since = cached === undefined ? segment.since : decodeRecord(this.#cache[cached]!.payload)?.ts;
    return { bytes: Math.round(segment.size * part) + rest + this.#pendingBytes, since };
  }

  /** Gives up everything up to `upTo`; whole segments leave the disk. */
  trim(upTo: number): void {
    this.#trimmed = Math.max(this.#trimmed, Math.min(upTo, this.#committed));
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#trimmed === this.#committed && last.size >= this.#options.segmentBytes)
      this.#addSegment(this.#committed + 1);
    while (this.#segments.length > 1 && this.#segments[1]!.first <= this.#trimmed + 1) {
      const gone = this.#segments.shift()!;
      this.#oldBytes -= gone.size;
      gone.remove();
    }
    const kept = this.#cache.findIndex((e) => e.to > this.#trimmed);
    this.#forget(kept === -1 ? this.#cache.length : kept);
  }

  /** Takes a birth later than `by`, durably; the epoch is not the log's to change. */
  rebirth(by: Incarnation): Incarnation {
    this.#incarnation = { pe: this.#incarnation.pe, born: Math.max(by.born + 1, this.#options.now()) };
    this.#writeState({});
    return this.#incarnation;
  }

  /** Commits and marks the log whole, so that the next start goes on without a GAP. */
  async close(): Promise<void> {
    this.commit();
    await this.#reserving;
    this.#segments.at(-1)?.sync();
    this.#writeState({ cleanHead: this.#head });
    for (const segment of this.#segments) segment.close();
  }

  async destroy(): Promise<void> {
    await this.#reserving;
    for (const segment of this.#segments) segment.close();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  get #file(): string {
    return join(this.#options.folder, 'log.json');
  }

  get #committed(): number {
    return (this.#pending[0]?.seq ?? this.#head + 1) - 1;
  }

  /** Returns whether something at the end was cut off. */
  #recover(reserved: number): boolean {
    const firsts = readdirSync(this.#options.folder)
      .map(Segment.firstOf)
      .filter((first) => first !== undefined)
      .sort((a, b) => a - b);
    for (const first of firsts) this.#segments.push(Segment.existing(this.#options.folder, first));
    const last = this.#segments.at(-1);
    const size = last?.size;
    this.#head = last === undefined ? reserved : last.recover() - 1;
    this.#trimmed = (this.#segments[0]?.first ?? this.#head + 1) - 1;
    this.#oldBytes = this.#segments.slice(0, -1).reduce((sum, s) => sum + s.size, 0);
    return last?.size !== size;
  }

  #appendNow(entry: LogEntry): void {
    this.#activeSegment(entry.seq).write([entry.payload]);
    this.#head = entry.to;
  }

  #activeSegment(seq: number): Segment {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.size < this.#options.segmentBytes) return last;
    return this.#addSegment(seq);
  }

  #addSegment(first: number): Segment {
    const segment = Segment.create(this.#options.folder, first);
    const last = this.#segments.at(-1);
    this.#oldBytes += last?.size ?? 0;
    last?.close();
    this.#segments.push(segment);
    return segment;
  }

  *#entries(from: number): Generator<LogEntry> {
    let next = from;
    while (next <= this.#committed) {
      const before = next;
      const cached = this.#cacheIndex(next);
      const source = cached === undefined ? this.#entriesOnDisk(next) : this.#entriesInMemory(cached);
      for (const entry of source) {
        yield entry;
        next = entry.to + 1;
      }
      if (next === before) return;
    }
  }

  *#entriesInMemory(index: number): Generator<LogEntry> {
    for (let i = index; i < this.#cache.length; i++) yield this.#cache[i]!;
  }

  /** What remains of one segment; an unreadable rest of it is a GAP. */
  *#entriesOnDisk(from: number): Generator<LogEntry> {
    const index = this.#segments.findLastIndex((s) => s.first <= from);
    const segment = this.#segments[index];
    const end = (this.#segments[index + 1]?.first ?? this.#committed + 1) - 1;
    let next = from;
    if (segment !== undefined) {
      for (const entry of segment.read(from)) {
        yield entry;
        next = entry.to + 1;
      }
      if (end < this.#committed) segment.close();
    }
    if (next <= end) yield gap(next - 1, end, this.#options.now(), 'unreadable');
  }

  #cacheIndex(seq: number): number | undefined {
    const cache = this.#cache;
    if (cache.length === 0 || seq < cache[0]!.seq) return undefined;
    let low = 0;
    let high = cache.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (cache[middle]!.seq <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #remember(entry: LogEntry): void {
    this.#cache.push(entry);
    this.#cacheBytes += entryBytes(entry.payload);
    if (this.#cacheBytes <= this.#options.cacheBytes) return;
    this.#forget(Math.ceil(this.#cache.length / 2));
  }

  #forget(count: number): void {
    for (const entry of this.#cache.splice(0, count)) this.#cacheBytes -= entryBytes(entry.payload);
  }

  /** Reserves the next block of numbers; `onReserved` tells how it went. */
  reserve(): void {
    this.#reserving ??= this.#reserveBlock(this.#head + BLOCK).then((error) => {
      this.#reserving = undefined;
      this.#options.onReserved(error);
      // More may have been appended meanwhile than the block holds.
      if (error === undefined) this.#reserveAhead();
    });
  }

  #reserveAhead(): void {
    if (this.#head + BLOCK / 2 > this.#reserved) this.reserve();
  }

  async #reserveBlock(upTo: number): Promise<unknown> {
    try {
      await writeWholeLater(this.#file, this.#state({ reserved: upTo }));
      this.#reserved = upTo;
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #writeState(extra: { cleanHead?: number }): void {
    writeWhole(this.#file, this.#state(extra));
  }

  #state(extra: { cleanHead?: number; reserved?: number }): string {
    const { pe, born } = this.#incarnation;
    const { stream, host } = this.#options;
    return `${JSON.stringify({ v: 1, stream, pe, born, host, reserved: this.#reserved, ...extra })}\n`;
  }
}

function gap(
  after: number,
  to: number,
  ts: number,
  reason: 'overflow' | 'lost-tail' | 'unreadable',
): LogEntry {
  return { seq: after + 1, to, payload: encodeRecord({ kind: 'gap', ts, to, reason }) };
}

const asNumber = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
