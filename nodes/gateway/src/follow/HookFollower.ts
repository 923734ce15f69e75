/**
 * Attributes messages to the record that caused them, through Node-RED's message hooks.
 *
 * A message carries its cause under a symbol that clones keep; a node that sends a message of its own making is
 * attributed by the asynchronous context its handler started. The message's own mark is trusted first: a timer that
 * outlives the message it was started by (a rate limit) runs in that message's context for ever.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import type { NodeCounters } from '../../../../src/wire/control.ts';
import { agentError, logLine } from '../errors.ts';
import type { FlowIndex } from '../flowIndex.ts';
import { Members } from '../Members.ts';
import { markCopies } from '../origin.ts';
import type { Followed, Follower, HeldByTask, Lineage, Outcome } from '../ports.ts';
import type { CompleteEvent, ReceiveEvent, Red, RedNode, SendEvent } from '../red.ts';
import { Cause } from './cause.ts';
import { Counters, Probe } from './probe.ts';

const CAUSE = Symbol('echo.cause');
type Marked = { [CAUSE]?: () => Cause };
/** Its `then` is a microtask that costs less than `queueMicrotask`. */
const SETTLED = Promise.resolve();

/** What the gate asks of the follower when it takes a message into custody. */
export interface Custody {
  /**
   * The message is held: its cause stays open until `release`. `arriving`: the node it was stopped in front of; it
   * is then no longer on its way there, and `sent` tells by whom it was sent when it came over a wire.
   */
  hold(msg: object, arriving?: RedNode): { readonly sent: SendEvent | undefined; release(): void };
}

export interface HookFollowerOptions {
  readonly flows: FlowIndex;
  readonly warn: (text: string) => void;
  /** Without a step for this long a message is given up, ms. */
  readonly limitMs: number;
  /** What this node holds is kept by the checkpoints of its fragment. */
  readonly keeps?: (node: RedNode, tab: string) => boolean;
}

