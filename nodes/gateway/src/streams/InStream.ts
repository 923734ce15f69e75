/** The consumer's side of one stream at a gateway: its cursor, delivery and the receiver state machine. */
import type { Boot, InStreamStatus } from '../../../../src/wire/control.ts';
import type { DataFrame } from '../../../../src/wire/frames.ts';
import {
  type AckPositions,
  cursorNow,
  initReceiver,
  type ReceiverCursor,
  type ReceiverEffect,
  type ReceiverEvent,
  type ReceiverState,
  reduceReceiver,
} from '../../../../src/wire/receiver.ts';
import type { MessageRecord } from '../../../../src/wire/records.ts';
import { compareIncarnations, type Incarnation, NO_INCARNATION } from '../../../../src/wire/stream.ts';
import { Driver } from '../Driver.ts';
import type { Fragment, Outcome } from '../ports.ts';
import { CrashGuard } from './CrashGuard.ts';
import type { CursorJournal } from './CursorJournal.ts';
import type { DeadLetters } from './DeadLetters.ts';
import { Delivery, type DeliveryOptions } from './Delivery.ts';
import { Rate } from './measures.ts';

export interface InStreamOptions extends Omit<DeliveryOptions, 'onSettled' | 'guard' | 'setAside'> {
  /** The fragment with whose state the cursor is kept; undefined: it is kept by itself. */
  readonly fragment: () => Fragment | undefined;
  /** Gateway that holds the log, as far as is known now. */
  readonly producer: () => string;
  readonly dead: DeadLetters;
  readonly boot: Boot;
  readonly cursors: CursorJournal;
  readonly acknowledge: (positions: AckPositions) => void;
}

/** Most records of an unlogged stream that wait for delivery; further ones are dropped and counted. */
const UNLOGGED_WAITING = 1024;

export class InStream {
  readonly #options: InStreamOptions;
  readonly #delivery: Delivery;
  readonly #driver: Driver<ReceiverState, ReceiverEvent, ReceiverEffect>;
  readonly #guard: CrashGuard;
  readonly #rate = new Rate();
  #positions: AckPositions | undefined;
  /** What is known of earlier boots from a clean end. */
  #handed = { incarnation: NO_INCARNATION, to: Number.POSITIVE_INFINITY };
  /** Records up to here may have been handed over by an earlier boot. */
  #suspectTo = 0;
  /** The log of a later epoch was heard while the gate was closed. */
  #waitsToEnter = false;
  /** Numbers the running skip has passed over. */
  #skipped: number[] = [];
  /** Last sequence of the unlogged stream, which has no other state. */
  #unlogged = { pe: 0, born: 0, last: 0, lost: 0 };

