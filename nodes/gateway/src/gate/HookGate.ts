/**
 * Holds and releases deliveries around a deploy, through Node-RED's message hooks: for whole tabs when told to, and,
 * in any deploy, for nodes that are just being replaced.
 *
 * Messages are stopped in `preRoute` (later, a node that is being replaced would swallow them) and in `onReceive`
 * (buttons, link call, catch and status nodes call `receive` directly, and some are already on their way). What is
 * held is delivered in the order it was sent, to the node instances that stand there when the gate opens.
 */
import type { GateOpened, GateStatus, StreamStatus } from '../../../../src/wire/control.ts';
import { agentError, logLine } from '../errors.ts';
import type { FlowIndex, Place } from '../flowIndex.ts';
import { originOf, singleOrigin } from '../origin.ts';
import type { Follower, Gate } from '../ports.ts';
import type { ReceiveEvent, Red, RedNode, SendEvent } from '../red.ts';
import { type Claims, close, expired, type Level, levels, nextExpiry, open } from './claims.ts';
import { readClaims, writeClaims } from './claimsFile.ts';
import { type Held, HeldQueue } from './held.ts';
import { sortHeld } from './routing.ts';

/**
 * Deliveries per event-loop turn when a gate opens: at least so many, and a part of what waits. What sources send
 * meanwhile waits behind it, and must not come faster than this goes.
 */
const BATCH = 128;
const BATCHES = 8;
/** Messages of sources that are held at most; streams are bounded by their credit. */
const MOST_HELD = 100_000;

export interface HookGateOptions {
  readonly flows: FlowIndex;
  /** File the claims are kept in. */
  readonly file: string;
  readonly follower: Pick<Follower, 'causeOf' | 'inFlight'> & {
    hold(msg: object, arriving?: RedNode): { readonly sent: SendEvent | undefined; release(): void };
  };
  readonly streams: () => StreamStatus[];
  readonly warn: (text: string) => void;
  /** Instead of `MOST_HELD`. */
  readonly mostHeld?: number;
}

export class HookGate implements Gate {
  readonly #red: Red;
  readonly #options: HookGateOptions;
  #claims: Claims;
  #levels: Map<string, Level>;
  /** Tabs held for a moment, by who holds them. */
  readonly #pauses = new Map<string, ReadonlySet<string>>();
  readonly #queues = new Map<string, HeldQueue>();
  /** Held for a node that is gone, until a later opening finds a way for them. */
  readonly #kept = new Map<string, readonly Held[]>();
  /** Messages of sources dropped since each tab was closed: more than may be held. */
  readonly #refused = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #lease: NodeJS.Timeout | undefined;
  #installed = false;
  #routing = false;

  constructor(red: Red, options: HookGateOptions) {
    this.#red = red;
    this.#options = options;
    this.#claims = readClaims(options.file);
    this.#levels = levels(this.#claims);
    this.#armLease();
    options.flows.onChange(() => {
      this.#hookRoutes();
      if (options.flows.running) this.#releaseStarted();
    });
  }

  /** Registers the hooks; before those of the follower. */
  install(): void {
    this.#installed = true;
    this.#hookRoutes();
    this.#red.hooks.add('onReceive.echo-gate', (event) => this.#onReceive(event));
  }

