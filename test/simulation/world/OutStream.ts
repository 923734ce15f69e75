/** The producer's side of one stream at a simulated gateway: log, cursors and the sender state machine. */
import type { ConsumerCursor } from '../../../src/wire/consumer.ts';
import type { AckFrame, SequencedRecord } from '../../../src/wire/frames.ts';
import type { Lineage } from '../../../src/wire/lineage.ts';
import {
  initSender,
  reduceSender,
  type SenderEffect,
  type SenderEvent,
  type SenderState,
  senderDue,
} from '../../../src/wire/sender.ts';
import { NO_BOOT } from '../../../src/wire/stream.ts';
import type { Released } from './Checkpoints.ts';
import type { Gateway } from './Gateway.ts';
import { Intake } from './Intake.ts';
import { Log } from './Log.ts';
import { Machine } from './Machine.ts';
import type { Stream } from './World.ts';

/** From this part of the quota on, streams into the same gateway get no credit. */
const NEARLY_FULL = 0.9;

export class OutStream {
  stream: Stream;
  readonly #gateway: Gateway;
  readonly #log: Log;
  readonly #intake: Intake;
  readonly #epoch: number;
  readonly #machine: Machine<SenderState, SenderEvent, SenderEffect>;
  #wasNearlyFull = false;
  #closed = false;

