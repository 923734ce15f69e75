/**
 * The tasks of a simulated gateway, one for each stream it takes messages from. The state of a task is all that it did,
 * so that what is missing in it, or there twice, can be named; some hold messages until they have three to join.
 */
import type { Lineage } from '../../../src/wire/lineage.ts';
import type { Incarnation } from '../../../src/wire/stream.ts';
import type { Gateway } from './Gateway.ts';
import type { Stream } from './World.ts';

/** A message as it was delivered. */
export interface Message {
  readonly incarnation: Incarnation;
  readonly seq: number;
  readonly value: number;
  readonly cause: Lineage;
}

/** What a task did with a message. */
export interface Effect {
  readonly message: Message;
  /** It is held until there are others to join it with. */
  readonly holds: boolean;
  /** What was held and is no longer. */
  readonly joined: readonly Message[];
  /** The messages it put into streams. */
  readonly results: readonly Result[];
  readonly before: Effect | undefined;
}

export interface Result {
  readonly stream: string;
  readonly value: number;
}

/** Never changed, only replaced. */
export interface TaskState {
  /** The last one. */
  readonly effects: Effect | undefined;
  readonly held: readonly Message[];
}

/** Messages that are joined to one. */
export const JOINED = 3;
const NEW: TaskState = { effects: undefined, held: [] };

export class Tasks {
  readonly #gateway: Gateway;
  /** The state is kept in checkpoints. */
  stateful = false;
  readonly #states: Map<string, TaskState>;
  #working = 0;
  /** Messages that tasks hold and no checkpoint does, and what tells that they are finished. */
  readonly #unparked = new Map<Message, () => void>();

  constructor(gateway: Gateway, states: ReadonlyMap<string, TaskState>) {
    this.#gateway = gateway;
    this.#states = new Map(states);
  }

  get states(): ReadonlyMap<string, TaskState> {
    return this.#states;
  }

  /** Nothing is on its way through the tasks, but for what they hold. */
  get quiet(): boolean {
    return this.#working === 0;
  }

  /** Takes its time and puts results into the streams it feeds; `done` once they are written. */
  handle(from: Stream, message: Message, isOver: () => boolean, done: () => void): void {
    const { world } = this.#gateway;
    this.#working++;
    this.#gateway.later(world.random.below(world.taskMs), () => {
      if (isOver()) this.#leave([]);
      else if (this.stateful && from.joins) this.#join(from, message, done);
      else this.#work(from, message, message.value % 4 === 0 ? 2 : 1, [], done);
    });
  }

  /** What is held goes into the checkpoint that is taken now, and is finished by that. */
  park(): void {
    const held = [...this.#unparked.values()];
    this.#unparked.clear();
    for (const done of held) done();
  }

  /** The state is kept no longer; what is held would never be finished by a checkpoint. */
  clear(): void {
    this.park();
    this.#states.clear();
  }

  forget(stream: string): void {
    for (const message of this.#states.get(stream)?.held ?? []) this.#unparked.delete(message);
    this.#states.delete(stream);
  }

  #join(from: Stream, message: Message, done: () => void): void {
    const { effects, held } = this.#states.get(from.name) ?? NEW;
    if (held.length + 1 === JOINED) {
      this.#work(from, message, 1, held, done);
      return;
    }
    this.#states.set(from.name, {
      effects: { message, holds: true, joined: [], results: [], before: effects },
      held: [...held, message],
    });
    this.#unparked.set(message, done);
    this.#leave([]);
  }

  /** Some messages have two results; a message that was held is finished with the one that completes it. */
  #work(from: Stream, message: Message, count: number, held: readonly Message[], done: () => void): void {
    const finished = [done, ...held.map((m) => this.#unparked.get(m))];
    for (const m of held) this.#unparked.delete(m);
    const targets = this.#gateway.fedBy(from);
    let open = 1 + targets.length * count;
    const written = (): void => {
      open--;
      if (open === 0) this.#leave(finished);
    };
    const results: Result[] = [];
    for (const out of targets) {
      for (let ordinal = 0; ordinal < count; ordinal++) {
        const value = message.value * 2 + ordinal;
        // A refused result is an error that the task handles: it has finished with it.
        if (out.append(value, message.cause, written)) results.push({ stream: out.stream.name, value });
        else written();
      }
    }
    const before = this.#states.get(from.name)?.effects;
    const effects = { message, holds: false, joined: held, results, before };
    if (this.stateful) this.#states.set(from.name, { effects, held: [] });
    written();
  }

  /** A message has left the task. */
  #leave(finished: readonly ((() => void) | undefined)[]): void {
    this.#working--;
    for (const done of finished) done?.();
    this.#gateway.fragment.changed();
  }
}
