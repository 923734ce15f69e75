/**
 * The tasks of a simulated gateway and its streams as a whole: takes the checkpoints in which the state of the tasks
 * goes with the cursors of what they consume and the release of what they produce.
 */
import {
  type FragmentEffect,
  type FragmentEvent,
  type FragmentState,
  fragmentDue,
  initFragment,
  reduceFragment,
} from '../../../src/wire/checkpoint.ts';
import type { ReceiverCursor } from '../../../src/wire/receiver.ts';
import type { Checkpoint, CheckpointFile, Released } from './Checkpoints.ts';
import type { Gateway } from './Gateway.ts';
import { Machine } from './Machine.ts';
import { Tasks } from './Tasks.ts';

const WRITE_MS = 30;
const SYNC_MS = 30;
/** What a checkpoint takes of the event loop, ms. */
const COST_MS = 3;

export class Fragment {
  readonly tasks: Tasks;
  readonly #gateway: Gateway;
  readonly #file: CheckpointFile;
  /** What an earlier process has left. */
  #restored: Checkpoint | undefined;
  readonly #forgotten = new Set<string>();
  #machine: Machine<FragmentState, FragmentEvent, FragmentEffect> | undefined;
  #holds = false;
  #looking = false;

  /** What is released on the word of a checkpoint, it says after a power cut too: it is synced before it counts. */
  constructor(gateway: Gateway, file: CheckpointFile) {
    this.#gateway = gateway;
    this.#file = file;
    if (gateway.world.fsync) file.sync();
    this.#restored = file.last;
    this.tasks = new Tasks(gateway, this.#restored?.tasks ?? new Map());
    if (this.#restored !== undefined) this.observe(false);
  }

  /** It takes checkpoints. */
  get checkpointed(): boolean {
    return this.#machine !== undefined;
  }

  /** Nothing is handed over now. */
  get holds(): boolean {
    return this.#holds;
  }

  /** `exact` undefined: there is nothing to keep. */
  configure(exact: boolean | undefined): void {
    const { world } = this.#gateway;
    this.tasks.stateful = exact !== undefined;
    if (exact === undefined) {
      this.#end();
      return;
    }
    const options = { exact, everyMs: world.checkpointMs };
    if (this.#machine !== undefined) {
      this.#machine.dispatch({ type: 'options', options });
      return;
    }
    this.#begin();
    this.#machine = new Machine(this.#gateway, initFragment(options), {
      reduce: reduceFragment,
      perform: (effect) => this.#perform(effect),
      due: (state) => (this.#looking ? undefined : fragmentDue(state)),
    });
  }

  /** Where a stream stood at the last checkpoint of an earlier process. */
  cursorOf(stream: string): ReceiverCursor | undefined {
    return this.#forgotten.has(stream) ? undefined : this.#restored?.cursors.get(stream);
  }

  releasedOf(stream: string): Released | undefined {
    return this.#restored?.released.get(stream);
  }

  /** Something was finished or appended that no checkpoint holds. */
  changed(): void {
    this.#machine?.dispatch({ type: 'changed', at: this.#gateway.world.now });
  }

  forget(stream: string): void {
    this.#forgotten.add(stream);
    this.tasks.forget(stream);
    this.#gateway.world.witness.stateLost({ gateway: this.#gateway.name });
    this.changed();
  }

  stop(): void {
    this.#machine?.stop();
  }

  /** Tells in which state the tasks are: at a start, and in the end. */
  observe(final: boolean): void {
    const { name, world } = this.#gateway;
    const exact = final ? this.#machine?.state.exact : this.#gateway.exact;
    if (exact === undefined) return;
    world.witness.state({ gateway: name, exact, tasks: this.tasks.states, final });
  }

  describe(): unknown {
    return { quiet: this.tasks.quiet, ...this.#machine?.state };
  }

  /** What tasks did before is not known. */
  #begin(): void {
    const { ins, journal, world, name } = this.#gateway;
    if (this.#restored !== undefined) return;
    if (ins.size > 0 || journal.entries('in ').length > 0) world.witness.stateLost({ gateway: name });
  }

  #end(): void {
    const { ins, journal, world, name } = this.#gateway;
    if (this.#machine === undefined && this.#restored === undefined) return;
    for (const [stream, { incarnation, stable }] of this.#restored?.cursors ?? [])
      if (!this.#forgotten.has(stream) && !ins.has(stream)) this.#keepAlone(stream, { incarnation, stable });
    this.#machine?.stop();
    this.#machine = undefined;
    for (const input of ins.values()) input.keepAlone();
    journal.flush(true);
    this.#file.clear();
    this.#restored = undefined;
    this.tasks.clear();
    world.witness.stateLost({ gateway: name });
    if (this.#holds) this.#hold(false);
  }

  #keepAlone(stream: string, cursor: ReceiverCursor): void {
    const { journal, world, name: consumer, diskId: disk } = this.#gateway;
    journal.set(`in ${stream}`, cursor, () =>
      world.witness.consumerStored({ stream, consumer, disk, cursor }),
    );
  }

  /** Once in a turn of the event loop. */
  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#gateway.later(0, () => {
      this.#looking = false;
      this.#machine?.dispatch({ type: 'seen', quiet: this.tasks.quiet, at: this.#gateway.world.now });
    });
  }

  #perform(effect: FragmentEffect): void {
    switch (effect.type) {
      case 'look':
        this.#look();
        return;
      case 'hold':
        this.#hold(true);
        this.#look();
        return;
      case 'resume':
        this.#hold(false);
        return;
      case 'capture':
        this.#capture();
    }
  }

