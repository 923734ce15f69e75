/**
 * Holds and releases deliveries around a deploy, through Node-RED's message hooks: for whole tabs when told to, and,
 * in any deploy, for nodes that are just being replaced.
 *
 * Messages are stopped in `preRoute` (later, a node that is being replaced would swallow them) and in `onReceive`
 * (buttons, link call, catch and status nodes call `receive` directly, and some are already on their way). What is
 * held is delivered in the order it was sent, to the node instances that stand there when the gate opens.
 */
import type { GateOpened, GateStatus, StreamStatus } from '../../../../src/wire/control.ts';
import { ECHO_OUT } from '../../../../src/wire/nodes.ts';
import { agentError, logLine } from '../errors.ts';
import type { FlowIndex, Place } from '../flowIndex.ts';
import type { Follower, Gate } from '../ports.ts';
import type { ReceiveEvent, Red, RedNode, SendEvent } from '../red.ts';
import { type Claims, close, expired, type Level, levels, nextExpiry, open } from './claims.ts';
import { readClaims, writeClaims } from './claimsFile.ts';
import { type Held, HeldQueue } from './held.ts';

/** Deliveries per event-loop turn when a gate opens. */
const BATCH = 128;

export interface HookGateOptions {
  readonly flows: FlowIndex;
  /** File the claims are kept in. */
  readonly file: string;
  readonly follower: Pick<Follower, 'inFlight'> & {
    hold(msg: object, arriving?: RedNode): { readonly sent: SendEvent | undefined; release(): void };
  };
  readonly streams: () => StreamStatus[];
  readonly warn: (text: string) => void;
}

type Route = { readonly to: string } | 'twice' | 'orphan';

export class HookGate implements Gate {
  readonly #red: Red;
  readonly #options: HookGateOptions;
  #claims: Claims;
  #levels: Map<string, Level>;
  readonly #queues = new Map<string, HeldQueue>();
  /** Held for a node that is gone, until a later opening finds a way for them. */
  readonly #kept = new Map<string, Held[]>();
  readonly #listeners = new Set<() => void>();
  #lease: NodeJS.Timeout | undefined;
  #call = 0;

  constructor(red: Red, options: HookGateOptions) {
    this.#red = red;
    this.#options = options;
    this.#claims = readClaims(options.file);
    this.#levels = levels(this.#claims);
    this.#armLease();
    options.flows.onChange(() => {
      if (options.flows.running) this.#releaseStarted();
    });
  }

