/**
 * Hands the records of one in stream to Node-RED: in order, held while the gate holds, and a few at a time so that other
 * work of the event loop has its turn. A record whose task fails may be tried again, after those handed over meanwhile;
 * one that fails too often, or ends the process, is set aside.
 */
import { decodeMessage } from '../../../../src/wire/codec.ts';
import type { SequencedRecord } from '../../../../src/wire/frames.ts';
import { hashText, type Lineage, RepeatDetector, rootLineage } from '../../../../src/wire/lineage.ts';
import type { MessageRecord } from '../../../../src/wire/records.ts';
import type { Incarnation } from '../../../../src/wire/stream.ts';
import { Members } from '../Members.ts';
import type { Followed, Follower, Outcome } from '../ports.ts';
import type { CrashGuard } from './CrashGuard.ts';
import { Sample } from './measures.ts';
import type { Tracing } from './Tracing.ts';

export interface DeliveryOptions {
  readonly stream: string;
  readonly follower: Pick<Follower, 'follow'>;
  readonly held: () => boolean;
  /** Where messages go now; undefined while the node is closed. */
  readonly target: () => ((msg: object) => void) | undefined;
  /** These records of this log are processed; called at most once per turn and log. */
  readonly onSettled: (incarnation: Incarnation, seqs: number[]) => void;
  /** Deliveries after which a record whose task fails is set aside; 0: a failure counts as processed. */
  readonly attempts: () => number;
  readonly guard: CrashGuard;
  /** What is handed over again had no effect before: the state of the tasks is that of a checkpoint. */
  readonly exact: () => boolean;
  readonly tracing?: Tracing | undefined;
  /** Keeps a record that is not delivered any more. Throws when it cannot be kept. */
  readonly setAside: (aside: SetAside) => void;
  readonly warn: (text: string) => void;
}

export interface SetAside {
  readonly seq: number;
  readonly record: MessageRecord;
  readonly incarnation: Incarnation;
  readonly reason: 'error' | 'crash';
  readonly error: string;
  readonly attempts: number;
}

interface Waiting {
  readonly seq: number;
  readonly record: MessageRecord;
  readonly incarnation: Incarnation;
  readonly again: boolean;
  /** Deliveries that failed. */
  failures: number;
  /** Among those that were handed over. */
  place: number;
  followed?: Followed;
  /** It counts as finished: what is left of it is in a checkpoint. */
  parked?: boolean;
  /** Told the outcome instead of the stream: a record that was set aside is replayed. */
  readonly replay?: (outcome: Outcome) => void;
}

