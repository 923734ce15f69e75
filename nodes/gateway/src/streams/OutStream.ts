/** The producer's side of one stream at a gateway: its log, its cursors and the sender state machine. */
import { encodeMessage } from '../../../../src/wire/codec.ts';
import type { Consumer, ConsumerCursor } from '../../../../src/wire/consumer.ts';
import type { OutStreamStatus } from '../../../../src/wire/control.ts';
import type { EchoError } from '../../../../src/wire/errors.ts';
import { type AckFrame, encodeData } from '../../../../src/wire/frames.ts';
import { childLineage, hashText, type Lineage } from '../../../../src/wire/lineage.ts';
import type { Inspection, Purged } from '../../../../src/wire/operate.ts';
import type { Start } from '../../../../src/wire/options.ts';
import { encodeRecord } from '../../../../src/wire/records.ts';
import {
  initSender,
  reduceSender,
  type SenderEffect,
  type SenderEvent,
  type SenderState,
  senderDue,
} from '../../../../src/wire/sender.ts';
import { MAX_RECORD_BYTES, NO_BOOT } from '../../../../src/wire/stream.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import type { CursorJournal } from './CursorJournal.ts';
import { Driver } from './Driver.ts';
import { Rate } from './measures.ts';
import { StreamLog, type StreamLogOptions } from './StreamLog.ts';
import { viewOf } from './views.ts';

export interface OutStreamOptions {
  readonly stream: string;
  readonly epoch: number;
  readonly log: Omit<StreamLogOptions, 'stream' | 'epoch' | 'onReserved'>;
  readonly quotaBytes: number;
  readonly cursors: CursorJournal;
  readonly send: (consumer: string, frame: Buffer) => void;
  /** `nearlyFull` changed. */
  readonly onLevel: () => void;
  readonly warn: (text: string) => void;
}

/** Largest DATA frame, bytes, unless one record is larger. */
const FRAME_BYTES = 64 * 1024;
/** From this part of the quota on, streams into the same tab get no credit. */
const NEARLY_FULL = 0.9;
const RESERVE_AGAIN_MS = 1_000;

interface Batch {
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  records: number;
}

export class OutStream {
  readonly #options: OutStreamOptions;
  readonly #log: StreamLog;
  readonly #hash: number;
  readonly #ordinals = new WeakMap<Lineage, number>();
  readonly #driver: Driver<SenderState, SenderEvent, SenderEffect>;
  readonly #rate = new Rate();
  #batch: Batch | undefined;
  /** Written; but until their numbers are reserved, a power cut would take them without a trace. */
  readonly #unreserved: { readonly batch: Batch; readonly last: number }[] = [];
  #refused = 0;
  #appended = 0;
  #sent = 0;
  #retransmitted = 0;
  #lost = 0;
  #closed = false;
  #wasNearlyFull = false;

  constructor(options: OutStreamOptions) {
    this.#options = options;
    this.#hash = hashText(options.stream);
    this.#log = new StreamLog({
      ...options.log,
      stream: options.stream,
      epoch: options.epoch,
      onReserved: (error) => this.#onReserved(error),
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
    return this.#log.bytes >= this.#options.quotaBytes * NEARLY_FULL;
  }

  /** Records every consumer has stably passed. */
  get passed(): number {
    return this.#log.head - this.waiting;
  }

  get full(): boolean {
    return this.#log.bytes >= this.#options.quotaBytes;
  }

  /** Records some consumer has not stably passed. */
  get waiting(): number {
    return this.#log.head - this.#passedBy(undefined);
  }