  constructor(options: InStreamOptions) {
    this.#options = options;
    const cursor = this.#takeCursor();
    this.#driver = new Driver(initReceiver(options.boot, cursor), {
      reduce: reduceReceiver,
      perform: (effect) => this.#perform(effect),
      due: (state) => state.ackAt,
      onError: (error) => options.warn(`${options.stream}: ${error.message}`),
    });
    this.#guard = new CrashGuard(options.cursors, options.stream, cursor?.stable ?? 0);
    this.#delivery = new Delivery({
      ...options,
      guard: this.#guard,
      setAside: ({ incarnation: { born }, ...aside }) => {
        options.dead.put({ ...aside, stream: options.stream, producer: options.producer(), born });
      },
      onSettled: (incarnation, seqs) => this.#onSettled(incarnation, seqs),
    });
  }

  /** Records received and not done. */
  get waiting(): number {
    return Math.max(this.#state.received - this.#state.done, this.#delivery.waiting);
  }

  /** Declared loss: of the wire, of what cannot be read, and of what was set aside and crowded out. */
  get lost(): number {
    const { dead, stream } = this.#options;
    const { undecodable, unkept } = this.#delivery;
    return this.#state.lost + this.#unlogged.lost + undecodable + unkept + dead.crowdedOut(stream);
  }

  /** Records that count as processed because a task did not complete them. */
  get unfollowed(): number {
    return this.#delivery.unfollowed;
  }

  /** Records done. */
  get passed(): number {
    return this.#state.done;
  }

  /**
   * Closed gates stand around a deploy that may yet be undone: the log of a later epoch is not entered before they
   * open, so that an undo finds the position in the former one as it was.
   */
  onData(frame: DataFrame): void {
    if (frame.unlogged) this.#onUnlogged(frame);
    else if (frame.incarnation.pe > this.#state.incarnation.pe && this.#options.held())
      this.#waitsToEnter = true;
    else this.#dispatch({ type: 'data', frame, at: performance.now() });
  }

  link(up: boolean): void {
    this.#dispatch({ type: 'link', up, at: performance.now() });
  }

  /** Takes up to `window` records in advance; `open` false: no further credit is given. */
  grant(open: boolean, window: number): void {
    if (open !== this.#state.open || window !== this.#state.window)
      this.#dispatch({ type: 'grant', open, window, at: performance.now() });
  }

  /** What was handed over is processed, but for what tasks hold. */
  get quiet(): boolean {
    return this.#delivery.quiet;
  }

  /** For a checkpoint: the cursor, by which what tasks hold is finished. */
  position(): ReceiverCursor {
    this.#delivery.park();
    return cursorNow(this.#state);
  }

  /** A checkpoint holds this cursor. */
  committed(cursor: ReceiverCursor): void {
    this.#options.cursors.set(this.#cursorKey, cursor);
    this.#dispatch({ type: 'persisted', cursor, at: performance.now() });
  }

  /** No checkpoint keeps the cursor any more: it is kept by itself. */
  keepAlone(): void {
    const cursor = this.position();
    const persisted = () => this.#dispatch({ type: 'persisted', cursor, at: performance.now() });
    this.#options.cursors.set(this.#cursorKey, cursor, persisted);
  }

  /** The gate or the node may have opened. */
  wake(): void {
    this.#delivery.wake();
    if (!this.#waitsToEnter || this.#options.held()) return;
    this.#waitsToEnter = false;
    if (this.#state.connected) this.link(true);
  }

  /** Passes over the first unfinished records, which are lost; returns their numbers. */
  skip(count: number): number[] {
    this.#skipped = [];
    this.#dispatch({ type: 'skip', count, at: performance.now() });
    const seqs = this.#skipped;
    this.#delivery.drop(seqs);
    return seqs;
  }

  /** Delivers a record again that was set aside; `settled` is told what became of it. */
  replay(
    { seq, born, record }: { seq: number; born: number; record: MessageRecord },
    settled: (outcome: Outcome) => void,
  ): void {
    this.#delivery.replay(seq, born, record, settled);
  }

  status(): InStreamStatus {
    const { stream, producer, dead } = this.#options;
    const { incarnation, received, done, stable, duplicates } = this.#state;
    const { delivered, repeated, retried, unfollowed, latency } = this.#delivery;
    const rate = this.#rate.of(delivered, performance.now());
    const latencyMs = latency.quantiles();
    return {
      stream,
      role: 'in',
      producer: producer(),
      pe: incarnation.pe,
      received,
      done,
      stable,
      delivered,
      duplicates,
      repeated,
      lost: this.lost,
      retried,
      unfollowed,
      dead: dead.count(stream),
      ...(rate === undefined ? {} : { rate }),
      ...(latencyMs === undefined ? {} : { latencyMs }),
    };
  }

  /** Notes what was handed over, so that the next start need not suspect more. */
  close(): void {
    this.#delivery.stop();
    this.#driver.stop();
    this.#guard.close();
    const { incarnation, done, received } = this.#state;
    if (incarnation.born === 0 || received < this.#suspectTo) return;
    const handed = Math.max(done, this.#delivery.handed);
    // What was done since the last checkpoint has its effects in no checkpoint either.
    const cursor = this.#options.fragment() === undefined ? { incarnation, stable: done } : this.#committed();
    if (cursor !== undefined && compareIncarnations(cursor.incarnation, incarnation) === 0)
      this.#options.cursors.set(this.#cursorKey, { ...cursor, handed } satisfies ReceiverCursor);
  }

  destroy(): void {
    this.#driver.stop();
    this.#delivery.stop();
    this.#guard.close();
    this.#options.cursors.set(this.#cursorKey, undefined);
  }

  #onUnlogged({ incarnation, records }: DataFrame): void {
    const { pe, born } = incarnation;
    if (pe !== this.#unlogged.pe || born !== this.#unlogged.born)
      this.#unlogged = { pe, born, last: 0, lost: this.#unlogged.lost };
    const fresh = records.filter((r) => r.seq > this.#unlogged.last);
    this.#unlogged.last = fresh.at(-1)?.to ?? this.#unlogged.last;
    const room = Math.max(0, UNLOGGED_WAITING - this.#delivery.waiting);
    this.#unlogged.lost += Math.max(0, fresh.length - room);
    this.#delivery.push({ pe: -1, born }, fresh.slice(0, room), 0);
  }

  #onSettled(incarnation: Incarnation, seqs: number[]): void {
    this.#dispatch({ type: 'settled', incarnation, seqs, at: performance.now() });
    this.#options.fragment()?.changed();
  }

  #dispatch(event: ReceiverEvent): void {
    this.#driver.dispatch(event);
  }

  #perform(effect: ReceiverEffect): void {
    switch (effect.type) {
      case 'deliver':
        this.#deliver(effect);
        break;
      case 'ack':
        this.#acknowledge(effect.positions);
        break;
      case 'persist':
        this.#persist(effect.cursor);
        break;
      case 'loss':
        if (effect.reason === 'skipped') this.#skipped.push(effect.from);
        this.#options.warn(
          `${this.#options.stream}: records ${effect.from}–${effect.to} are lost (${effect.reason})`,
        );
    }
  }

  #deliver({ records, redeliveredTo }: Extract<ReceiverEffect, { type: 'deliver' }>): void {
    const { incarnation } = this.#state;
    const known = compareIncarnations(incarnation, this.#handed.incarnation) === 0;
    this.#suspectTo = known ? Math.min(redeliveredTo, this.#handed.to) : redeliveredTo;
    this.#delivery.push(incarnation, records, this.#suspectTo);
  }

  /** After what was handed over has had its turn: nobody waits for an acknowledgement as they do for a message. */
  #acknowledge(positions: AckPositions): void {
    const pending = this.#positions;
    this.#positions = pending?.want ? { ...positions, want: positions.want || pending.want } : positions;
    if (pending !== undefined) return;
    setImmediate(() => {
      const said = this.#positions;
      this.#positions = undefined;
      if (said !== undefined) this.#options.acknowledge(said);
    });
  }

  /** A clean end is believed once: what this boot hands over is noted at its own end. */
  #takeCursor(): ReceiverCursor | undefined {
    const { cursors, fragment, stream } = this.#options;
    const checkpointed = fragment()?.cursorOf(stream);
    const kept = this.#committed();
    if (kept?.handed === undefined) return checkpointed ?? kept;
    const { handed, ...cursor } = kept;
    this.#handed = { incarnation: cursor.incarnation, to: handed };
    cursors.set(this.#cursorKey, cursor);
    cursors.flush();
    return checkpointed ?? cursor;
  }

  #committed(): ReceiverCursor | undefined {
    return this.#options.cursors.get(this.#cursorKey) as ReceiverCursor | undefined;
  }

  #persist(cursor: ReceiverCursor): void {
    const fragment = this.#options.fragment();
    if (fragment !== undefined) {
      fragment.changed();
      return;
    }
    const { cursors } = this.#options;
    const before = cursors.get(this.#cursorKey) as ReceiverCursor | undefined;
    cursors.set(this.#cursorKey, cursor, () =>
      this.#dispatch({ type: 'persisted', cursor, at: performance.now() }),
    );
    // Once what it names was trimmed, a consumer that knew nothing of this log would not miss it.
    if (before === undefined || compareIncarnations(before.incarnation, cursor.incarnation) !== 0)
      cursors.flush(true);
  }

  get #state(): ReceiverState {
    return this.#driver.state;
  }

  get #cursorKey(): string {
    return `in ${this.#options.stream}`;
  }
}
