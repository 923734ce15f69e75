/** What is measured at one node instance. Counters live on through redeploys, the rest is of this instance. */
import { performance } from 'node:perf_hooks';
import { ECHO_OUT } from '../../../../src/wire/nodes.ts';
import type { Place } from '../flowIndex.ts';
import type { Lineage } from '../ports.ts';
import type { RedNode } from '../red.ts';
import { TaskQueue } from './TaskQueue.ts';
import { Transit } from './transit.ts';

/** One message in this many has its service time measured. */
const SAMPLE = 64;

type Handler = NonNullable<RedNode['_inputCallback']>;

export class Counters {
  received = 0;
  sent = 0;
  completed = 0;
  errors = 0;
  sampledMs = 0;
  samples = 0;
}

export class Probe {
  readonly node: RedNode;
  readonly place: Place;
  /** The node stands in a tab of ECHO's. */
  echo: boolean;
  readonly counters: Counters;
  /** Sent to it and not completed. */
  inFlight = 0;
  /** Routed to it and not received yet. */
  readonly transit = new Transit();
  /** It was found not to complete what it gets: counts as done when its handler returns. */
  endsEarly = false;
  /** What it holds, where checkpoints keep that. */
  kept: TaskQueue | undefined;
  /** It was told that something it holds cannot be kept. */
  #told = false;
  #forsaken = 0;
  #turns = 0;
  #lastFinishedTurn = 0;
  #lastFinishedAt = 0;
  #sample: { msg: object; start: number } | undefined;
  /** The handler of the node, and what stands in for it. */
  #guarded: Handler | undefined;
  #guard: Handler | undefined;
  /** Completed last. */
  #completed: object | undefined;

  constructor(node: RedNode, place: Place, echo: boolean, counters: Counters, now: number) {
    this.node = node;
    this.place = place;
    this.echo = echo;
    this.counters = counters;
    this.#lastFinishedAt = now;
  }

  /** Sent to it and not completed, but for what it holds and a checkpoint keeps. */
  get busy(): number {
    return this.inFlight - (this.kept?.size ?? 0);
  }

  /** Nothing is at it that a checkpoint waits for. */
  get rests(): boolean {
    this.#forsaken = Math.min(this.#forsaken, Math.max(0, this.busy));
    return this.busy <= this.#forsaken;
  }

  /** Nobody waits for what is at it now: it may never complete. */
  forsake(): void {
    this.#forsaken = Math.max(0, this.busy);
  }

  /** Begins or ends to keep what it holds. */
  set keeps(keeps: boolean) {
    if (keeps) this.kept ??= new TaskQueue();
    else this.kept = undefined;
  }

  /** True when no handler of the node can call `done`. */
  get neverCompletes(): boolean {
    const single = this.node._inputCallback;
    return this.endsEarly || (single ? single.length < 3 : this.node._expectedDoneCount === 0);
  }

  /**
   * `threw` hears of it when the handler throws at the message that arrives now without having completed it: Node-RED only
   * logs that, and `done` will never be called. The handler is stood in for during this one call.
   */
  guard(threw: (probe: Probe, msg: object, error: unknown) => void): void {
    const handler = this.node._inputCallback;
    if (!handler || handler.length < 3 || handler === this.#guard) return;
    if (handler !== this.#guarded) {
      this.#guarded = handler;
      this.#guard = this.#guardOf(handler, threw);
    }
    this.node._inputCallback = this.#guard!;
  }

  #guardOf(handler: Handler, threw: (probe: Probe, msg: object, error: unknown) => void): Handler {
    return (msg, send, done) => {
      this.node._inputCallback = handler;
      this.#completed = undefined;
      try {
        handler.call(this.node, msg, send, done);
      } catch (error) {
        if (this.#completed !== msg) threw(this, msg as object, error);
        throw error;
      }
    };
  }

  nextTurn(): number {
    return ++this.#turns;
  }

  finished(turn: number, now: number): void {
    if (turn > this.#lastFinishedTurn) this.#lastFinishedTurn = turn;
    this.#lastFinishedAt = now;
  }

  /**
   * True when a message that waits here need not be given up: an `echo out` waits for room in its log, and a node
   * that works in order (a rate limit) has its turn still to come.
   */
  excuses(turn: number, since: number): boolean {
    if (this.node.type === ECHO_OUT || this.kept !== undefined) return true;
    return this.#lastFinishedAt > since && this.#lastFinishedTurn < turn;
  }

  /** Returns why what it holds cannot be kept, the first time that it cannot. */
  arrived(msg: object, cause: Lineage | undefined): Error | undefined {
    this.counters.received++;
    if (this.counters.received % SAMPLE === 0) this.#sample = { msg, start: performance.now() };
    const unkept = this.kept?.add(msg, cause);
    if (unkept === undefined || this.#told) return undefined;
    this.#told = true;
    return unkept;
  }

  completed(msg: object): void {
    this.#completed = msg;
    this.kept?.delete(msg);
    this.counters.completed++;
    if (this.inFlight > 0) this.inFlight--;
    if (this.#sample?.msg !== msg) return;
    this.counters.sampledMs += performance.now() - this.#sample.start;
    this.counters.samples++;
    this.#sample = undefined;
  }
}