  get consumers(): string[] {
    return Object.keys(this.#state.consumers);
  }

  /** Encodes now; resolves once the record is written and its number reserved. One promise serves all appends of a turn. */
  append(msg: object, cause: Lineage | undefined): Promise<void> {
    let payload: Buffer;
    try {
      payload = this.#encode(msg, cause);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.full) return Promise.reject(this.#refuse());
    if (this.#refused > 0) this.#log.appendGap(this.#refused);
    this.#refused = 0;
    this.#log.append(payload);
    const batch = this.#openBatch();
    batch.records++;
    return batch.written;
  }

  /** What a newcomer is owed from now on must be known after a power cut: its cursor is synced at once. */
  setConsumers(ids: readonly string[], start: Start = 'now'): void {
    const earliest = start === 'earliest' ? ids : [];
    this.#dispatch({ type: 'consumers', ids, earliest, at: performance.now() });
    this.#options.cursors.flush(true);
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
    const records: Inspection['records'] = [];
    for (let next = this.#passedBy(consumer) + 1; records.length < limit; next = records.at(-1)!.to + 1) {
      const entries = this.#log.read(next, head, FRAME_BYTES).slice(0, limit - records.length);
      if (entries.length === 0) break;
      records.push(...entries.map((entry) => viewOf(entry, preview)));
    }
    return { head, waiting: head - this.#passedBy(consumer), records };
  }

  /** Gives up what waits for the consumer, or for all: declared loss of what they have not received. */
  purge(consumer: string | undefined): Purged {
    this.#commit();
    const to = this.#log.head;
    const given = Object.entries(this.#state.consumers).filter(
      ([id]) => consumer === undefined || id === consumer,
    );
    const consumers = Object.fromEntries(given.map(([id, c]) => [id, Math.max(0, to - c.received)]));
    this.#lost += Math.max(0, ...Object.values(consumers));
    const named = consumer === undefined ? {} : { consumer };
    this.#dispatch({ type: 'giveUp', upTo: to, ...named, at: performance.now() });
    this.#options.cursors.flush(true);
    return { to, consumers };
  }

  status(): OutStreamStatus {
    const { waiting } = this;
    const { bytes, since } = this.#log.extent(this.#log.head - waiting + 1);
    const rate = this.#rate.of(this.#appended, performance.now());
    const consumers: OutStreamStatus['consumers'] = {};
    for (const [id, c] of Object.entries(this.#state.consumers)) consumers[id] = positions(c);
    return {
      stream: this.#options.stream,
      role: 'out',
      pe: this.#state.incarnation.pe,
      head: this.#log.head,
      base: this.#log.base,
      bytes: this.#log.bytes,
      consumers,
      appended: this.#appended,
      sent: this.#sent,
      retransmitted: this.#retransmitted,
      lost: this.#lost,
      backlog: { records: waiting, bytes, ...(since === undefined ? {} : { since }) },
      ...(rate === undefined ? {} : { rate }),
    };
  }

  async close(): Promise<void> {
    this.#commit();
    this.#closed = true;
    this.#driver.stop();
    await this.#log.close();
    for (const { batch } of this.#unreserved.splice(0)) batch.resolve();
  }

  /** Forgets log and cursors. */
  async destroy(): Promise<void> {
    this.#closed = true;
    this.#driver.stop();
    const gone = wireError('ECHO_STREAM_NOT_OPEN', { where: this.#options.stream });
    this.#batch?.reject(gone);
    this.#batch = undefined;
    for (const { batch } of this.#unreserved.splice(0)) batch.reject(gone);
    for (const id of this.consumers) this.#options.cursors.set(this.#cursorKey(id), undefined);
    await this.#log.destroy();
  }

  /** What the consumer, or the slowest of all, has stably passed. */
  #passedBy(consumer: string | undefined): number {
    const { consumers } = this.#state;
    if (consumer !== undefined) return consumers[consumer]?.stable ?? this.#log.head;
    return Math.min(this.#log.head, ...Object.values(consumers).map((c) => c.stable));
  }

  #encode(msg: object, cause: Lineage | undefined): Buffer {
    const { codec, body } = encodeMessage(msg);
    const ordinal = cause === undefined ? 0 : (this.#ordinals.get(cause) ?? 0);
    const lineage = cause === undefined ? {} : { lineage: childLineage(cause, this.#hash, ordinal) };
    const payload = encodeRecord({ kind: 'message', ts: Date.now(), codec, body, ...lineage });
    if (payload.length > MAX_RECORD_BYTES) {
      throw wireError('ECHO_MESSAGE_TOO_LARGE', {
        message: `the message is ${payload.length} bytes; a wire carries ${MAX_RECORD_BYTES}`,
        where: this.#options.stream,
      });
    }
    if (cause !== undefined) this.#ordinals.set(cause, ordinal + 1);
    return payload;
  }

  /** Declared loss: the next record that fits is preceded by a GAP that counts the refused ones. */
  #refuse(): EchoError {
    this.#refused++;
    this.#lost++;
    return wireError('ECHO_STREAM_FULL', {
      message: `the log of ${this.#options.stream} holds ${this.#log.bytes} bytes, its quota is ${this.#options.quotaBytes}`,
      where: this.#options.stream,
    });
  }

  #openBatch(): Batch {
    if (this.#batch === undefined) {
      this.#batch = openBatch();
      setImmediate(() => this.#commit());
    }
    return this.#batch;
  }

  #commit(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    try {
      this.#log.commit();
    } catch (cause) {
      this.#refused += batch.records;
      this.#lost += batch.records;
      const message = `${this.#options.stream}: ${(cause as Error).message}`;
      batch.reject(wireError('ECHO_LOG_WRITE_FAILED', { message, where: this.#options.stream, cause }));
      return;
    }
    this.#appended += batch.records;
    this.#unreserved.push({ batch, last: this.#log.head });
    this.#onSendable();
    this.#checkLevel();
  }

  #onSendable(): void {
    const { sendable } = this.#log;
    while (this.#unreserved[0] !== undefined && this.#unreserved[0].last <= sendable)
      this.#unreserved.shift()!.batch.resolve();
    this.#dispatch({ type: 'appended', head: sendable, at: performance.now() });
  }

  #checkLevel(): void {
    if (this.nearlyFull === this.#wasNearlyFull) return;
    this.#wasNearlyFull = !this.#wasNearlyFull;
    this.#options.onLevel();
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
        this.#send(effect);
        break;
      case 'probe':
        this.#options.send(effect.consumer, this.#frame(effect.consumer, undefined, []));
        break;
      case 'trim':
        this.#log.trim(effect.upTo);
        this.#checkLevel();
        break;
      case 'persist':
        this.#options.cursors.set(this.#cursorKey(effect.consumer), effect.cursor);
        break;
      case 'outborn':
        this.#dispatch({ type: 'reborn', incarnation: this.#log.rebirth(effect.by), at: performance.now() });
    }
  }

  #send({ consumer, from, to, maxBytes }: Extract<SenderEffect, { type: 'send' }>): void {
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

function openBatch(): Batch {
  let resolve = (): void => {};
  let reject = (_error: unknown): void => {};
  const written = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { written, resolve, reject, records: 0 };
}

const positions = ({ received, done, stable, credit }: Consumer) => ({ received, done, stable, credit });