/** By which a task recognises what it does again outside of Node-RED, after a crash. */
const setKey = (msg: object, key: string): void => {
  (msg as { idempotencyKey?: string }).idempotencyKey = key;
};
/** Pause before a record is tried again: 100 ms doubling to 5 s. */
const retryDelay = (failures: number): number => Math.min(100 * 2 ** (failures - 1), 5_000);
/** How long a record is left alone that may end the process. */
const ALONE_MS = 100;
/** Records handed over before the event loop gets a turn. */
const BATCH = 32;
/** What was handed over leaves the queue when it is so many, and half of it: moving the rest each time would cost more. */
const FORGOTTEN = 256;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #streamHash: number;
  readonly #repeats = new RepeatDetector();
  #queue: Waiting[] = [];
  #next = 0;
  #scheduled = false;
  #settled: { incarnation: Incarnation; seqs: number[] } | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** The record that is handed over alone. */
  #alone: Waiting | undefined;
  /** From append to delivery, ms. */
  readonly latency = new Sample();
  /** Sequence of the last record handed over. */
  handed = 0;
  /** Records handed over that are not processed yet. */
  readonly #inHand = new Members<Waiting>();
  delivered = 0;
  repeated = 0;
  undecodable = 0;
  retried = 0;
  /** A task did not say in time what became of them. */
  unfollowed = 0;
  /** Failed too often and could not be set aside either. */
  unkept = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#streamHash = hashText(options.stream);
  }

  /** What was handed over is processed, but for what tasks hold. */
  get quiet(): boolean {
    for (const { followed } of this.#inHand) if (!followed?.parked) return false;
    return true;
  }

  /** What is left of these records is held by tasks, and in the checkpoint taken now: they count as finished. */
  park(): void {
    for (const waiting of this.#inHand) {
      if (waiting.parked || waiting.replay !== undefined || !waiting.followed?.parked) continue;
      waiting.parked = true;
      this.#settle(waiting.incarnation, waiting.seq);
      this.#accompany(waiting);
    }
    this.#flushSettled();
  }

  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  push(incarnation: Incarnation, records: readonly SequencedRecord[], redeliveredTo: number): void {
    for (const { seq, record } of records) {
      if (record.kind === 'message')
        this.#queue.push({ seq, record, incarnation, again: seq <= redeliveredTo, failures: 0, place: -1 });
    }
    this.wake();
  }

  /** Delivers a record once more that was set aside, before what waits. */
  replay(seq: number, born: number, record: MessageRecord, replay: (outcome: Outcome) => void): void {
    this.#retry({ seq, record, incarnation: { pe: -1, born }, again: false, failures: 1, place: -1, replay });
  }

  /** What is passed over is not handed over any more. */
  drop(seqs: readonly number[]): void {
    this.#forgetDelivered();
    this.#queue = this.#queue.filter(({ seq, replay }) => replay !== undefined || !seqs.includes(seq));
    if (this.#alone !== undefined && seqs.includes(this.#alone.seq)) this.#accompany(this.#alone);
  }

  /** What is settled by now is reported: after a clean end it is not delivered again. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#flushSettled();
  }

  /** Goes on after the gate or the node opened. */
  wake(): void {
    if (!this.#scheduled) this.#pump();
  }

  #pump(): void {
    this.#scheduled = true;
    const held = !this.#deliverSome();
    if (this.#next >= FORGOTTEN && this.#next * 2 >= this.#queue.length) this.#forgetDelivered();
    this.#scheduled = !held && this.waiting > 0;
    if (this.#scheduled) setImmediate(() => this.#pump());
  }

  #forgetDelivered(): void {
    this.#queue = this.#queue.slice(this.#next);
    this.#next = 0;
  }

  /** False when delivery is held. */
  #deliverSome(): boolean {
    for (let i = 0; i < BATCH && this.#next < this.#queue.length; i++) {
      const target = this.#options.target();
      if (target === undefined || this.#options.held() || this.#alone !== undefined) return false;
      const waiting = this.#queue[this.#next++]!;
      if (waiting.again && this.#options.guard.careful) this.#deliverAlone(waiting, target);
      else this.#deliver(waiting, target);
    }
    return true;
  }

  #deliverAlone(waiting: Waiting, target: (msg: object) => void): void {
    const { guard } = this.#options;
    if (guard.isGuilty(waiting.seq)) {
      const error = `the process ended ${guard.deaths} times while it was delivered`;
      this.#setAside(waiting, 'crash', error, guard.deaths);
      return;
    }
    guard.enter(waiting.seq);
    this.#alone = waiting;
    this.#after(ALONE_MS, () => this.#accompany(waiting));
    this.#deliver(waiting, target);
  }

  #accompany(waiting: Waiting): void {
    if (this.#alone !== waiting) return;
    this.#alone = undefined;
    this.#options.guard.leave();
    this.wake();
  }

  /** What a failed delivery caused is numbered anew from the start: downstream it is recognised as repeated. */
  #causeOf({ record, incarnation, seq, failures }: Waiting): Lineage {
    const cause = record.lineage ?? rootLineage(this.#options.stream, this.#streamHash, incarnation, seq);
    return failures > 0 ? { ...cause } : cause;
  }

  #deliver(waiting: Waiting, target: (msg: object) => void): void {
    const { record, incarnation, seq } = waiting;
    const cause = this.#causeOf(waiting);
    if (waiting.failures > 0) this.retried++;
    else {
      const again = waiting.again && !this.#options.exact();
      if (this.#repeats.seen(cause.id) || again) this.repeated++;
      this.latency.add(Date.now() - record.ts);
    }
    const decoded = decodeMessage(record.codec, record.body);
    if (!decoded.ok) {
      this.undecodable++;
      this.#options.warn(`record ${seq} of ${this.#options.stream} cannot be read: ${decoded.reason}`);
      this.#finish(waiting, { kind: 'error', message: decoded.reason });
      return;
    }
    this.delivered++;
    if (this.#options.exact()) setKey(decoded.msg, `${this.#options.stream}:${incarnation.pe}:${seq}`);
    if (incarnation.pe >= 0 && waiting.failures === 0) this.handed = seq;
    const hop = this.#options.tracing?.delivering(this.#options.stream, seq, decoded.msg, cause);
    const emit = () => target(decoded.msg);
    this.#inHand.add(waiting);
    const run = hop === undefined ? emit : () => hop.run(emit);
    waiting.followed = this.#options.follower.follow(cause, run, (outcome) => {
      this.#inHand.remove(waiting);
      hop?.end(outcome);
      this.#onOutcome(waiting, outcome);
    });
  }

  #onOutcome(waiting: Waiting, outcome: Outcome): void {
    const logged = waiting.incarnation.pe >= 0 && !waiting.parked;
    const attempts = logged ? this.#options.attempts() : 0;
    if (outcome.kind !== 'error' || attempts === 0) {
      this.#finish(waiting, outcome);
      return;
    }
    waiting.failures++;
    if (waiting.failures < attempts) this.#after(retryDelay(waiting.failures), () => this.#retry(waiting));
    else this.#setAside(waiting, 'error', outcome.message, waiting.failures);
  }

  #retry(waiting: Waiting): void {
    this.#queue.splice(this.#next, 0, waiting);
    this.wake();
  }

  #setAside(waiting: Waiting, reason: SetAside['reason'], error: string, attempts: number): void {
    const { seq, record, incarnation } = waiting;
    const { stream, warn } = this.#options;
    try {
      this.#options.setAside({ seq, record, incarnation, reason, error, attempts });
      warn(`record ${seq} of ${stream} is set aside: ${error}`);
    } catch (cause) {
      this.unkept++;
      warn(`record ${seq} of ${stream} is lost, it cannot be set aside: ${(cause as Error).message}`);
    }
    this.#finish(waiting, { kind: 'error', message: error });
  }

  #finish(waiting: Waiting, outcome: Outcome): void {
    if (outcome.kind === 'unfollowed') this.unfollowed++;
    if (waiting.replay === undefined) this.#settle(waiting.incarnation, waiting.seq);
    else waiting.replay(outcome);
    this.#accompany(waiting);
  }

  #after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, ms).unref();
    this.#timers.add(timer);
  }

  /** Collects until the event loop comes round, so that a burst makes one event. */
  #settle(incarnation: Incarnation, seq: number): void {
    if (this.#settled !== undefined && this.#settled.incarnation !== incarnation) this.#flushSettled();
    if (this.#settled !== undefined) {
      this.#settled.seqs.push(seq);
      return;
    }
    this.#settled = { incarnation, seqs: [seq] };
    setImmediate(() => this.#flushSettled());
  }

  #flushSettled(): void {
    const settled = this.#settled;
    this.#settled = undefined;
    if (settled !== undefined) this.#options.onSettled(settled.incarnation, settled.seqs);
  }
}