export class HookFollower implements Follower, Custody {
  readonly #red: Red;
  readonly #flows: FlowIndex;
  readonly #warn: (text: string) => void;
  readonly #limit: number;
  readonly #keeps: (node: RedNode, tab: string) => boolean;
  readonly #context = new AsyncLocalStorage<Cause>();
  readonly #open = new Members<Cause>();
  readonly #probes = new WeakMap<RedNode, Probe>();
  readonly #current = new Map<string, Probe>();
  readonly #counters = new Map<string, Counters>();
  #ending: { probe: Probe; msg: object; cause: Cause | undefined }[] = [];
  #leaving: { probe: Probe; cause: Cause; error: unknown }[] = [];
  #endsHandled = false;
  readonly #sweep: NodeJS.Timeout;
  readonly #threw = ({ node }: Probe, msg: object, error: unknown): void => {
    this.#onComplete({ msg, error, node: { id: node.id, node } });
  };
  /** Coarse: every step of every message reads it. */
  #clock = performance.now();

  constructor(red: Red, options: HookFollowerOptions) {
    this.#red = red;
    this.#flows = options.flows;
    this.#warn = options.warn;
    this.#limit = options.limitMs;
    this.#keeps = options.keeps ?? (() => false);
    this.#sweep = setInterval(() => {
      this.#clock = performance.now();
      this.#giveUpStuck();
    }, this.#limit / 30).unref();
    this.#flows.onChange(() => this.#afterDeploy());
  }

  /** Registers the hooks; the gate's must have been registered before. */
  install(): void {
    const { hooks } = this.#red;
    hooks.add('onSend.echo-follow', (events) => this.#onSend(events));
    hooks.add('preDeliver.echo-follow', (event) => this.#preDeliver(event));
    hooks.add('onReceive.echo-follow', (event) => this.#onReceive(event));
    hooks.add('onComplete.echo-follow', (event) => this.#onComplete(event));
  }

  stop(): void {
    clearInterval(this.#sweep);
    this.#red.hooks.remove('*.echo-follow');
    this.#endsHandled = false;
  }

  /** Every message pays for a hook: this one is there from when a node is met that does not complete what it gets. */
  #hookHandled(): void {
    this.#endsHandled = true;
    this.#red.hooks.add('postReceive.echo-follow', (event) => this.#postReceive(event));
  }

  follow(lineage: Lineage, emit: () => void, settled: (outcome: Outcome) => void): Followed {
    const cause = new Cause(lineage, this.#clock, (outcome) => {
      this.#open.remove(cause);
      settled(outcome);
    });
    this.#open.add(cause);
    cause.pin();
    try {
      this.#context.run(cause, emit);
    } catch (error) {
      cause.fail(error);
    } finally {
      cause.unpin(this.#clock);
    }
    return cause;
  }

  causeOf(msg: object): Lineage | undefined {
    return ((msg as Marked)[CAUSE]?.() ?? this.#openContext())?.lineage;
  }

  hold(msg: object, arriving?: RedNode): { sent: SendEvent | undefined; release: () => void } {
    const cause = this.#openCause(msg);
    cause?.pin();
    const sent = arriving && this.#probe(arriving).transit.take(msg);
    if (sent !== undefined) {
      const probe = this.#probe(arriving!);
      if (probe.inFlight > 0) probe.inFlight--;
      cause?.leave(probe, this.#clock);
    }
    return { sent, release: () => cause?.unpin(this.#clock) };
  }

  counters(): Record<string, NodeCounters> {
    const all: Record<string, NodeCounters> = {};
    for (const [id, { received, sent, completed, errors, samples, sampledMs }] of this.#counters) {
      const tab = this.#flows.tabOf(id);
      if (tab === undefined || !this.#flows.isEcho(tab)) continue;
      all[id] = { received, sent, completed, errors };
      if (samples > 0) all[id].serviceUs = Math.round((sampledMs / samples) * 1000);
    }
    return all;
  }

  inFlight(tabs: ReadonlySet<string>): { node: string; type: string; count: number }[] {
    const busy = new Map<string, { node: string; type: string; count: number }>();
    for (const { place, node, inFlight } of this.#current.values()) {
      if (inFlight === 0 || !tabs.has(place.tab)) continue;
      const entry = busy.get(place.task);
      if (entry) entry.count += inFlight;
      else {
        const type = this.#flows.typeOf(place.task) ?? node.type;
        busy.set(place.task, { node: place.task, type, count: inFlight });
      }
    }
    return [...busy.values()];
  }

  /** Nothing is on its way through these tabs, but for what tasks hold and checkpoints keep. */
  quiet(tabs: ReadonlySet<string>): boolean {
    const within = ({ place }: Probe) => tabs.has(place.tab);
    if (this.#ending.some(({ probe }) => within(probe))) return false;
    if (this.#leaving.some(({ probe }) => within(probe))) return false;
    for (const probe of this.#current.values()) if (!probe.rests && within(probe)) return false;
    return true;
  }

  /** What is at the nodes of these tabs now is not waited for any more. */
  forsake(tabs: ReadonlySet<string>): void {
    for (const probe of this.#current.values()) if (tabs.has(probe.place.tab)) probe.forsake();
  }

  /** What the tasks of these tabs hold, each in the order in which it came. */
  heldByTasks(tabs: ReadonlySet<string>): HeldByTask[] {
    const probes = [...this.#current.values()].filter(({ place }) => tabs.has(place.tab));
    return probes.flatMap(({ node, kept }) => [...(kept ?? [])].map((held) => ({ ...held, node: node.id })));
  }

  #onSend(events: SendEvent[]): undefined {
    markCopies(events);
    for (const event of events) {
      this.#markWithCause(event.msg);
      const probe = this.#probe(event.source.node);
      if (probe.echo) probe.counters.sent++;
    }
    return undefined;
  }

  #preDeliver(event: SendEvent): undefined {
    const probe = this.#probe(event.destination.node!);
    const cause = this.#openCause(event.msg);
    if (!probe.echo && cause === undefined) return undefined;
    probe.inFlight++;
    probe.transit.push(event);
    cause?.enter(probe, this.#clock);
    return undefined;
  }

  #onReceive({ msg, destination: { node } }: ReceiveEvent): undefined {
    const probe = this.#probe(node);
    if (probe.transit.take(msg) !== undefined) {
      const cause = this.#openCause(msg);
      if (cause) this.#enter(cause);
    } else {
      const cause = this.#markWithCause(msg);
      if (!probe.echo && cause === undefined) return undefined;
      probe.inFlight++;
      if (cause) {
        cause.enter(probe, this.#clock);
        this.#enter(cause);
      }
    }
    const unkept = probe.arrived(msg, this.#openCause(msg)?.lineage);
    if (unkept !== undefined)
      this.#warn(`node ${node.id} (${node.type}) holds what no checkpoint can: ${unkept.message}`);
    if (!this.#endsHandled && probe.neverCompletes) this.#hookHandled();
    probe.guard(this.#threw);
    return undefined;
  }

  #postReceive({ msg, destination: { node } }: ReceiveEvent): undefined {
    const probe = this.#probe(node);
    const cause = this.#openCause(msg);
    if ((!probe.echo && cause === undefined) || !probe.neverCompletes) return undefined;
    // Later in this turn, so that what the handler left to the next microtask or immediate is still attributed.
    if (this.#ending.length === 0) setImmediate(() => setImmediate(() => this.#endHandled()));
    this.#ending.push({ probe, msg, cause });
    return undefined;
  }

  #endHandled(): void {
    const ending = this.#ending;
    this.#ending = [];
    for (const { probe, msg, cause } of ending) {
      probe.completed(msg);
      cause?.leave(probe, this.#clock);
    }
  }

  #onComplete({ msg, error, node: { node } }: CompleteEvent): undefined {
    const probe = this.#probe(node);
    if (error) probe.counters.errors++;
    if (probe.endsEarly) return undefined;
    const cause = this.#openCause(msg);
    if (!probe.echo && cause === undefined) return undefined;
    probe.completed(msg);
    if (cause === undefined) return undefined;
    // Only then do catch and complete nodes receive what belongs to the cause.
    if (this.#leaving.length === 0) void SETTLED.then(this.#leave);
    this.#leaving.push({ probe, cause, error });
    return undefined;
  }

  readonly #leave = (): void => {
    const leaving = this.#leaving;
    this.#leaving = [];
    for (const { probe, cause, error } of leaving) cause.leave(probe, this.#clock, error);
  };

  /** Entering makes a new context even where it is the cause's already. */
  #enter(cause: Cause): void {
    if (this.#context.getStore() !== cause) this.#context.enterWith(cause);
  }

  #openContext(): Cause | undefined {
    const cause = this.#context.getStore();
    return cause?.open ? cause : undefined;
  }

  #openCause(msg: object): Cause | undefined {
    const marked = (msg as Marked)[CAUSE]?.();
    return marked?.open ? marked : this.#openContext();
  }

  #markWithCause(msg: object): Cause | undefined {
    const marked = (msg as Marked)[CAUSE]?.();
    if (marked?.open) return marked;
    const cause = this.#openContext();
    if (cause && Object.isExtensible(msg)) (msg as Marked)[CAUSE] = cause.tag;
    return cause;
  }

  #probe(node: RedNode): Probe {
    const known = this.#probes.get(node);
    if (known) return known;
    const place = this.#flows.place(node);
    let counters = this.#counters.get(node.id);
    if (counters === undefined) {
      counters = new Counters();
      this.#counters.set(node.id, counters);
    }
    const probe = new Probe(node, place, this.#flows.isEcho(place.tab), counters, this.#clock);
    probe.keeps = this.#keeps(node, place.tab);
    this.#probes.set(node, probe);
    this.#current.set(node.id, probe);
    return probe;
  }

  /** After a deploy: drops what is known of stopped instances (what was at them will not complete). */
  #afterDeploy(): void {
    for (const [id, probe] of this.#current) {
      probe.echo = this.#flows.isEcho(probe.place.tab);
      probe.keeps = this.#keeps(probe.node, probe.place.tab);
      if (this.#red.nodes.getNode(id) === probe.node) continue;
      this.#current.delete(id);
    }
    if (this.#endsHandled) this.#red.hooks.remove('postReceive.echo-follow');
    this.#endsHandled = false;
    for (const id of this.#counters.keys()) {
      if (this.#flows.tabOf(id) === undefined && !this.#current.has(id)) this.#counters.delete(id);
    }
  }

  #giveUpStuck(): void {
    const since = this.#clock - this.#limit;
    for (const cause of this.#open) {
      const stuck = cause.stuckAt(since);
      if (stuck.length === 0) continue;
      for (const probe of stuck) this.#distrust(probe);
      cause.giveUp([...new Set(stuck.map((probe) => probe.place.task))]);
    }
  }

  /** From now on a message counts as done at this node when its handler returns. */
  #distrust(probe: Probe): void {
    if (probe.endsEarly) return;
    probe.endsEarly = true;
    probe.inFlight = 0;
    const { node } = probe;
    const name = node.name ? ` "${node.name}"` : '';
    const replaced = this.#current.get(node.id) !== probe;
    const what = replaced ? 'was replaced before it completed a message' : 'did not complete a message';
    const message = `node ${node.id} (${node.type}${name}) ${what} within ${this.#limit} ms`;
    this.#warn(logLine(agentError('ECHO_MESSAGE_UNFOLLOWED', { message, where: node.id })));
  }
}
