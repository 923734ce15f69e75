/** The segments of one log in its folder, oldest first; the last one is written to. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Durability } from '../../../../src/wire/options.ts';
import { syncFile, syncFolder } from '../files.ts';
import { GroupSync } from './GroupSync.ts';
import { MemorySegment } from './MemorySegment.ts';
import { type LogEntry, Segment } from './Segment.ts';

export interface SegmentsOptions {
  readonly durability: Durability;
  readonly segmentBytes: number;
}

export class Segments {
  readonly #folder: string;
  readonly #all: (Segment | MemorySegment)[];
  #options: SegmentsOptions;
  /** Bytes of all but the last. */
  #oldBytes: number;
  /** Files, and the folder, that hold something a power cut would take. */
  readonly #unsynced = new Set<string>();
  readonly #sync = new GroupSync(() => this.#syncFiles());

  /** Takes up what is in the folder. */
  constructor(folder: string, options: SegmentsOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#all = readdirSync(folder)
      .map(Segment.firstOf)
      .filter((first) => first !== undefined)
      .sort((a, b) => a - b)
      .map((first) => Segment.existing(folder, first));
    this.#oldBytes = this.#all.slice(0, -1).reduce((sum, s) => sum + s.size, 0);
  }

  /** First sequence there is room for; undefined while there are none. */
  get first(): number | undefined {
    return this.#all[0]?.first;
  }

  get bytes(): number {
    return this.#oldBytes + (this.#all.at(-1)?.size ?? 0);
  }

  /** A crash would take some of it, or of what is written next. */
  get volatile(): boolean {
    return this.#options.durability === 'memory' || this.#all.some((s) => s instanceof MemorySegment);
  }

  /** Cuts off a torn tail. Returns the last whole sequence, undefined while there are no segments. */
  recover(): { readonly head: number | undefined; readonly cut: boolean } {
    const last = this.#all.at(-1);
    if (!(last instanceof Segment)) return { head: undefined, cut: false };
    const { size } = last;
    const head = last.recover() - 1;
    return { head, cut: last.size !== size };
  }

  /** Holds for what is written from now on. */
  configure(options: SegmentsOptions): void {
    this.#options = options;
  }

  /** In one piece; `seq` is the first of them. When it throws, everything is as it was. */
  write(seq: number, payloads: readonly Buffer[]): void {
    const segment = this.#active(seq);
    segment.write(payloads);
    if (this.#options.durability === 'fsync' && segment instanceof Segment) this.#unsynced.add(segment.path);
  }

  /** Entries of one segment, from the one that holds `from` on, and the last sequence it stands for, at most `head`. */
  read(from: number, head: number): { readonly entries: Iterable<LogEntry>; readonly end: number } {
    const index = this.#all.findLastIndex((s) => s.first <= from);
    const segment = this.#all[index];
    const end = (this.#all[index + 1]?.first ?? head + 1) - 1;
    return { entries: segment === undefined ? [] : readOut(segment, from, end < head), end };
  }

  /** Whole segments up to `upTo` go; one that is full and passed makes room for the next. */
  trim(upTo: number, head: number): void {
    const last = this.#all.at(-1);
    if (last !== undefined && upTo === head && last.size >= this.#options.segmentBytes) this.#add(head + 1);
    while (this.#all.length > 1 && this.#all[1]!.first <= upTo + 1) {
      const gone = this.#all.shift()!;
      this.#oldBytes -= gone.size;
      gone.remove();
    }
  }

  /** Last sequence of the oldest, which can be given up by itself; undefined when there is nothing to give up. */
  endOfOldest(head: number): number | undefined {
    if (this.#all.length === 1 && this.#all[0]!.size > 0) this.#add(head + 1);
    const next = this.#all[1];
    return next === undefined ? undefined : next.first - 1;
  }

  /** Bytes from this sequence on, to within a segment. */
  bytesFrom(from: number, head: number): number {
    const at = this.#indexOf(from);
    const segment = this.#all[at];
    if (segment === undefined || from > head) return 0;
    const end = this.#all[at + 1]?.first ?? head + 1;
    const part = (end - from) / Math.max(1, end - segment.first);
    const rest = this.#all.slice(at + 1).reduce((sum, s) => sum + s.size, 0);
    return Math.round(segment.size * part) + rest;
  }

  /** When the segment with this sequence was begun, ms since 1970. */
  since(seq: number): number | undefined {
    return this.#all[this.#indexOf(seq)]?.since;
  }

  /** Resolves once what is written now survives a power cut, as far as its durability is `fsync`. */
  sync(): Promise<void> {
    return this.#sync.request();
  }

  /** Resolves when no file is being synced any more. */
  settled(): Promise<void> {
    return this.#sync.settled();
  }

  /** What is in memory alone is written for the next start, and the last of it all synced. */
  async save(): Promise<void> {
    for (const segment of this.#all) if (segment instanceof MemorySegment) segment.save();
    const last = this.#all.at(-1);
    if (last instanceof Segment) this.#unsynced.add(last.path);
    await this.sync();
  }

  close(): void {
    for (const segment of this.#all) segment.close();
  }

  /** Of the segment that holds the sequence, or else the first. */
  #indexOf(seq: number): number {
    const index = this.#all.findLastIndex((s) => s.first <= seq);
    return Math.max(0, index);
  }

  #active(seq: number): Segment | MemorySegment {
    const { durability, segmentBytes } = this.#options;
    const last = this.#all.at(-1);
    const inMemory = last instanceof MemorySegment;
    const fits = last !== undefined && last.size < segmentBytes;
    return fits && inMemory === (durability === 'memory') ? last : this.#add(seq);
  }

  #add(first: number): Segment | MemorySegment {
    const { durability } = this.#options;
    const segment =
      durability === 'memory' ? new MemorySegment(this.#folder, first) : Segment.create(this.#folder, first);
    if (durability === 'fsync') this.#unsynced.add(this.#folder);
    const last = this.#all.at(-1);
    this.#oldBytes += last?.size ?? 0;
    last?.close();
    this.#all.push(segment);
    return segment;
  }

  async #syncFiles(): Promise<void> {
    const paths = [...this.#unsynced];
    this.#unsynced.clear();
    const folder = this.#folder;
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
}

/** `old`: its file handle is given back afterwards. */
function* readOut(segment: Segment | MemorySegment, from: number, old: boolean): Generator<LogEntry> {
  yield* segment.read(from);
  if (old) segment.close();
}
