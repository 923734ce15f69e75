/**
 * Hands the records of one in stream to Node-RED: in order, held while the gate holds, and a few at a time so that other
 * work of the event loop has its turn.
 */
import { decodeMessage } from '../../../../src/wire/codec.ts';
import type { SequencedRecord } from '../../../../src/wire/frames.ts';
import { hashText, RepeatDetector, rootLineage } from '../../../../src/wire/lineage.ts';
import type { MessageRecord } from '../../../../src/wire/records.ts';
import type { Incarnation } from '../../../../src/wire/stream.ts';
import type { Follower } from '../ports.ts';

export interface DeliveryOptions {
  readonly stream: string;
  readonly follower: Pick<Follower, 'follow'>;
  readonly held: () => boolean;
  /** Where messages go now; undefined while the node is closed. */
  readonly target: () => ((msg: object) => void) | undefined;
  /** These records of this log are processed; called at most once per turn and log. */
  readonly onSettled: (incarnation: Incarnation, seqs: number[]) => void;
  readonly warn: (text: string) => void;
}

interface Waiting {
  readonly seq: number;
  readonly record: MessageRecord;
  readonly incarnation: Incarnation;
  readonly again: boolean;
}

/** Records handed over before the event loop gets a turn. */
const BATCH = 32;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #streamHash: number;
  readonly #repeats = new RepeatDetector();
  #queue: Waiting[] = [];
  #next = 0;
  #scheduled = false;
  #settled: { incarnation: Incarnation; seqs: number[] } | undefined;
  /** Sequence of the last record handed over. */
  handed = 0;
  delivered = 0;
  repeated = 0;
  undecodable = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#streamHash = hashText(options.stream);
  }

  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  push(incarnation: Incarnation, records: readonly SequencedRecord[], redeliveredTo: number): void {
    for (const { seq, record } of records) {
      if (record.kind === 'message')
        this.#queue.push({ seq, record, incarnation, again: seq <= redeliveredTo });
    }
    this.wake();
  }

  /** Goes on after the gate or the node opened. */
  wake(): void {
    if (!this.#scheduled) this.#pump();
  }

  #pump(): void {
    this.#scheduled = true;
    const held = !this.#deliverSome();
    this.#queue.splice(0, this.#next);
    this.#next = 0;
    this.#scheduled = !held && this.#queue.length > 0;
    if (this.#scheduled) setImmediate(() => this.#pump());
  }

  /** False when delivery is held. */
  #deliverSome(): boolean {
    for (let i = 0; i < BATCH && this.#next < this.#queue.length; i++) {
      const target = this.#options.target();
      if (target === undefined || this.#options.held()) return false;
      this.#deliver(this.#queue[this.#next++]!, target);
    }
    return true;
  }

  #deliver(waiting: Waiting, target: (msg: object) => void): void {
    const { record, incarnation, seq } = waiting;
    const cause =
      record.lineage ?? rootLineage(this.#options.stream, this.#streamHash, incarnation.born, seq);
    if (this.#repeats.seen(cause.id) || waiting.again) this.repeated++;
    const decoded = decodeMessage(record.codec, record.body);
    if (!decoded.ok) {
      this.undecodable++;
      this.#options.warn(`record ${seq} of ${this.#options.stream} cannot be read: ${decoded.reason}`);
      this.#settle(incarnation, seq);
      return;
    }
    this.delivered++;
    if (incarnation.pe >= 0) this.handed = seq;
    this.#options.follower.follow(
      cause,
      () => target(decoded.msg),
      () => this.#settle(incarnation, seq),
    );
  }

  /** Collects until the end of the running job, so that a burst makes one event. */
  #settle(incarnation: Incarnation, seq: number): void {
    if (this.#settled !== undefined && this.#settled.incarnation !== incarnation) this.#flushSettled();
    if (this.#settled !== undefined) {
      this.#settled.seqs.push(seq);
      return;
    }
    this.#settled = { incarnation, seqs: [seq] };
    queueMicrotask(() => this.#flushSettled());
  }

  #flushSettled(): void {
    const settled = this.#settled;
    this.#settled = undefined;
    if (settled !== undefined) this.#options.onSettled(settled.incarnation, settled.seqs);
  }
}
