/** The producer's side of one stream at a gateway: its log, its cursors and the sender state machine. */
import type { Consumer, ConsumerCursor } from '../../../../src/wire/consumer.ts';
import type { OutStreamStatus } from '../../../../src/wire/control.ts';
import { type AckFrame, encodeData } from '../../../../src/wire/frames.ts';
import type { Lineage } from '../../../../src/wire/lineage.ts';
import type { Inspection, Purged } from '../../../../src/wire/operate.ts';
import type { Start } from '../../../../src/wire/options.ts';
import {
  initSender,
  reduceSender,
  type SenderEffect,
  type SenderEvent,
  type SenderState,
  senderDue,
} from '../../../../src/wire/sender.ts';
import { NO_BOOT } from '../../../../src/wire/stream.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import { Driver } from '../Driver.ts';
import type { CursorJournal } from './CursorJournal.ts';
import { Intake, type LogPolicy } from './Intake.ts';
import { Losses } from './Losses.ts';
import { Rate } from './measures.ts';
import { segmentBytesOf } from './overload.ts';
import { StreamLog, type StreamLogOptions } from './StreamLog.ts';
import { viewsFrom } from './views.ts';

export interface OutStreamOptions {
  readonly stream: string;
  readonly epoch: number;
  readonly log: Omit<StreamLogOptions, 'stream' | 'epoch' | 'durability' | 'onReserved' | 'released'>;
  /** How far it was released, where the last checkpoint says so. */
  readonly released?: number | undefined;
  readonly policy: LogPolicy;
  readonly cursors: CursorJournal;
  readonly send: (consumer: string, frame: Buffer) => void;
  /** Calls `send` when the connection to the consumer takes more and it is this stream's turn. */
  readonly turn: (consumer: string, send: () => void) => void;
  /** Something was appended. */
  readonly onWritten: () => void;
  /** `nearlyFull` changed. */
  readonly onLevel: () => void;
  readonly warn: (text: string) => void;
}

/** Largest DATA frame, bytes, unless one record is larger. */
const FRAME_BYTES = 64 * 1024;
const RESERVE_AGAIN_MS = 1_000;

export class OutStream {
  readonly #options: OutStreamOptions;
  readonly #log: StreamLog;
  readonly #intake: Intake;
  readonly #driver: Driver<SenderState, SenderEvent, SenderEffect>;
  readonly #rate = new Rate();
  #sent = 0;
  #retransmitted = 0;
  readonly #losses = new Losses();
  #closed = false;

