/** One fragment that takes checkpoints: runs its state machine, captures, writes, and brings its tasks back at a start. */
import { deserialize, serialize } from 'node:v8';
import {
  type FragmentEffect,
  type FragmentEvent,
  type FragmentOptions,
  type FragmentState,
  fragmentDue,
  initFragment,
  reduceFragment,
} from '../../../../src/wire/checkpoint.ts';
import { decodeMessage } from '../../../../src/wire/codec.ts';
import type { CheckpointStatus } from '../../../../src/wire/control.ts';
import type { ReceiverCursor } from '../../../../src/wire/receiver.ts';
import { compareIncarnations } from '../../../../src/wire/stream.ts';
import { Driver } from '../Driver.ts';
import type { Follower, Fragment, HeldByTask, StreamPositions, Streams } from '../ports.ts';
import type { RedNode } from '../red.ts';
import { CheckpointFile } from './CheckpointFile.ts';
import type { TaskState } from './taskState.ts';

export interface CheckpointedFragmentOptions {
  /** Id of the application. */
  readonly id: string;
  readonly path: string;
  readonly streams: () => Pick<Streams, 'quiet' | 'positions' | 'synced' | 'committed' | 'wake'>;
  readonly follower: () => Pick<Follower, 'quiet' | 'forsake' | 'heldByTasks' | 'follow'>;
  readonly gate: () => {
    pause(holder: string, tabs: ReadonlySet<string>): void;
    resume(holder: string): void;
  };
  readonly state: TaskState;
  /** The tasks whose state is in context or in members. */
  readonly keepers: () => RedNode[];
  readonly node: (id: string) => RedNode | null | undefined;
  /** A stream of the fragment is no more. */
  readonly retired: () => void;
  /** False while a deploy has stopped nodes and not yet started their successors. */
  readonly running: () => boolean;
  readonly warn: (text: string) => void;
}

/** How often it is looked whether the fragment is quiet while intake is held, ms. */
const LOOK_MS = 1;
const STOPPED_MS = 20;
/**
 * After this long what sources of this gateway have under way is not waited for any more, now or later: a node that never
 * completes what a source sent would hold the fragment again and again. What streams brought is always waited for.
 */
const SOURCES_MS = 5_000;

const IN = 'in ';
const OUT = 'out ';
const HELD = 'held ';

export class CheckpointedFragment implements Fragment {
  readonly #options: CheckpointedFragmentOptions;
  readonly #file: CheckpointFile;
  readonly #machine: Driver<FragmentState, FragmentEvent, FragmentEffect>;
  #tabs: ReadonlySet<string> = new Set();
  #changed = false;
  #restored = false;
  #ended = false;
  #looking: NodeJS.Timeout | undefined;
  #taken = 0;
  #lastMs = 0;

