/** What is measured at one node instance. Counters live on through redeploys, the rest is of this instance. */
import { performance } from 'node:perf_hooks';
import { ECHO_OUT } from '../../../../src/wire/nodes.ts';
import type { Place } from '../flowIndex.ts';
import type { RedNode } from '../red.ts';
import { Transit } from './transit.ts';

/** One message in this many has its service time measured. */
const SAMPLE = 64;

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
  #turns = 0;
  #lastFinishedTurn = 0;
  #lastFinishedAt = 0;
  #sample: { msg: object; start: number } | undefined;

  constructor(node: RedNode, place: Place, echo: boolean, counters: Counters, now: number) {
    this.node = node;
    this.place = place;
    this.echo = echo;
    this.counters = counters;
    this.#lastFinishedAt = now;
  }

  /** True when no handler of the node can call `done`. */
  get neverCompletes(): boolean {
    const single = this.node._inputCallback;
    return this.endsEarly || (single ? single.length < 3 : this.node._expectedDoneCount === 0);
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
    if (this.node.type === ECHO_OUT) return true;
    return this.#lastFinishedAt > since && this.#lastFinishedTurn < turn;
  }

  arrived(msg: object): void {
    this.counters.received++;
    if (this.counters.received % SAMPLE === 0) this.#sample = { msg, start: performance.now() };
  }

  completed(msg: object): void {
    this.counters.completed++;
    if (this.inFlight > 0) this.inFlight--;
    if (this.#sample?.msg !== msg) return;
    this.counters.sampledMs += performance.now() - this.#sample.start;
    this.counters.samples++;
    this.#sample = undefined;
  }
}