  constructor(options: OutStreamOptions) {
    this.#options = options;
    const { stream, policy, onLevel } = options;
    this.#log = new StreamLog({
      ...options.log,
      stream,
      epoch: options.epoch,
      released: options.released,
      durability: policy.durability,
      segmentBytes: segmentBytesOf(policy.quotaBytes, options.log.segmentBytes),
      onReserved: (error) => this.#onReserved(error),
    });
    this.#intake = new Intake({
      ...{ stream, policy, onLevel, log: this.#log },
      onWritten: () => this.#onWritten(),
      giveUp: (upTo) => this.#giveUp(upTo),
    });
    const cursors: Record<string, ConsumerCursor> = {};
    for (const [key, value] of options.cursors.entries(this.#cursorKey('')))
      cursors[key.slice(this.#cursorKey('').length)] = value as ConsumerCursor;
    const extent = { head: this.#log.sendable, base: this.#log.base };
    this.#driver = new Driver(initSender(this.#log.incarnation, extent, cursors), {
      reduce: reduceSender,
      perform: (effect) => this.#perform(effect),
      due: senderDue,
      onError: (error) => options.warn(`${options.stream}: ${error.message}`),
    });
    this.#log.trim(this.#state.trimmed);
  }

  get #state(): SenderState {
    return this.#driver.state;
  }

  get nearlyFull(): boolean {
    return this.#intake.nearlyFull;
  }

  /** Records every consumer has stably passed. */
  get passed(): number {
    return this.#log.head - this.waiting;
  }

  get full(): boolean {
    return this.#intake.full;
  }

  /** Declared loss: turned away, or given up before some consumer had it. */
  get lost(): number {
    return this.#intake.lost + this.#losses.total;
  }

  /** Records some consumer has not stably passed. */
  get waiting(): number {
    return this.#log.head - this.#passedBy(undefined);
  }

  get consumers(): string[] {
    return Object.keys(this.#state.consumers);
  }

  append(msg: object, cause: Lineage | undefined): Promise<void> {
    return this.#intake.append(msg, cause);
  }

  /** Holds for what is appended from now on. */
  setPolicy(policy: LogPolicy): void {
    const { durability, quotaBytes } = policy;
    const segmentBytes = segmentBytesOf(quotaBytes, this.#options.log.segmentBytes);
    this.#log.configure({ durability, segmentBytes });
    this.#intake.policy = policy;
  }

  /** What a newcomer is owed from now on must be known after a power cut: its cursor is synced at once. */
  setConsumers(ids: readonly string[], start: Start = 'now'): void {
    const earliest = start === 'earliest' ? ids : [];
    this.#dispatch({ type: 'consumers', ids, earliest, at: performance.now() });
    this.#options.cursors.flush(true);
  }

  /** True: what is appended from now on is sent when it is released. False: as soon as it can be. */
  set exact(exact: boolean) {
    this.#intake.commit();
    if (exact) this.#log.hold();
    else this.#log.free();
    this.#onSendable();
  }

  get exact(): boolean {
    return this.#log.released !== undefined;
  }

  /** Everything up to here is written. */
  position(): number {
    this.#intake.commit();
    return this.#log.committed;
  }

  /** Resolves when what is written now survives a power cut, as far as its durability is `fsync`. */
  sync(): Promise<void> {
    return this.#log.sync();
  }

  /** A checkpoint holds what caused the records up to here: they may be sent. */
  release(upTo: number): void {
    this.#log.release(upTo);
    this.#onSendable();
  }

  onAck(ack: AckFrame): void {
    this.#dispatch({ type: 'ack', ack, at: performance.now() });
  }

  link(up: boolean): void {
    this.#dispatch({ type: 'link', up, at: performance.now() });
  }

  /** The oldest records that wait for the consumer, or for any, as an operator sees them. */
  inspect(consumer: string | undefined, limit: number, preview: number): Inspection {
    const { head } = this.#log;
    const passed = this.#passedBy(consumer);
    return { head, waiting: head - passed, records: viewsFrom(this.#log, passed + 1, limit, preview) };
  }

  /** Gives up what waits for the consumer, or for all: declared loss of what they have not received. */
  purge(consumer: string | undefined): Purged {
    this.#intake.commit();
    // What is not reserved, or not released, could be used again, below a consumer that has passed it.
    const to = this.#log.sendable;
    const consumers = this.#giveUp(to, consumer);
    this.#options.cursors.flush(true);
    return { to, consumers };
  }

  status(): OutStreamStatus {
    const { waiting } = this;
    const { bytes, since } = this.#log.extent(this.#log.head - waiting + 1);
    const rate = this.#rate.of(this.#intake.appended, performance.now());
    const consumers: OutStreamStatus['consumers'] = {};
    for (const [id, c] of Object.entries(this.#state.consumers)) {
      const lost = this.#losses.of(id);
      consumers[id] = { ...positions(c), ...(lost === undefined ? {} : { lost }) };
    }
    return {
      stream: this.#options.stream,
      role: 'out',
      pe: this.#state.incarnation.pe,
      head: this.#log.head,
      base: this.#log.base,
      bytes: this.#log.bytes,
      consumers,
      appended: this.#intake.appended,
      sent: this.#sent,
      retransmitted: this.#retransmitted,
      lost: this.lost,
      backlog: { records: waiting, bytes, ...(since === undefined ? {} : { since }) },
      ...(rate === undefined ? {} : { rate }),
    };
  }

  async close(): Promise<void> {
    this.#intake.end();
    this.#closed = true;
    this.#driver.stop();
    try {
      await this.#log.close();
    } catch (error) {
      // What it held in memory alone is declared lost at the next start.
      this.#options.warn(`the log of ${this.#options.stream} was not closed: ${(error as Error).message}`);
    }
    this.#intake.closed();
  }

  /** Forgets log and cursors. */
  async destroy(): Promise<void> {
    this.#closed = true;
    this.#driver.stop();
    this.#intake.closed(wireError('ECHO_STREAM_NOT_OPEN', { where: this.#options.stream }));
    for (const id of this.consumers) this.#options.cursors.set(this.#cursorKey(id), undefined);
    await this.#log.destroy();
  }

  /** What the consumer, or the slowest of all, has stably passed. */
  #passedBy(consumer: string | undefined): number {
    const { consumers } = this.#state;
    if (consumer !== undefined) return consumers[consumer]?.stable ?? this.#log.head;
    return Math.min(this.#log.head, ...Object.values(consumers).map((c) => c.stable));
  }

  /** Declared loss: how many records the consumer, or each, had not received yet. */
  #giveUp(upTo: number, consumer?: string): Record<string, number> {
    const given = Object.entries(this.#state.consumers).filter(
      ([id]) => consumer === undefined || id === consumer,
    );
    const lost = this.#losses.add(upTo, given);
    const named = consumer === undefined ? {} : { consumer };
    this.#dispatch({ type: 'giveUp', upTo, ...named, at: performance.now() });
    // Without consumers there is nobody whose cursor would trim it.
    if (consumer === undefined) this.#log.trim(upTo);
    return lost;
  }

  #onWritten(): void {
    this.#onSendable();
    this.#options.onWritten();
  }

  #onSendable(): void {
    this.#intake.settle();
    this.#dispatch({ type: 'appended', head: this.#log.sendable, at: performance.now() });
  }

  #onReserved(error: unknown): void {
    if (this.#closed) return;
    if (error === undefined) {
      this.#onSendable();
      return;
    }
    this.#options.warn(`cannot reserve numbers for ${this.#options.stream}: ${(error as Error).message}`);
    setTimeout(() => this.#closed || this.#log.reserve(), RESERVE_AGAIN_MS).unref();
  }

  #dispatch(event: SenderEvent): void {
    this.#driver.dispatch(event);
  }

  #perform(effect: SenderEffect): void {
    switch (effect.type) {
      case 'send':
        this.#options.turn(effect.consumer, () => this.#send(effect));
        break;
      case 'probe':
        this.#options.send(effect.consumer, this.#frame(effect.consumer, undefined, []));
        break;
      case 'trim':
        this.#log.trim(effect.upTo);
        this.#intake.checkLevel();
        break;
      case 'persist':
        this.#options.cursors.set(this.#cursorKey(effect.consumer), effect.cursor);
        break;
      case 'outborn':
        this.#dispatch({ type: 'reborn', incarnation: this.#log.rebirth(effect.by), at: performance.now() });
    }
  }

  #send({ consumer, from, to, maxBytes }: Extract<SenderEffect, { type: 'send' }>): void {
    // While it waited for its turn the consumer may have left, gone back, or been given up to.
    const { next } = this.#state.consumers[consumer] ?? {};
    if (this.#closed || next === undefined) return;
    if (from !== next) {
      this.#dispatch({ type: 'sent', consumer, from, to: from - 1, bytes: 0, at: performance.now() });
      return;
    }
    const entries = this.#log.read(from, to, Math.min(maxBytes, FRAME_BYTES));
    const first = entries[0];
    const last = entries.at(-1);
    // Without an answer the sender tries again when it probes.
    if (first === undefined || last === undefined)
      throw new Error(`records from ${from} to ${to} cannot be read`);
    const payloads = entries.map((e) => e.payload);
    this.#options.send(consumer, this.#frame(consumer, first.seq, payloads));
    this.#sent += entries.length;
    const again = this.#state.consumers[consumer]?.sentTo ?? 0;
    for (const entry of entries) if (entry.to <= again) this.#retransmitted++;
    const bytes = payloads.reduce((sum, p) => sum + p.length, 0);
    this.#dispatch({ type: 'sent', consumer, from, to: last.to, bytes, at: performance.now() });
  }

  #frame(id: string, first: number | undefined, payloads: Buffer[]): Buffer {
    const consumer = this.#state.consumers[id]!;
    return encodeData(
      {
        stream: this.#options.stream,
        incarnation: this.#state.incarnation,
        boot: consumer.boot ?? NO_BOOT,
        start: consumer.start,
        base: consumer.stable + 1,
        redeliveredTo: consumer.redeliveredTo,
        first: first ?? consumer.next,
        unlogged: false,
      },
      payloads,
    );
  }

  #cursorKey(consumer: string): string {
    return `${cursorsOf(this.#options.stream, this.#options.epoch)}${consumer}`;
  }
}

/** What the keys of a stream's cursors begin with: those of the log of one epoch, or of all its logs. */
export const cursorsOf = (stream: string, epoch?: number): string =>
  `out ${JSON.stringify(stream)} ${epoch === undefined ? '' : `${epoch} `}`;

const positions = ({ received, done, stable, credit }: Consumer) => ({ received, done, stable, credit });