  stop(): void {
    clearTimeout(this.#lease);
    this.#installed = false;
    this.#routing = false;
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
    const claimed = levels(this.#claims);
    for (const tab of claim.tabs) {
      if (claimed.has(tab)) continue;
      // Where a pause holds the tab, what is sorted now is let in at its end.
      this.#sort(tab, orphans, total);
      setImmediate(() => this.#deliver(tab, BATCH));
    }
    this.#warnDropped(total);
    return total;
  }

  /** Holds what sources and other tabs send into these tabs for a moment, in memory alone, until `resume`. */
  pause(holder: string, tabs: ReadonlySet<string>): void {
    this.#pauses.set(holder, tabs);
    this.#refreshLevels();
  }

  resume(holder: string): void {
    const tabs = this.#pauses.get(holder) ?? new Set<string>();
    this.#pauses.delete(holder);
    this.#refreshLevels();
    for (const tab of tabs) {
      if (this.#levels.has(tab) || !this.#queues.has(tab)) continue;
      const total = { delivered: 0, rerouted: 0, dropped: 0 };
      this.#sort(tab, 'keep', total);
      setImmediate(() => this.#deliver(tab, BATCH));
    }
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

  /** Every message pays for a hook: that of routes is there only while something may have to be held. */
  #hookRoutes(): void {
    const needed = this.#levels.size > 0 || this.#queues.size > 0 || !this.#options.flows.running;
    if (!this.#installed || needed === this.#routing) return;
    this.#routing = needed;
    if (needed) this.#red.hooks.add('preRoute.echo-gate', (event) => this.#preRoute(event));
    else this.#red.hooks.remove('preRoute.echo-gate');
  }

  #preRoute(event: SendEvent): undefined | false {
    const { flows, follower } = this.#options;
    const source = flows.place(event.source.node);
    const destination = event.destination.id;
    const tab = flows.tabOf(destination) ?? source.tab;
    if (!this.#holds(event, tab, source)) return undefined;
    const msg = event.cloneMessage ? this.#red.util.cloneMessage(event.msg) : event.msg;
    const { release } = follower.hold(msg);
    const origin = { source: this.#sender(event), ...(originOf(event) ?? singleOrigin(event.msg)) };
    this.#hold(tab, { msg, destination, routed: true, ...origin, release });
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
        return !flows.running && this.#isStopped(event, tab, source);
    }
  }

  /** A deploy, ours or anyone's, has stopped the node and not yet started its successor: Node-RED would drop it. */
  #isStopped({ msg, destination: { id } }: SendEvent, tab: string, source: Place): boolean {
    const { flows } = this.#options;
    const configured = flows.tabOf(id) ?? flows.tabOf(source.task);
    return configured !== undefined && this.#keeps(msg, tab) && !this.#red.nodes.getNode(id);
  }

  /** What a stream carries is kept in any tab, and in those of an application everything. */
  #keeps(msg: object, tab: string): boolean {
    const { flows, follower } = this.#options;
    return flows.isEcho(tab) || follower.causeOf(msg) !== undefined;
  }

  #onReceive({ msg, destination: { id, node } }: ReceiveEvent): undefined | false {
    const { flows, follower } = this.#options;
    if (this.#levels.size === 0 && flows.running) return undefined;
    const { tab } = flows.place(node);
    const stopped = !flows.running && this.#keeps(msg, tab) && this.#red.nodes.getNode(id) !== node;
    if (this.#levels.get(tab) !== 'all' && !stopped) return undefined;
    const { sent, release } = follower.hold(msg, node);
    const origin = (sent && originOf(sent)) ?? singleOrigin(msg);
    const source = sent === undefined ? {} : { source: this.#sender(sent) };
    this.#hold(tab, { msg, destination: id, routed: false, ...origin, ...source, release });
    return false;
  }

  #hold(tab: string, held: Held): void {
    const total = [...this.#queues.values()].reduce((sum, { size }) => sum + size, 0);
    if (total >= (this.#options.mostHeld ?? MOST_HELD) && !this.#options.follower.causeOf(held.msg)) {
      const before = this.#refused.get(tab) ?? 0;
      if (before === 0)
        this.#options.warn(logLine(agentError('ECHO_GATE_FULL', { message: `${total} messages are held` })));
      this.#refused.set(tab, before + 1);
      held.release();
    } else if (held.routed || held.source === undefined) this.#queue(tab).push(held);
    else this.#queue(tab).pushBeforeRouted(held);
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
    const message = `${dropped} messages for tasks that are no longer here, or more than could be held`;
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
    const sorted = sortHeld(waiting, orphans, {
      typeOf: (id) => this.#red.nodes.getNode(id)?.type,
      outFor: (...at) => this.#options.flows.outFor(...at),
    });
    this.#kept.delete(tab);
    this.#queues.delete(tab);
    if (sorted.kept.length > 0) this.#kept.set(tab, sorted.kept);
    for (const held of sorted.deliver) this.#queue(tab).push(held);
    total.delivered += sorted.delivered;
    total.rerouted += sorted.rerouted;
    total.dropped += sorted.dropped + (this.#refused.get(tab) ?? 0);
    this.#refused.delete(tab);
    this.#hookRoutes();
  }

  /**
   * Delivers up to `limit` of what a tab that is open again has waiting; the rest in the next turns. While a deploy has
   * stopped nodes it waits: their successors get it.
   */
  #deliver(tab: string, limit: number): void {
    const queue = this.#queues.get(tab);
    if (queue === undefined || this.#levels.has(tab) || !this.#options.flows.running) return;
    for (let left = limit; left > 0; left--) {
      const held = queue.shift();
      if (held === undefined) {
        this.#queues.delete(tab);
        this.#hookRoutes();
        return;
      }
      try {
        this.#red.nodes.getNode(held.destination)?.receive(held.msg);
      } finally {
        held.release();
      }
    }
    setImmediate(() => this.#deliver(tab, Math.max(BATCH, Math.ceil(queue.size / BATCHES))));
  }

  #change(claims: Claims): void {
    this.#claims = claims;
    this.#refreshLevels();
    writeClaims(this.#options.file, claims);
    this.#armLease();
    for (const listener of this.#listeners) listener();
  }

  #refreshLevels(): void {
    this.#levels = levels(this.#claims);
    for (const tabs of this.#pauses.values())
      for (const tab of tabs) if (!this.#levels.has(tab)) this.#levels.set(tab, 'sources');
    this.#hookRoutes();
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