  /** Registers the hooks; before those of the follower. */
  install(): void {
    const { hooks } = this.#red;
    // Node-RED waits for a hook that does not declare exactly one parameter.
    hooks.add('onSend.echo-gate', (_events) => {
      this.#call++;
      return undefined;
    });
    hooks.add('preRoute.echo-gate', (event) => this.#preRoute(event));
    hooks.add('onReceive.echo-gate', (event) => this.#onReceive(event));
  }

  stop(): void {
    clearTimeout(this.#lease);
    this.#red.hooks.remove('*.echo-gate');
  }

  close(
    deploy: string,
    options: { tabs: string[]; level: Level; leaseMs: number; sealed: boolean },
  ): GateStatus {
    for (const tab of options.tabs) this.#deliver(tab, Number.POSITIVE_INFINITY);
    const { leaseMs, ...wanted } = options;
    this.#change(close(this.#claims, { deploy, ...wanted, expires: Date.now() + leaseMs }));
    return this.status(deploy);
  }

  status(deploy: string): GateStatus {
    const claim = this.#claims.get(deploy);
    const tabs = claim?.tabs ?? [];
    const busy = this.#options.follower.inFlight(new Set(tabs));
    return {
      deploy,
      level: claim?.level ?? 'open',
      inFlight: busy.reduce((sum, { count }) => sum + count, 0),
      busy,
      held: tabs.reduce((sum, tab) => sum + (this.#queues.get(tab)?.size ?? 0), 0),
      streams: this.#options.streams(),
    };
  }

  open(deploy: string, orphans: 'keep' | 'drop'): GateOpened {
    const claim = this.#claims.get(deploy);
    const total = { delivered: 0, rerouted: 0, dropped: 0 };
    if (claim === undefined) return total;
    this.#change(open(this.#claims, deploy));
    for (const tab of claim.tabs) {
      if (this.#levels.has(tab)) continue;
      this.#sort(tab, orphans, total);
      setImmediate(() => this.#deliver(tab, BATCH));
    }
    this.#warnDropped(total);
    return total;
  }

  openDeploys(): string[] {
    return [...this.#claims.keys()];
  }

  holdsIncoming(tab: string): boolean {
    return this.#levels.get(tab) === 'all';
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #preRoute(event: SendEvent): undefined | false {
    const { flows, follower } = this.#options;
    if (this.#levels.size === 0 && this.#queues.size === 0 && flows.running) return undefined;
    const source = flows.place(event.source.node);
    const destination = event.destination.id;
    const tab = flows.tabOf(destination) ?? source.tab;
    if (!this.#holds(event, tab, source)) return undefined;
    const msg = event.cloneMessage ? this.#red.util.cloneMessage(event.msg) : event.msg;
    const { release } = follower.hold(msg);
    const origin = { source: this.#sender(event), original: event.msg, call: this.#call };
    this.#queue(tab).push({ msg, destination, routed: true, ...origin, release });
    return false;
  }

  #holds(event: SendEvent, tab: string, source: Place): boolean {
    const { flows } = this.#options;
    const destination = event.destination.id;
    switch (this.#levels.get(tab)) {
      case 'all':
        return true;
      case 'sources':
        return !this.#levels.has(source.tab) || flows.isSource(event.source.node);
      case undefined:
        if (this.#queues.get(tab)?.waitingFor(destination)) return true;
        return !flows.running && this.#isStopped(destination, tab, source);
    }
  }

  /** A deploy, ours or anyone's, has stopped the node and not yet started its successor: Node-RED would drop it. */
  #isStopped(destination: string, tab: string, source: Place): boolean {
    const { flows } = this.#options;
    const configured = flows.tabOf(destination) ?? flows.tabOf(source.task);
    return configured !== undefined && flows.isEcho(tab) && !this.#red.nodes.getNode(destination);
  }

  #onReceive({ msg, destination: { id, node } }: ReceiveEvent): undefined | false {
    const { flows, follower } = this.#options;
    if (this.#levels.size === 0 && flows.running) return undefined;
    const { tab } = flows.place(node);
    const stopped = !flows.running && flows.isEcho(tab) && this.#red.nodes.getNode(id) !== node;
    if (this.#levels.get(tab) !== 'all' && !stopped) return undefined;
    const { sent, release } = follower.hold(msg, node);
    const held = { msg, destination: id, routed: false, original: msg, call: this.#call, release };
    if (sent === undefined) this.#queue(tab).push(held);
    else this.#queue(tab).pushBeforeRouted({ ...held, source: this.#sender(sent) });
    return false;
  }

  /** After any deploy: gives what was held for nodes that were being replaced to their successors. */
  #releaseStarted(): void {
    const total = { delivered: 0, rerouted: 0, dropped: 0 };
    for (const tab of [...this.#queues.keys()]) {
      if (this.#levels.has(tab)) continue;
      this.#sort(tab, 'drop', total);
      this.#deliver(tab, BATCH);
    }
    this.#warnDropped(total);
  }

  #warnDropped({ dropped }: GateOpened): void {
    if (dropped === 0) return;
    const message = `${dropped} held messages were for tasks that are no longer here and are fed by no stream`;
    this.#options.warn(logLine(agentError('ECHO_HELD_DROPPED', { message })));
  }

  #sender({ source }: SendEvent): NonNullable<Held['source']> {
    const { task } = this.#options.flows.place(source.node);
    return { task, port: task === source.id ? source.port : undefined };
  }

  #queue(tab: string): HeldQueue {
    let queue = this.#queues.get(tab);
    if (queue === undefined) {
      queue = new HeldQueue();
      this.#queues.set(tab, queue);
    }
    return queue;
  }

  /** Decides, in order, where each held message goes now that the nodes are the new ones. */
  #sort(tab: string, orphans: 'keep' | 'drop', total: GateOpened): void {
    const waiting = [...(this.#kept.get(tab) ?? []), ...(this.#queues.get(tab) ?? [])];
    this.#kept.delete(tab);
    this.#queues.delete(tab);
    const carried = new Map<object, Set<string>>();
    for (const held of waiting) {
      const route = this.#route(held, carried);
      if (typeof route === 'object') {
        if (route.to === held.destination) total.delivered++;
        else total.rerouted++;
        this.#queue(tab).push({ ...held, destination: route.to });
      } else if (route === 'orphan' && orphans === 'keep') {
        this.#kept.set(tab, [...(this.#kept.get(tab) ?? []), held]);
      } else {
        if (route === 'orphan') total.dropped++;
        held.release();
      }
    }
  }

  /** `carried`: which streams already carry a message, so that a fanned-out one enters each stream once. */
  #route(held: Held, carried: Map<object, Set<string>>): Route {
    const { destination, source, original, call } = held;
    const node = this.#red.nodes.getNode(destination);
    if (node && node.type !== ECHO_OUT) return { to: destination };
    const to = node
      ? destination
      : source && this.#options.flows.outFor(source.task, source.port, destination)?.id;
    if (to === undefined || !this.#red.nodes.getNode(to)) return 'orphan';
    const streams = carried.get(original) ?? new Set();
    if (streams.has(`${call}>${to}`)) return 'twice';
    carried.set(original, streams.add(`${call}>${to}`));
    return { to };
  }

  /** Delivers up to `limit` of what a tab that is open again has waiting; the rest in the next turns. */
  #deliver(tab: string, limit: number): void {
    const queue = this.#queues.get(tab);
    if (queue === undefined || this.#levels.has(tab)) return;
    for (let left = limit; left > 0; left--) {
      const held = queue.shift();
      if (held === undefined) {
        this.#queues.delete(tab);
        return;
      }
      try {
        this.#red.nodes.getNode(held.destination)?.receive(held.msg);
      } finally {
        held.release();
      }
    }
    setImmediate(() => this.#deliver(tab, BATCH));
  }

  #change(claims: Claims): void {
    this.#claims = claims;
    this.#levels = levels(claims);
    writeClaims(this.#options.file, claims);
    this.#armLease();
    for (const listener of this.#listeners) listener();
  }

  #armLease(): void {
    clearTimeout(this.#lease);
    const next = nextExpiry(this.#claims);
    if (next === undefined) return;
    this.#lease = setTimeout(() => this.#endLeases(), Math.max(0, next - Date.now()));
    this.#lease.unref();
  }

  #endLeases(): void {
    if (!this.#options.flows.running) {
      this.#lease = setTimeout(() => this.#endLeases(), 100).unref();
      return;
    }
    for (const deploy of expired(this.#claims, Date.now())) {
      const message = `deploy ${deploy} did not renew its hold on this gateway`;
      this.#options.warn(logLine(agentError('ECHO_GATE_LEASE_ENDED', { message })));
      this.open(deploy, 'keep');
    }
    this.#armLease();
  }
}