  constructor(options: CheckpointedFragmentOptions, rules: FragmentOptions) {
    this.#options = options;
    this.#file = new CheckpointFile(options.path);
    this.#machine = new Driver(initFragment(rules), {
      reduce: reduceFragment,
      perform: (effect) => this.#perform(effect),
      due: fragmentDue,
      onError: (error) => options.warn(`checkpoints of ${options.id}: ${error.message}`),
    });
  }

  get holds(): boolean {
    return !this.#restored || this.#machine.state.heldAt !== undefined;
  }

  status(): CheckpointStatus {
    const { changedAt } = this.#machine.state;
    const waitingMs = changedAt === undefined ? undefined : Math.round(performance.now() - changedAt);
    return {
      application: this.#options.id,
      taken: this.#taken,
      bytes: this.#file.bytes,
      lastMs: this.#lastMs,
      ...(waitingMs === undefined ? {} : { waitingMs }),
    };
  }

  /** Holds from now on. */
  configure(tabs: ReadonlySet<string>, rules: FragmentOptions): void {
    this.#tabs = tabs;
    this.#machine.dispatch({ type: 'options', options: rules });
  }

  changed(): void {
    if (this.#changed || !this.#restored || this.#ended) return;
    this.#changed = true;
    setImmediate(() => {
      this.#changed = false;
      this.#machine.dispatch({ type: 'changed', at: performance.now() });
    });
  }

  cursorOf(stream: string): ReceiverCursor | undefined {
    if (this.#restored) return undefined;
    const part = this.#file.parts.get(IN + stream);
    return part === undefined ? undefined : (JSON.parse(part.toString()) as ReceiverCursor);
  }

  releasedOf(stream: string, epoch: number): number | undefined {
    if (this.#restored) return undefined;
    const part = this.#file.parts.get(OUT + stream);
    if (part === undefined) return undefined;
    const known = JSON.parse(part.toString()) as { epoch: number; released: number };
    return known.epoch === epoch ? known.released : undefined;
  }

  retired(): void {
    this.#options.retired();
  }

  /**
   * Called when the tasks stand and nothing was handed over yet. Brings their state back, and hands them again what they
   * held. From here on there is a checkpoint, so that a crash finds what was released before.
   */
  restore(): void {
    if (this.#restored) return;
    const { parts } = this.#file;
    if (parts.size > 0) this.#options.state.restore(this.#options.keepers(), parts);
    for (const [name, bytes] of parts) if (name.startsWith(HELD)) this.#handIn(bytes);
    this.#restored = true;
    if (this.#machine.state.exact) void this.#capture();
    else this.changed();
    this.#options.streams().wake(this.#tabs);
  }

  /** What these tasks held is handed in again: their nodes were replaced, and lost it. */
  handInAgain(held: readonly HeldByTask[]): void {
    for (const { node, message, cause } of held) this.#deliver(node, message, cause);
  }

  /** The last checkpoint of this process. One that cannot be exact is not taken: what was done since will be done again. */
  async finish(): Promise<void> {
    const { exact, writing } = this.#machine.state;
    if (this.#restored && !writing && (!exact || this.#quiet(0))) await this.#capture();
    this.stop();
  }

  stop(): void {
    this.#ended = true;
    clearTimeout(this.#looking);
    this.#machine.stop();
    this.#file.close();
  }

  /** Takes no checkpoints any more; what is there is forgotten. */
  remove(): void {
    this.stop();
    this.#options.gate().resume(this.#options.id);
    this.#file.remove();
  }

  #perform(effect: FragmentEffect): void {
    const { gate, id, streams } = this.#options;
    switch (effect.type) {
      case 'look':
        this.#look();
        break;
      case 'hold':
        gate().pause(id, this.#tabs);
        this.#look();
        break;
      case 'resume':
        gate().resume(id);
        streams().wake(this.#tabs);
        break;
      case 'capture':
        void this.#capture();
    }
  }

  /** While intake is held nobody tells when the last message has completed. */
  #look(): void {
    clearTimeout(this.#looking);
    if (this.#ended) return;
    // Tasks that are being replaced have no state to be seen.
    if (!this.#options.running()) {
      this.#looking = setTimeout(() => this.#look(), STOPPED_MS);
      return;
    }
    const at = performance.now();
    const { heldAt } = this.#machine.state;
    this.#machine.dispatch({ type: 'seen', quiet: this.#quiet(at - (heldAt ?? at)), at });
    if (this.#machine.state.heldAt !== undefined) this.#looking = setTimeout(() => this.#look(), LOOK_MS);
  }

  #quiet(heldMs: number): boolean {
    const { streams, follower } = this.#options;
    if (heldMs > SOURCES_MS) follower().forsake(this.#tabs);
    return streams().quiet(this.#tabs) && follower().quiet(this.#tabs);
  }

  /** What is captured belongs together, since it is captured in one turn; it counts from when it is written. */
  async #capture(): Promise<void> {
    const started = performance.now();
    let positions: StreamPositions;
    let costMs: number;
    try {
      positions = this.#options.streams().positions(this.#tabs);
      const parts = this.#partsOf(positions);
      const synced = this.#options.streams().synced(positions);
      const at = performance.now();
      this.#lastMs = at - started;
      this.#machine.dispatch({ type: 'captured', costMs: this.#lastMs, at });
      if (synced !== undefined) await synced;
      // It ended meanwhile: its streams have gone on by themselves.
      if (this.#ended) return;
      const began = performance.now();
      const written = this.#file.write(parts, positions.durably || this.#namesNewLog(positions));
      costMs = performance.now() - began;
      this.#lastMs += costMs;
      if (written !== undefined) await written;
    } catch (error) {
      this.#options.warn(`no checkpoint of ${this.#options.id} can be written: ${(error as Error).message}`);
      this.#machine.dispatch({ type: 'written', ok: false, at: performance.now() });
      return;
    }
    this.#taken++;
    this.#options.streams().committed(positions);
    this.#machine.dispatch({ type: 'written', ok: true, costMs, at: performance.now() });
  }

  /** Once what was in it is trimmed, a consumer that knew nothing of that log would not miss it. */
  #namesNewLog({ ins }: StreamPositions): boolean {
    return [...ins].some(([stream, { incarnation }]) => {
      const part = this.#file.parts.get(IN + stream);
      const known = part && (JSON.parse(part.toString()) as ReceiverCursor);
      return known === undefined || compareIncarnations(known.incarnation, incarnation) !== 0;
    });
  }

  #partsOf({ ins, outs }: StreamPositions): Map<string, Buffer> {
    const { state, keepers, follower } = this.#options;
    const parts = new Map<string, Buffer>();
    for (const [stream, cursor] of ins) parts.set(IN + stream, Buffer.from(JSON.stringify(cursor)));
    for (const [stream, position] of outs) parts.set(OUT + stream, Buffer.from(JSON.stringify(position)));
    state.capture(keepers(), parts);
    for (const { id, node, message, cause } of follower().heldByTasks(this.#tabs))
      parts.set(`${HELD}${id}`, serialize({ node, message, cause }));
    return parts;
  }

  #handIn(part: Buffer): void {
    const { node, message, cause } = deserialize(part) as Omit<HeldByTask, 'id'>;
    this.#deliver(node, message, cause);
  }

  #deliver(id: string, { codec, body }: HeldByTask['message'], cause: HeldByTask['cause']): void {
    const node = this.#options.node(id);
    const decoded = decodeMessage(codec, body);
    if (!node || !decoded.ok) {
      this.#options.warn(`a message that ${id} held is lost: the task is gone or cannot read it`);
      return;
    }
    if (cause === undefined) node.receive(decoded.msg);
    else
      this.#options.follower().follow(
        cause,
        () => node.receive(decoded.msg),
        () => {},
      );
  }
}