  #hold(holds: boolean): void {
    this.#holds = holds;
    for (const input of this.#gateway.ins.values()) input.wake();
  }

  #capture(): void {
    const { world, ins, outs } = this.#gateway;
    this.tasks.park();
    const exact = [...outs].filter(([, out]) => out.exact);
    const checkpoint: Checkpoint = {
      cursors: new Map([...ins].map(([name, input]) => [name, input.position])),
      tasks: new Map(this.tasks.states),
      released: new Map(exact.map(([name, out]) => [name, out.position()])),
    };
    const costMs = world.random.below(COST_MS);
    this.#machine?.dispatch({ type: 'captured', costMs, at: world.now });
    this.#later(WRITE_MS, () => this.#write(checkpoint));
  }

  #write(checkpoint: Checkpoint): void {
    const { world } = this.#gateway;
    if (world.writeFails()) {
      this.#written(false);
      return;
    }
    if (world.fsync) for (const out of this.#gateway.outs.values()) out.sync();
    this.#file.write(checkpoint);
    if (!world.fsync) {
      this.#committed(checkpoint);
      return;
    }
    this.#later(SYNC_MS, () => {
      this.#file.sync();
      this.#committed(checkpoint);
    });
  }

  /** It survives what it is to survive: what it holds is passed, and what came of that is sent. */
  #committed({ cursors, released }: Checkpoint): void {
    const { ins, outs, world, name: consumer, diskId: disk } = this.#gateway;
    const current = [...released].flatMap(([name, { epoch, upTo }]) => {
      const out = outs.get(name);
      return out?.stream.epoch === epoch ? [{ out, upTo }] : [];
    });
    for (const { out, upTo } of current) world.witness.released({ log: out.logId, upTo });
    for (const [stream, cursor] of cursors)
      if (ins.has(stream)) world.witness.consumerStored({ stream, consumer, disk, cursor });
    for (const { out, upTo } of current) out.release(upTo);
    for (const [stream, cursor] of cursors) ins.get(stream)?.committed(cursor);
    this.#written(true);
  }

  /** Within that time, unless no checkpoints are taken any more. */
  #later(ms: number, run: () => void): void {
    const machine = this.#machine;
    this.#gateway.later(this.#gateway.world.random.below(ms), () => {
      if (machine === this.#machine) run();
    });
  }

  #written(ok: boolean): void {
    this.#machine?.dispatch({ type: 'written', ok, at: this.#gateway.world.now });
  }
}
