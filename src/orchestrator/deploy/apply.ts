/**
 * Runs one deploy through its steps. Every step is journalled before it acts, may be run again, and a restart runs
 * the same code from where the journal ends.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isEchoError } from '../../wire/errors.ts';
import type { Fleet } from '../gateways/types.ts';
import type { Store } from '../store/Store.ts';
import type { Progress } from '../types.ts';
import { commit, discard } from './commit.ts';
import { each } from './each.ts';
import { deployError } from './errors.ts';
import { type GateOf, Gates } from './gates.ts';
import { ended, next, type Outcome, type Step } from './machine.ts';
import { type Entry, indexById, streamsOf, union } from './nodes.ts';
import type { DeployRecord, Target } from './record.ts';
import { rewrite } from './rewrite.ts';

export interface ApplyPorts {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly log: Logger;
  readonly concurrency: number;
  readonly now: () => number;
  /** Called before each step and around each write; a test stops the world here. */
  readonly fault?: (point: string) => void | Promise<void>;
}

export interface Applied {
  readonly record: DeployRecord;
  /** Why it was undone, or what is left to be repeated. */
  readonly error?: unknown;
}

/** How long a write that was not answered may still be under way in the gateway. */
const LATE_WRITE_MS = 1_000;
/** How often an undo tries a gateway before it is left for when the gateway returns. */
const UNDO_ATTEMPTS = 3;

export class Apply {
  readonly #ports: ApplyPorts;
  readonly #progress: (progress: Progress) => void;
  readonly #gates: Gates;
  /** Gateways whose write was not answered: it may yet take effect. */
  readonly #unsure = new Set<string>();
  #record: DeployRecord;

  constructor(ports: ApplyPorts, record: DeployRecord, progress: (progress: Progress) => void) {
    this.#ports = ports;
    this.#record = record;
    this.#progress = progress;
    this.#gates = new Gates(ports.fleet.control, record.id, ports.concurrency);
  }

