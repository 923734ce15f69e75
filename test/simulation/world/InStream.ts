/** The consumer's side of one stream at a simulated gateway: cursor, delivery and the receiver state machine. */
import type { DataFrame, SequencedRecord } from '../../../src/wire/frames.ts';
import { hashText, RepeatDetector, rootLineage } from '../../../src/wire/lineage.ts';
import {
  cursorNow,
  initReceiver,
  type ReceiverCursor,
  type ReceiverEffect,
  type ReceiverEvent,
  type ReceiverState,
  reduceReceiver,
} from '../../../src/wire/receiver.ts';
import { compareIncarnations, type Incarnation } from '../../../src/wire/stream.ts';
import type { Gateway } from './Gateway.ts';
import { Machine } from './Machine.ts';
import type { Stream } from './World.ts';

interface Waiting extends SequencedRecord {
  readonly incarnation: Incarnation;
  readonly redeliveredTo: number;
}

export class InStream {
  stream: Stream;
  readonly #gateway: Gateway;
  readonly #hash: number;
  readonly #repeats = new RepeatDetector();
  readonly #machine: Machine<ReceiverState, ReceiverEvent, ReceiverEffect>;
  readonly #life: number;
  /** Not handed over yet. */
  #waiting: Waiting[] = [];
  #closed = false;

  constructor(gateway: Gateway, stream: Stream) {
    this.#gateway = gateway;
    this.stream = stream;
    this.#hash = hashText(stream.name);
    this.#life = gateway.world.nextId();
    const cursor = this.#takeCursor();
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

  /** For a checkpoint: where it stands now. */
  get position(): ReceiverCursor {
    return cursorNow(this.#machine.state);
  }

  /** A checkpoint holds this cursor. */
  committed(cursor: ReceiverCursor): void {
    this.#machine.dispatch({ type: 'persisted', cursor, at: this.#gateway.world.now });
  }

  /** There are no checkpoints any more: the cursor is kept by itself. */
  keepAlone(): void {
    const { incarnation, stable } = this.position;
    this.#keep({ incarnation, stable });
  }

  /** Tasks may take messages again. */
  wake(): void {
    while (!this.#closed && !this.#gateway.fragment.holds && this.#waiting.length > 0)
      this.#deliver(this.#waiting.shift()!);
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
        for (const record of effect.records)
          this.#waiting.push({ ...record, incarnation, redeliveredTo: effect.redeliveredTo });
        this.wake();
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
        const { from, to, reason } = effect;
        world.witness.lost({ stream: this.stream.name, consumer: name, incarnation, from, to, reason });
        if (reason === 'skipped') this.#waiting = this.#waiting.filter(({ seq }) => seq !== from);
      }
    }
  }

  #deliver({ seq, record, incarnation, redeliveredTo }: Waiting): void {
    if (record.kind !== 'message') return;
    const { world, name } = this.#gateway;
    const value = record.ts;
    const cause = record.lineage ?? rootLineage(this.stream.name, this.#hash, incarnation, seq);
    // What an earlier process did with it is taken back where the wire is effectively-once.
    const repeated = this.#repeats.seen(cause.id) || (seq <= redeliveredTo && !this.stream.exact);
    const { id } = cause;
    // What waited of a log that is superseded is still handed over.
    const { incarnation: known, done } = this.#machine.state;
    world.witness.delivered({
      stream: this.stream.name,
      consumer: name,
      life: this.#life,
      incarnation,
      seq,
      value,
      id,
      repeated,
      exact: this.stream.exact,
      done: compareIncarnations(incarnation, known) === 0 ? done : seq,
      window: this.stream.window,
    });
    const message = { incarnation, seq, value, cause };
    const finished = (): void => {
      if (this.#closed) return;
      world.witness.completed({ stream: this.stream.name, consumer: name, value });
      this.#machine.dispatch({ type: 'settled', incarnation, seqs: [seq], at: world.now });
    };
    this.#gateway.fragment.tasks.handle(this.stream, message, () => this.#closed, finished);
  }

  /** What a checkpoint says goes with the state of the tasks. */
  #takeCursor(): ReceiverCursor | undefined {
    const { fragment, journal, world, name, diskId } = this.#gateway;
    const cursor = fragment.cursorOf(this.stream.name);
    if (cursor !== undefined)
      world.witness.consumerStored({ stream: this.stream.name, consumer: name, disk: diskId, cursor });
    return cursor ?? (journal.get(this.#key) as ReceiverCursor | undefined);
  }

  #persist(cursor: ReceiverCursor): void {
    const { fragment } = this.#gateway;
    if (fragment.checkpointed) fragment.changed();
    else this.#keep(cursor);
  }

  #keep(cursor: ReceiverCursor): void {
    const { world, name, diskId, journal, fragment } = this.#gateway;
    journal.set(this.#key, cursor, () => {
      const { incarnation, stable } = this.#machine.state;
      const isBehind = compareIncarnations(cursor.incarnation, incarnation) !== 0 || cursor.stable < stable;
      // A checkpoint taken meanwhile says more, and goes before.
      if (!fragment.checkpointed || !isBehind)
        world.witness.consumerStored({ stream: this.stream.name, consumer: name, disk: diskId, cursor });
      this.#machine.dispatch({ type: 'persisted', cursor, at: world.now });
    });
  }

  get #key(): string {
    return `in ${this.stream.name}`;
  }
}
