/**
 * The log of one stream as `StreamLog` keeps it: appended in memory, committed to the operating system, numbers
 * reserved durably in blocks before they are sent.
 */
import type { SequencedRecord } from '../../../src/wire/frames.ts';
import { type GapReason, VOID_MARKER, type WireRecord } from '../../../src/wire/records.ts';
import type { Incarnation } from '../../../src/wire/stream.ts';

/** What is on the disk. */
export interface LogFile {
  /** Tells this log from every other of the run. */
  readonly id: number;
  incarnation: Incarnation;
  reserved: number;
  entries: SequencedRecord[];
  /** Entries up to here survive a power cut. */
  synced: number;
  /** Since this number records wait for a checkpoint before they are sent; undefined: they do not. */
  heldSince: number | undefined;
  /** The machine has restarted since it was open. */
  unsure: boolean;
  /** Observed as accepted up to here. */
  accepted: number;
}

const VOID: WireRecord = { kind: 'marker', ts: 0, code: VOID_MARKER, body: new Uint8Array(0) };
/** Numbers reserved at a time. */
const BLOCK = 16;
/** Most entries a power cut takes. */
const MOST_LOST = 20;

export class Log {
  readonly file: LogFile;
  readonly quota: number;
  /** Nothing above is sent. */
  released = Number.POSITIVE_INFINITY;
  #pending: SequencedRecord[] = [];
  #head: number;
  #trimmed: number;
  #reserving = false;
  readonly #later: (run: () => void) => void;
  readonly #onReserved: () => void;

  constructor(file: LogFile, quota: number, later: (run: () => void) => void, onReserved: () => void) {
    this.file = file;
    this.quota = quota;
    this.#later = later;
    this.#onReserved = onReserved;
    this.#head = file.entries.at(-1)?.to ?? file.reserved;
    this.#trimmed = (file.entries[0]?.seq ?? this.#head + 1) - 1;
    this.reserve();
  }

  /** Last appended sequence, committed or not. */
  get head(): number {
    return this.#head;
  }

  get base(): number {
    return this.#trimmed + 1;
  }

  get sendable(): number {
    return Math.min(this.accepted, this.released);
  }

  /** Committed, and a crash takes neither it nor its number. */
  get accepted(): number {
    const { reserved } = this.file;
    if (reserved >= this.#committed) return this.#committed;
    // A GAP is sent whole or not at all.
    const [across] = this.read(reserved, reserved, 1);
    return across !== undefined && across.to > reserved ? across.seq - 1 : reserved;
  }

  get size(): number {
    return this.file.entries.length + this.#pending.length;
  }

  append(record: WireRecord): number {
    const seq = this.#head + 1;
    this.#pending.push({ seq, to: seq, record });
    this.#head = seq;
    return seq;
  }

  appendGap(count: number): void {
    this.#pending.push(gap(this.#head + 1, this.#head + count, 'overflow'));
    this.#head += count;
  }

  commit(): void {
    this.file.entries.push(...this.#pending);
    this.#pending = [];
    if (this.#head + BLOCK / 2 > this.file.reserved) this.reserve();
  }

  /** What was committed up to here survives a power cut. */
  synced(upTo: number): void {
    this.file.synced = Math.max(this.file.synced, Math.min(upTo, this.#committed));
  }

  reserve(): void {
    if (this.#reserving) return;
    this.#reserving = true;
    const upTo = this.#head + BLOCK;
    this.#later(() => {
      this.#reserving = false;
      this.file.reserved = Math.max(this.file.reserved, upTo);
      this.#onReserved();
      if (this.#head + BLOCK / 2 > this.file.reserved) this.reserve();
    });
  }

  /** Entries from the one that holds `from`, none beginning after `to`, at most `most`. */
  read(from: number, to: number, most: number): SequencedRecord[] {
    const { entries } = this.file;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle]!.to < from) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < entries.length && end - low < most && entries[end]!.seq <= to) end++;
    return entries.slice(low, end);
  }

  trim(upTo: number): void {
    this.#trimmed = Math.max(this.#trimmed, Math.min(upTo, this.#committed));
    const { entries } = this.file;
    let gone = 0;
    while (gone < entries.length - 1 && entries[gone]!.to <= this.#trimmed) gone++;
    entries.splice(0, gone);
  }

  get #committed(): number {
    return (this.#pending[0]?.seq ?? this.#head + 1) - 1;
  }
}

/**
 * The machine restarts: the last entries are gone, the first of them may be torn, and nobody knows how many there
 * were. The numbers that may have been sent are burnt.
 */
export function losePower(file: LogFile, random: number): void {
  const { entries, synced } = file;
  file.unsure = true;
  if (entries.length === 0) return;
  let risked = 0;
  while (risked < entries.length && entries.at(-1 - risked)!.to > synced) risked++;
  const lost = Math.floor(random * Math.min(MOST_LOST, risked));
  if (lost > 0) entries.length -= lost;
  const head = entries.at(-1)!.to;
  if (file.reserved > head) entries.push(gap(head + 1, file.reserved, 'lost-tail'));
}

/**
 * What has a cause is made anew, under new numbers, when that is delivered again: it must never be sent. Nobody makes
 * anew what has none.
 */
export function voidAbove({ entries }: LogFile, released: number): void {
  for (const [i, { seq, to, record }] of entries.entries()) {
    if (seq > released && record.kind === 'message' && record.lineage !== undefined)
      entries[i] = { seq, to, record: VOID };
  }
}

function gap(seq: number, to: number, reason: GapReason): SequencedRecord {
  return { seq, to, record: { kind: 'gap', ts: 0, to, reason } };
}