  /** Runs until the deploy has ended, or until what is left must wait for a gateway. Never rejects for a gateway. */
  async run(): Promise<Applied> {
    const { store, log } = this.#ports;
    const shape = {
      drains: this.#record.draining.length > 0,
      running: this.#record.targets.some((t) => t.running && !t.offline),
    };
    let error: unknown;
    while (!ended(this.#record.step)) {
      const { step, id, application } = this.#record;
      store.journal.step(this.#record);
      await this.#ports.fault?.(step);
      let outcome: Outcome = 'ok';
      try {
        await this.#act(step);
      } catch (cause) {
        outcome = 'failed';
        error ??= cause;
        const code = isEchoError(cause) ? cause.code : undefined;
        log.warn({ deploy: id, application, step, code, err: cause }, 'deploy step failed');
      }
      const following = next(step, outcome, shape);
      if (following === step) {
        this.#say(step, `To be completed when the gateway is back: ${(error as Error).message}`);
        return { record: this.#record, error };
      }
      this.#record = { ...this.#record, step: following };
    }
    store.transaction(() => {
      if (this.#record.step === 'undone') discard(store, this.#record);
      store.journal.end(this.#record, this.#ports.now());
    });
    return { record: this.#record, ...(error === undefined ? {} : { error }) };
  }

  #act(step: Step): Promise<unknown> | unknown {
    const { targets, bystanders, draining, drainMs, force } = this.#record;
    const online = targets.filter((t) => !t.offline && this.#ports.fleet.has(t.gateway));
    const running = online.filter((t) => t.running);
    const limits = { drainMs, force };
    switch (step) {
      case 'close-sources':
        this.#say(step, 'Sources pause');
        return this.#gates.close([...running, ...bystanders], 'sources');
      case 'drain':
        this.#say(step, `Draining ${count(draining, 'stream')}`);
        return this.#gates.quiet([...running, ...bystanders], 'sources', draining, limits);
      case 'close-all':
        this.#say(step, `Deliveries held on ${count(running, 'gateway')}`);
        return this.#gates.close(running, 'all');
      case 'quiesce':
        return this.#gates.quiet(running, 'all', [], limits);
      case 'seal':
        return this.#gates.close(online, 'all', true);
      case 'write':
        if (online.length > 0) this.#say(step, `Writing ${count(online, 'gateway')}`);
        return each(online, this.#ports.concurrency, (target) => this.#write(target));
      case 'commit':
        return commit(this.#ports.store, this.#record, this.#ports.now());
      case 'open':
        if (online.length > 0) this.#say(step, 'Deliveries go on');
        return this.#open([...online, ...bystanders]);
      case 'retire':
        return this.#retire();
      case 'restore':
        this.#say(step, 'Putting back what stood there before');
        return each(online, this.#ports.concurrency, (target) => this.#restore(target));
      case 'release':
        return this.#release([...online, ...bystanders]);
      default:
        return undefined;
    }
  }

  async #write(target: Target): Promise<void> {
    const { gateway } = target;
    await this.#ports.fault?.(`before write ${gateway}`);
    try {
      await this.#rewrite(target, union(target.before, this.#unsettled(gateway)), target.after, 'forward');
    } catch (error) {
      if (isEchoError(error, 'ECHO_GATEWAY_UNREACHABLE')) this.#unsure.add(gateway);
      throw error;
    }
    await this.#ports.fault?.(`after write ${gateway}`);
    this.#say('write', 'Written', gateway);
  }

  /** A gateway that does not let itself be restored is left for when it returns. */
  async #restore(target: Target): Promise<void> {
    const { store, log, now } = this.#ports;
    const { gateway, before, after } = target;
    const { application, id } = this.#record;
    await this.#ports.fault?.(`before restore ${gateway}`);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#rewrite(target, union(after, before), before, 'back');
        if (this.#unsure.delete(gateway)) {
          await delay(LATE_WRITE_MS);
          await this.#rewrite(target, union(after, before), before, 'back');
        }
        this.#say('restore', `${gateway} is as before`, gateway);
        return;
      } catch (err) {
        if (attempt < UNDO_ATTEMPTS) continue;
        log.warn({ deploy: id, application, gateway, err }, 'undo waits for the gateway');
        const left = store.deployed.pending({ application, gateway })[0];
        const nodes = union(left?.nodes ?? [], after, before);
        store.deployed.putPending({
          ...(left ?? { application, gateway, kind: 'undo', since: now() }),
          deploy: id,
          nodes,
        });
        this.#say('restore', 'Not reachable; the undo waits for its return', gateway);
        return;
      }
    }
  }

  #rewrite(target: Target, mine: readonly Entry[], after: readonly Entry[], direction: 'forward' | 'back') {
    const { store, fleet } = this.#ports;
    const { application, previous, version } = this.#record;
    const row = store.deployed.find(application, target.gateway);
    const old = store.applications.credentials(application, previous);
    const now = store.applications.credentials(application, version);
    return rewrite({
      admin: fleet.admin(target.gateway),
      gateway: target.gateway,
      before: mine,
      after,
      others: othersOn(store, target.gateway, application),
      shared: new Set([...(row?.shared ?? []), ...(direction === 'back' ? target.shared : [])]),
      credentials: direction === 'forward' ? { before: old, after: now } : { before: now, after: old },
      ...(direction === 'back' ? { order: target.order } : {}),
    });
  }

  #unsettled(gateway: string): readonly Entry[] {
    const { application } = this.#record;
    return this.#ports.store.deployed.pending({ application, gateway })[0]?.nodes ?? [];
  }

  /** What a later deploy brought back to a gateway, before this step could reach it, stays. */
  async #retire(): Promise<void> {
    const { fleet, store, concurrency } = this.#ports;
    const known = Object.entries(this.#record.retiring)
      .filter(([gateway]) => fleet.has(gateway))
      .map(([gateway, streams]): [string, string[]] => {
        const used = streamsOf(store.deployed.ofGateway(gateway).flatMap((row) => row.nodes));
        return [gateway, streams.filter((stream) => !used.has(stream))];
      });
    const [online, away] = parted(known, ([gateway]) => fleet.online(gateway));
    const retire = ([gateway, streams]: [string, string[]]) =>
      fleet.control.request(gateway, { method: 'streams.retire', params: { streams } });
    await each(online, concurrency, retire, { goOn: true });
    if (away[0] !== undefined) throw awayError(away[0][0]);
  }

  /** Opens what can be reached; the step is repeated for the others when they return. */
  async #open(gates: readonly GateOf[]): Promise<void> {
    const [online, away] = parted(gates, ({ gateway }) => this.#ports.fleet.online(gateway));
    await this.#gates.open(online);
    if (away[0] !== undefined) throw awayError(away[0].gateway);
  }

  /** A gateway whose undo is pending stays closed: half of the failed version may stand there. */
  async #release(gates: readonly GateOf[]): Promise<void> {
    const { store } = this.#ports;
    const { application } = this.#record;
    discard(store, this.#record);
    const pending = new Set(store.deployed.pending({ application }).map((p) => p.gateway));
    await this.#open(gates.filter(({ gateway }) => !pending.has(gateway)));
  }

  #say(step: Step, message: string, gateway?: string): void {
    const at = new Date(this.#ports.now()).toISOString();
    this.#progress({ at, step, message, ...(gateway === undefined ? {} : { gateway }) });
  }
}

const count = (things: readonly unknown[], word: string): string =>
  `${things.length} ${word}${things.length === 1 ? '' : 's'}`;

const awayError = (gateway: string) =>
  deployError('ECHO_GATEWAY_OFFLINE', { message: `Gateway '${gateway}' is offline.`, where: gateway });

function parted<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const { yes = [], no = [] } = Object.groupBy(items, (item) => (test(item) ? 'yes' : 'no'));
  return [yes, no];
}

/** What other applications have on a gateway, by id. */
export function othersOn(store: Store, gateway: string, application: string): Map<string, Entry> {
  const rows = store.deployed.ofGateway(gateway).filter((row) => row.application !== application);
  return indexById(rows.flatMap((row) => row.nodes));
}
