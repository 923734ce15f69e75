/**
 * The log of one out stream in a folder of its own: segments, and `log.json` with its identity and the sequence
 * numbers it may use. What is committed has been written to the operating system; a restart of the machine may take
 * the last of it, so numbers are reserved in synced blocks before they are sent and never used twice. With durability
 * `memory` segments stay in memory, and the numbers of those a crash takes are burnt in the same way.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRecord, encodeRecord, VOID_MARKER } from '../../../../src/wire/records.ts';
import type { Incarnation } from '../../../../src/wire/stream.ts';
import { LogState } from './LogState.ts';
import { RecentEntries } from './RecentEntries.ts';
import { entryBytes, type LogEntry } from './Segment.ts';
import { Segments, type SegmentsOptions } from './Segments.ts';

export interface StreamLogOptions extends SegmentsOptions {
  readonly folder: string;
  readonly stream: string;
  /** Producer epoch of this log. */
  readonly epoch: number;
  /** See `hostBoot`. */
  readonly host: string;
  /** Most bytes of recent records kept in memory, as things stand. */
  readonly cacheBytes: () => number;
  /** How far it was released, as the last checkpoint says, if it was one that is released. */
  readonly released?: number | undefined;
  /** ms since 1970. */
  readonly now: () => number;
  /** More numbers may be sent, or none can be reserved. */
  readonly onReserved: (error?: unknown) => void;
}

/** Numbers reserved at a time; twice as many each time that they were soon used up, for a sync may take a while. */
const BLOCK = 4096;
const LARGEST_BLOCK = 262_144;
const SOON_MS = 500;
const VOID = encodeRecord({ kind: 'marker', ts: 0, code: VOID_MARKER, body: Buffer.alloc(0) });

export class StreamLog {
  readonly #options: StreamLogOptions;
  readonly #segments: Segments;
  readonly #recent: RecentEntries;
  readonly #state: LogState;
  #head = 0;
  #trimmed = 0;
  #pending: LogEntry[] = [];
  #pendingBytes = 0;
  #block = BLOCK;
  #reservedAt = Number.NEGATIVE_INFINITY;
  /** What may be sent while these numbers are reserved and more are committed. */
  #limit: { readonly reserved: number; readonly sendable: number } | undefined;
  #reserving: Promise<void> | undefined;
  /** Nothing above may be sent yet; undefined: everything may. */
  #released: number | undefined;

  /** Opens or makes the log; cuts off a torn tail and covers lost numbers with a GAP. Throws on unusable files. */
  constructor(options: StreamLogOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#segments = new Segments(options.folder, options);
    this.#recent = new RecentEntries(options.cacheBytes);
    const { stream, epoch, host, now } = options;
    const path = join(options.folder, 'log.json');
    this.#state = new LogState({ path, stream, epoch, host, now, volatile: () => this.#segments.volatile });
    try {
      this.#recover();
    } catch (error) {
      this.#segments.close();
      throw error;
    }
    this.reserve();
  }