  constructor(gateway: Gateway, stream: Stream) {
    this.#gateway = gateway;
    this.stream = stream;
    this.#epoch = stream.epoch;
    this.#log = new Log(
      gateway.logFile(stream),
      stream.quota,
      (run) => this.#later(gateway.world.random.below(10), run),
      () => this.#intake.settle(),
    );
    this.#intake = new Intake({
      gateway,
      stream: () => this.stream,
      log: this.#log,
      later: (ms, run) => this.#later(ms, run),
      closed: () => this.#closed,
      giveUp: (upTo) => this.#giveUp(upTo),
      onSendable: () => this.#onSendable(),
    });
    const prefix = this.#key('');
    const cursors: Record<string, ConsumerCursor> = {};
    for (const [key, value] of gateway.journal.entries(prefix))
      cursors[key.slice(prefix.length)] = value as ConsumerCursor;
    const extent = { head: this.#log.sendable, base: this.#log.base };
    this.#machine = new Machine(gateway, initSender(this.#log.file.incarnation, extent, cursors), {
      reduce: reduceSender,
      perform: (effect) => this.#perform(effect),
      due: senderDue,
    });
    this.#log.trim(this.#machine.state.trimmed);
    gateway.world.witness.opened({
      stream: stream.name,
      log: this.#log.file.id,
      incarnation: this.#log.file.incarnation,
    });
  }

  get logId(): number {
    return this.#log.file.id;
  }

  /** Where one begins that takes from now on. */
  get head(): number {
    return this.exact ? this.#log.sendable : this.#log.head;
  }

  get exact(): boolean {
    return this.stream.exact;
  }

  /** For a checkpoint: what it releases. */
  position(): Released {
    this.#intake.commit();
    return { epoch: this.#epoch, upTo: this.#log.head };
  }

  sync(): void {
    this.#log.synced(this.#log.head);
  }

  /** A checkpoint holds what caused the records up to here. */
  release(upTo: number): void {
    if (upTo <= this.#log.released) return;
    this.#log.released = upTo;
    this.#intake.settle();
  }

  get nearlyFull(): boolean {
    return this.#log.size >= this.#log.quota * NEARLY_FULL;
  }

  /** Every consumer has stably passed all there is. */
  get drained(): boolean {
    if (!this.#intake.empty) return false;
    return Object.values(this.#machine.state.consumers).every((c) => c.stable === this.#log.head);
  }

  describe(): unknown {
    return { stream: this.stream.name, ...this.#machine.state };
  }

  /** `written` is called once the record is on disk; false when the log is full and the message is refused. */
  append(value: number, cause: Lineage | undefined, written: () => void): boolean {
    return this.#intake.append(value, cause, written);
  }

  /** What a newcomer is owed from now on must be known after a power cut: its cursor is synced at once. */
  setConsumers(ids: readonly string[]): void {
    const earliest = this.stream.start === 'earliest' ? ids : [];
    this.#machine.dispatch({ type: 'consumers', ids, earliest, at: this.#now });
    if (!this.#closed) this.#gateway.journal.flush(true);
  }

  /** Gives up all that waits: declared loss. */
  purge(): void {
    this.#giveUp(this.#log.sendable);
    if (!this.#closed) this.#gateway.journal.flush(true);
  }

  onAck(ack: AckFrame): void {
    this.#machine.dispatch({ type: 'ack', ack, at: this.#now });
  }

  link(up: boolean): void {
    this.#machine.dispatch({ type: 'link', up, at: this.#now });
  }

  stop(): void {
    this.#closed = true;
    this.#machine.stop();
  }

  get #now(): number {
    return this.#gateway.world.now;
  }

  #giveUp(upTo: number): void {
    this.#gateway.world.witness.givenUp({ stream: this.stream.name, log: this.logId, upTo });
    this.#machine.dispatch({ type: 'giveUp', upTo, at: this.#now });
  }

  #onSendable(): void {
    this.#machine.dispatch({ type: 'appended', head: this.#log.sendable, at: this.#now });
    this.#checkLevel();
  }

  #checkLevel(): void {
    if (this.#closed || this.nearlyFull === this.#wasNearlyFull) return;
    this.#wasNearlyFull = !this.#wasNearlyFull;
    this.#gateway.grantCredit();
  }

  #perform(effect: SenderEffect): void {
    switch (effect.type) {
      case 'send':
        this.#send(effect);
        return;
      case 'probe':
        this.#frame(effect.consumer, this.#machine.state.consumers[effect.consumer]?.next ?? 1, []);
        return;
      case 'trim':
        this.#log.trim(effect.upTo);
        this.#gateway.world.witness.trimmed({ stream: this.stream.name, log: this.logId, upTo: effect.upTo });
        this.#checkLevel();
        return;
      case 'persist':
        this.#persist(effect.consumer, effect.cursor);
        return;
      case 'outborn':
        this.#rebirth(effect.by.born);
    }
  }

  #rebirth(after: number): void {
    const { file } = this.#log;
    const { pe } = file.incarnation;
    // Not the birth that a log lost since may have taken after the same one.
    const later = after + 1 + this.#gateway.world.random.index(65_536);
    file.incarnation = { pe, born: Math.max(later, this.#gateway.wallClock) };
    this.#gateway.world.witness.opened({
      stream: this.stream.name,
      log: file.id,
      incarnation: file.incarnation,
    });
    this.#machine.dispatch({ type: 'reborn', incarnation: file.incarnation, at: this.#now });
  }

  #persist(consumer: string, cursor: ConsumerCursor | undefined): void {
    const { logId, stream } = this;
    const { gateway, disk } = { gateway: this.#gateway.name, disk: this.#gateway.diskId };
    this.#gateway.journal.set(this.#key(consumer), cursor, () =>
      this.#gateway.world.witness.producerStored({
        stream: stream.name,
        log: logId,
        gateway,
        disk,
        consumer,
        cursor,
      }),
    );
  }

  #send({ consumer, from, to }: Extract<SenderEffect, { type: 'send' }>): void {
    const found = this.#log.read(from, to, this.#gateway.world.random.pick([1, 8, 64]));
    const last = found.at(-1);
    // Without an answer the sender tries again when it probes.
    if (last === undefined) return;
    this.#frame(consumer, found[0]!.seq, found);
    const bytes = found.length;
    this.#machine.dispatch({ type: 'sent', consumer, from, to: last.to, bytes, at: this.#now });
  }

  #frame(id: string, first: number, records: readonly SequencedRecord[]): void {
    const { state } = this.#machine;
    const consumer = state.consumers[id];
    if (consumer === undefined) return;
    const { name } = this.stream;
    const { file } = this.#log;
    const last = records.at(-1);
    if (last !== undefined)
      this.#gateway.world.witness.sent({ stream: name, log: file.id, consumer: id, last, file });
    this.#gateway.world.network.send(this.#gateway, id, (to) =>
      to.onData({
        type: 'data',
        stream: name,
        incarnation: state.incarnation,
        boot: consumer.boot ?? NO_BOOT,
        start: consumer.start,
        base: consumer.stable + 1,
        redeliveredTo: consumer.redeliveredTo,
        first,
        unlogged: false,
        records,
      }),
    );
  }

  #key(consumer: string): string {
    return `out ${this.stream.name} ${this.#epoch} ${consumer}`;
  }

  #later(ms: number, run: () => void): void {
    this.#gateway.later(ms, () => {
      if (!this.#closed) run();
    });
  }
}
