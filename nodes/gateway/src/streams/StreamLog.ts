/**
 * The log of one out stream in a folder of its own: segments, and `log.json` with its identity and the sequence
 * numbers it may use. What is committed has been written to the operating system; a restart of the machine may take
 * the last of it, so numbers are reserved in synced blocks before they are sent and never used twice. With durability
 * `memory` segments stay in memory, and the numbers of those a crash takes are burnt in the same way.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Durability } from '../../../../src/wire/options.ts';
import { decodeRecord, encodeRecord } from '../../../../src/wire/records.ts';
import type { Incarnation } from '../../../../src/wire/stream.ts';
import { readObject, syncFile, syncFolder, writeWhole, writeWholeLater } from './files.ts';
import { GroupSync } from './GroupSync.ts';
import { MemorySegment } from './MemorySegment.ts';
import { entryBytes, type LogEntry, Segment } from './Segment.ts';

export interface StreamLogOptions {
  readonly folder: string;
  readonly stream: string;
  /** Producer epoch of this log. */
  readonly epoch: number;
  /** See `hostBoot`. */
  readonly host: string;
  readonly durability: Durability;
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
  readonly #segments: (Segment | MemorySegment)[] = [];
  #durability: Durability;
  #segmentBytes: number;
  /** Files, and the folder, that hold something a power cut would take. */
  readonly #unsynced = new Set<string>();
  readonly #sync = new GroupSync(() => this.#syncFiles());
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
  /** Grows with each state written at once: one that was being written meanwhile is out of date. */
  #revision = 0;
  #reserving: Promise<void> | undefined;

  /** Opens or makes the log; cuts off a torn tail and covers lost numbers with a GAP. Throws on unusable files. */
  constructor(options: StreamLogOptions) {
    this.#options = options;
    this.#durability = options.durability;
    this.#segmentBytes = options.segmentBytes;
    mkdirSync(options.folder, { recursive: true });
    const known = readObject(this.#file);
    const born = asNumber(known?.born) ?? options.now();
    this.#incarnation = { pe: options.epoch, born };
    const reserved = asNumber(known?.reserved) ?? 0;
    const cut = this.#recover(reserved);
    const cleanHead = asNumber(known?.cleanHead);
    const whole =
      cleanHead === undefined
        ? !cut && known?.memory !== true && options.host !== '' && known?.host === options.host
        : this.#head >= cleanHead;
    if (!whole && reserved > this.#head)
      this.#appendNow(gap(this.#head, reserved, options.now(), 'lost-tail'));
    this.#reserved = reserved;
    if (known === undefined || (this.#hasMemory && known.memory !== true)) this.#writeState({});
    this.reserve();
  }

  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  /** Last committed sequence that may be sent. */
  get sendable(): number {
    const reserved = this.#reserved;
    if (reserved >= this.#committed) return this.#committed;
    if (reserved < this.base) return reserved;
    // A GAP is sent whole or not at all.
    const across = this.read(reserved, reserved, 0)[0];
    return across !== undefined && across.to > reserved ? across.seq - 1 : reserved;
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

  /** Last sequence of the oldest segment, which can be given up by itself; undefined when there is nothing to give up. */
  endOfOldest(): number | undefined {
    if (this.#segments.length === 1 && this.#segments[0]!.size > 0) this.#addSegment(this.#committed + 1);
    const next = this.#segments[1];
    return next === undefined ? undefined : next.first - 1;
  }

  /** Holds for what is appended from now on. */
  configure({ durability, segmentBytes }: { durability: Durability; segmentBytes: number }): void {
    this.#segmentBytes = segmentBytes;
    if (durability === this.#durability) return;
    this.#durability = durability;
    // Known on disk before anything is kept in memory alone.
    if (durability === 'memory') this.#writeState({});
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

  /** Writes what was appended, in one piece. When it throws, it may be tried again or `discard` what was appended. */
  commit(): void {
    const entries = this.#pending;
    if (entries.length === 0) return;
    const segment = this.#activeSegment(entries[0]!.seq);
    segment.write(entries.map((e) => e.payload));
    if (this.#durability === 'fsync' && segment instanceof Segment) this.#unsynced.add(segment.path);
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const entry of entries) this.#remember(entry);
    this.#reserveAhead();
  }

  /** Forgets what was appended since the last commit; its numbers are taken again. */
  discard(): void {
    this.#head = this.#committed;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Resolves once what is committed now survives a power cut, as far as its durability is `fsync`. */
  sync(): Promise<void> {
    return this.#sync.request();
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
    if (last !== undefined && this.#trimmed === this.#committed && last.size >= this.#segmentBytes)
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
    await this.#sync.settled();
    this.#save();
    this.#writeState({ cleanHead: this.#head });
    for (const segment of this.#segments) segment.close();
  }

  async destroy(): Promise<void> {
    await this.#reserving;
    await this.#sync.settled();
    for (const segment of this.#segments) segment.close();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  get #file(): string {
    return join(this.#options.folder, 'log.json');
  }

  get #committed(): number {
    return (this.#pending[0]?.seq ?? this.#head + 1) - 1;
  }

  get #hasMemory(): boolean {
    return this.#durability === 'memory' || this.#segments.some((s) => s instanceof MemorySegment);
  }

  /** What is in memory alone is written for the next start. */
  #save(): void {
    for (const segment of this.#segments) if (segment instanceof MemorySegment) segment.save();
    const last = this.#segments.at(-1);
    if (last instanceof Segment) last.sync();
  }

  async #syncFiles(): Promise<void> {
    const paths = [...this.#unsynced];
    this.#unsynced.clear();
    const { folder } = this.#options;
    try {
      // A new segment may stand in a new folder.
      const folders = paths.includes(folder) ? [folder, dirname(folder), dirname(dirname(folder))] : [];
      const files = paths.filter((path) => path !== folder);
      await Promise.all([...files.map(syncFile), ...folders.map(syncFolder)]);
    } catch (error) {
      for (const path of paths) this.#unsynced.add(path);
      throw error;
    }
  }

  /** Returns whether something at the end was cut off. */
  #recover(reserved: number): boolean {
    const firsts = readdirSync(this.#options.folder)
      .map(Segment.firstOf)
      .filter((first) => first !== undefined)
      .sort((a, b) => a - b);
    for (const first of firsts) this.#segments.push(Segment.existing(this.#options.folder, first));
    const last = this.#segments.at(-1) as Segment | undefined;
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

  #activeSegment(seq: number): Segment | MemorySegment {
    const last = this.#segments.at(-1);
    const inMemory = last instanceof MemorySegment;
    const fits = last !== undefined && last.size < this.#segmentBytes;
    return fits && inMemory === (this.#durability === 'memory') ? last : this.#addSegment(seq);
  }

  #addSegment(first: number): Segment | MemorySegment {
    const { folder } = this.#options;
    const inMemory = this.#durability === 'memory';
    const segment = inMemory ? new MemorySegment(folder, first) : Segment.create(folder, first);
    if (this.#durability === 'fsync') this.#unsynced.add(folder);
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
      for (let revision = -1; revision !== this.#revision; ) {
        revision = this.#revision;
        await writeWholeLater(this.#file, this.#state({ reserved: upTo }));
      }
      this.#reserved = upTo;
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #writeState(extra: { cleanHead?: number }): void {
    this.#revision++;
    writeWhole(this.#file, this.#state(extra));
  }

  #state(extra: { cleanHead?: number; reserved?: number }): string {
    const { pe, born } = this.#incarnation;
    const { stream, host } = this.#options;
    const memory = this.#hasMemory ? { memory: true } : {};
    return `${JSON.stringify({ v: 1, stream, pe, born, host, reserved: this.#reserved, ...memory, ...extra })}\n`;
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