  #recover(): void {
    const { now, durability } = this.#options;
    const { reserved } = this.#state;
    const { head = reserved, cut } = this.#segments.recover();
    this.#head = head;
    this.#trimmed = (this.#segments.first ?? head + 1) - 1;
    const whole = this.#state.isWhole(head, cut);
    if (!whole && reserved > head) this.#appendNow(gap(head, reserved, now(), 'lost-tail'));
    this.#takeUp(whole || durability === 'fsync');
    this.#state.begin();
  }

  get incarnation(): Incarnation {
    return this.#state.incarnation;
  }

  /** Last committed sequence that may be sent. */
  get sendable(): number {
    return Math.min(this.accepted, this.#released ?? Number.POSITIVE_INFINITY);
  }

  get released(): number | undefined {
    return this.#released;
  }

  /** What is appended from now on is sent when it is released. */
  hold(): void {
    if (this.#released !== undefined) return;
    this.#state.heldSince ??= this.#head;
    this.#released = this.#head;
  }

  /** What is appended is sent as soon as it can be. */
  free(): void {
    this.#state.heldSince = undefined;
    this.#released = undefined;
  }

  release(upTo: number): void {
    if (this.#released !== undefined) this.#released = Math.max(this.#released, upTo);
  }

  /** Last committed sequence that is kept: a crash of the process takes neither it nor its number. */
  get accepted(): number {
    const { reserved } = this.#state;
    if (reserved >= this.committed) return this.committed;
    if (reserved < this.base) return reserved;
    // It stands still until more is reserved, which may be long in the reading.
    if (this.#limit?.reserved !== reserved) this.#limit = { reserved, sendable: this.#wholeUpTo(reserved) };
    return this.#limit.sendable;
  }

  /** Last appended sequence, committed or not. */
  get head(): number {
    return this.#head;
  }

  /** Lowest sequence that can still be read. */
  get base(): number {
    return Math.max(this.#trimmed + 1, this.#segments.first ?? 1);
  }

  /** Bytes on disk, and those the next commit adds. */
  get bytes(): number {
    return this.#segments.bytes + this.#pendingBytes;
  }

  /** Last sequence of the oldest segment, which can be given up by itself; undefined when there is nothing to give up. */
  endOfOldest(): number | undefined {
    const end = this.#segments.endOfOldest(this.committed);
    return end !== undefined && end > (this.#released ?? end) ? undefined : end;
  }

  /** Holds for what is appended from now on. */
  configure(options: SegmentsOptions): void {
    const was = this.#segments.volatile;
    this.#segments.configure(options);
    // Known on disk before anything is kept in memory alone.
    if (this.#segments.volatile && !was) this.#state.write();
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
    this.#segments.write(
      entries[0]!.seq,
      entries.map((e) => e.payload),
    );
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const entry of entries) this.#recent.add(entry);
    this.#reserveAhead();
  }

  /** Forgets what was appended since the last commit; its numbers are taken again. */
  discard(): void {
    this.#head = this.committed;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Resolves once what is committed now survives a power cut, as far as its durability is `fsync`. */
  sync(): Promise<void> {
    return this.#segments.sync();
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
    if (from > this.#head) return { bytes: 0, since: undefined };
    const recent = this.#recent.at(from);
    const since = recent === undefined ? this.#segments.since(from) : decodeRecord(recent.payload)?.ts;
    return { bytes: this.#segments.bytesFrom(from, this.#head) + this.#pendingBytes, since };
  }

  /** Gives up everything up to `upTo`; whole segments leave the disk. */
  trim(upTo: number): void {
    this.#trimmed = Math.max(this.#trimmed, Math.min(upTo, this.committed));
    this.#segments.trim(this.#trimmed, this.committed);
    this.#recent.trim(this.#trimmed);
    this.#state.voids.trim(this.#trimmed);
  }

  /** Takes a birth later than `by`, durably; the epoch is not the log's to change. */
  rebirth(by: Incarnation): Incarnation {
    this.#state.rebirth(by);
    return this.#state.incarnation;
  }

  /** Commits and marks the log whole, so that the next start goes on without a GAP. */
  async close(): Promise<void> {
    this.commit();
    await this.#reserving;
    await this.#segments.save();
    this.#state.write(this.#head);
    this.#segments.close();
  }

  async destroy(): Promise<void> {
    await this.#reserving;
    await this.#segments.settled();
    this.#segments.close();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  /** Last sequence that is written. */
  get committed(): number {
    return (this.#pending[0]?.seq ?? this.#head + 1) - 1;
  }

  /**
   * Where the last checkpoint may be gone (`known` false), what it had released must not be: it is all sent, and what is
   * made anew will be recognised.
   */
  #takeUp(known: boolean): void {
    const { heldSince } = this.#state;
    if (heldSince === undefined) return;
    if (known) this.#voidAbove(Math.max(heldSince, this.#options.released ?? 0));
    else this.#state.heldSince = this.#head;
  }

  /**
   * What has a cause is made anew, under new numbers, when that is delivered again: it must never be sent. Nobody makes
   * anew what has none.
   */
  #voidAbove(released: number): void {
    const { voids } = this.#state;
    const before = voids.size;
    for (const { seq, payload } of this.#entries(Math.max(released + 1, this.base))) {
      const record = decodeRecord(payload);
      if (record?.kind === 'message' && record.lineage !== undefined) voids.add(seq);
    }
    if (voids.size > before) this.#state.write();
  }

  #appendNow(entry: LogEntry): void {
    this.#segments.write(entry.seq, [entry.payload]);
    this.#head = entry.to;
  }

  *#entries(from: number): Generator<LogEntry> {
    let next = from;
    while (next <= this.committed) {
      const before = next;
      for (const entry of this.#recent.from(next) ?? this.#fromSegment(next)) {
        yield this.#state.voids.has(entry.seq) ? { ...entry, payload: VOID } : entry;
        next = entry.to + 1;
      }
      if (next === before) return;
    }
  }

  /** What remains of one segment; an unreadable rest of it is a GAP. */
  *#fromSegment(from: number): Generator<LogEntry> {
    const { entries, end } = this.#segments.read(from, this.committed);
    let next = from;
    for (const entry of entries) {
      yield entry;
      next = entry.to + 1;
    }
    if (next <= end) yield gap(next - 1, end, this.#options.now(), 'unreadable');
  }

  /** A GAP is sent whole or not at all. */
  #wholeUpTo(reserved: number): number {
    const across = this.read(reserved, reserved, 0)[0];
    return across !== undefined && across.to > reserved ? across.seq - 1 : reserved;
  }

  /** Reserves the next block of numbers; `onReserved` tells how it went. */
  reserve(): void {
    if (this.#reserving !== undefined) return;
    const now = performance.now();
    this.#block = now - this.#reservedAt < SOON_MS ? Math.min(this.#block * 2, LARGEST_BLOCK) : BLOCK;
    this.#reservedAt = now;
    this.#reserving = this.#state.reserve(this.#head + this.#block).then((error) => {
      this.#reserving = undefined;
      this.#options.onReserved(error);
      // More may have been appended meanwhile than the block holds.
      if (error === undefined) this.#reserveAhead();
    });
  }

  #reserveAhead(): void {
    if (this.#head + this.#block / 2 > this.#state.reserved) this.reserve();
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
