/** The consumer's side of one stream at a simulated gateway: cursor, delivery and the receiver state machine. */
import type { DataFrame, SequencedRecord } from '../../../src/wire/frames.ts';
import { hashText, RepeatDetector, rootLineage } from '../../../src/wire/lineage.ts';
import {
  initReceiver,
  type ReceiverCursor,
  type ReceiverEffect,
  type ReceiverEvent,
  type ReceiverState,
  reduceReceiver,
} from '../../../src/wire/receiver.ts';
import type { Incarnation } from '../../../src/wire/stream.ts';
import type { Gateway } from './Gateway.ts';
import { Machine } from './Machine.ts';
import type { Stream } from './World.ts';

export class InStream {
  stream: Stream;
  readonly #gateway: Gateway;
  readonly #hash: number;
  readonly #repeats = new RepeatDetector();
  readonly #machine: Machine<ReceiverState, ReceiverEvent, ReceiverEffect>;
  readonly #life: number;
  #closed = false;

  constructor(gateway: Gateway, stream: Stream) {
    this.#gateway = gateway;
    this.stream = stream;
    this.#hash = hashText(stream.name);
    this.#life = gateway.world.nextId();
    const cursor = gateway.journal.get(this.#key) as ReceiverCursor | undefined;
    this.#machine = new Machine(gateway, initReceiver(gateway.boot, cursor), {
      reduce: reduceReceiver,
      perform: (effect) => this.#perform(effect),
      due: (state) => state.ackAt,
    });
    this.#machine.dispatch({ type: 'grant', open: true, window: stream.window, at: gateway.world.now });
  }

  /** Passes over the first message that is not finished: declared loss. */
  skip(): void {
    this.#machine.dispatch({ type: 'skip', count: 1, at: this.#gateway.world.now });
  }

  describe(): unknown {
    return { stream: this.stream.name, at: this.#gateway.name, ...this.#machine.state };
  }

  onData(frame: DataFrame): void {
    this.#machine.dispatch({ type: 'data', frame, at: this.#gateway.world.now });
  }

  link(up: boolean): void {
    this.#machine.dispatch({ type: 'link', up, at: this.#gateway.world.now });
  }

  grant(open: boolean): void {
    if (open !== this.#machine.state.open)
      this.#machine.dispatch({ type: 'grant', open, at: this.#gateway.world.now });
  }

  stop(): void {
    this.#closed = true;
    this.#machine.stop();
  }

  #perform(effect: ReceiverEffect): void {
    const { world, name, boot } = this.#gateway;
    const { incarnation } = this.#machine.state;
    switch (effect.type) {
      case 'deliver':
        for (const record of effect.records) this.#deliver(record, incarnation, effect.redeliveredTo);
        return;
      case 'persist':
        this.#persist(effect.cursor);
        return;
      case 'ack': {
        const { positions } = effect;
        const { producer } = this.stream;
        world.witness.acknowledged({ stream: this.stream.name, consumer: name, positions });
        world.network.send(this.#gateway, producer, (to) =>
          to.onAck({ type: 'ack', stream: this.stream.name, consumer: name, ce: 0, boot, ...positions }),
        );
        return;
      }
      case 'loss': {
        const { from, to } = effect;
        world.witness.lost({ stream: this.stream.name, consumer: name, incarnation, from, to });
      }
    }
  }

  #deliver({ seq, record }: SequencedRecord, incarnation: Incarnation, redeliveredTo: number): void {
    if (record.kind !== 'message') return;
    const { world, name } = this.#gateway;
    const value = record.ts;
    const cause = record.lineage ?? rootLineage(this.stream.name, this.#hash, incarnation, seq);
    const repeated = this.#repeats.seen(cause.id) || seq <= redeliveredTo;
    const { id } = cause;
    world.witness.delivered({
      stream: this.stream.name,
      consumer: name,
      life: this.#life,
      incarnation,
      seq,
      value,
      id,
      repeated,
      done: this.#machine.state.done,
      window: this.stream.window,
    });
    this.#gateway.work(this.stream, value, cause, () => {
      if (this.#closed) return;
      world.witness.completed({ stream: this.stream.name, consumer: name, value });
      this.#machine.dispatch({ type: 'settled', incarnation, seqs: [seq], at: world.now });
    });
  }

  #persist(cursor: ReceiverCursor): void {
    const { world, name, diskId } = this.#gateway;
    this.#gateway.journal.set(this.#key, cursor, () => {
      world.witness.consumerStored({ stream: this.stream.name, consumer: name, disk: diskId, cursor });
      this.#machine.dispatch({ type: 'persisted', cursor, at: world.now });
    });
  }

  get #key(): string {
    return `in ${this.stream.name}`;
  }
}
