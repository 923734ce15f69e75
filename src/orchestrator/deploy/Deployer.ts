/**
 * Runs deploys one after another, finishes or undoes what a crash left, and settles gateways that return.
 *
 * One at a time for all applications: two may share a gateway, a config node, a stream's machine; and a deploy is
 * short. A second one of the same application is refused, since it was planned from a state that is about to change.
 */
import { isEchoError } from '../../wire/errors.ts';
import type { Version } from '../store/applications.ts';
import type { Credentials, Progress } from '../types.ts';
import { type Applied, Apply, type ApplyPorts } from './apply.ts';
import { deployError } from './errors.ts';
import { ended, resume } from './machine.ts';
import type { DeployRecord } from './record.ts';
import { settle } from './settle.ts';

type Say = (progress: Progress) => void;

/** Pause before what could not be completed is tried again. */
const AGAIN_MS = { first: 1_000, most: 60_000 };

export class Deployer {
  readonly #ports: ApplyPorts;
  readonly #busy = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #attempts = 0;
  #closed = false;

  constructor(ports: ApplyPorts) {
    this.#ports = ports;
  }

  busy(application: string): boolean {
    return this.#busy.has(application);
  }

  /** Runs `work` when nothing else is deployed. Throws ECHO_DEPLOY_BUSY when the application is waiting or running. */
  async exclusive<T>(application: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(application)) {
      throw deployError('ECHO_DEPLOY_BUSY', {
        message: `Application '${application}' is being deployed already.`,
        where: application,
      });
    }
    this.#busy.add(application);
    try {
      return await this.#enqueue(work);
    } finally {
      this.#busy.delete(application);
    }
  }

  /** Journals the deploy, with the draft of its version and the epochs it gives out, and runs it; within `exclusive`. */
  async run(
    record: DeployRecord,
    draft: { readonly version: Version; readonly credentials: Credentials } | undefined,
    say: Say,
  ): Promise<Applied> {
    const { store } = this.#ports;
    store.transaction(() => {
      if (draft !== undefined) {
        const { application: id, started } = record;
        const known = store.applications.find(id);
        if (known === undefined) {
          const row = { id, name: record.name, version: 0, state: 'running', created: started } as const;
          store.applications.put({ ...row, updated: started });
        }
        store.applications.draft(draft.version, draft.credentials);
      }
      store.streamEpochs.burn(record.epochs);
      store.journal.begin(record);
    });
    this.#attempts = 0;
    return this.#apply(record, say);
  }

  /** Finishes or undoes every deploy the journal still holds. Called once at start, before anything else runs. */
  recover(): Promise<void> {
    return this.#enqueue(() => this.#leftovers());
  }

  /** A gateway is back: settles what is pending there and what waited for it. Returns the applications touched. */
  returned(gateway: string): Promise<string[]> {
    return this.#enqueue(async () => {
      if (this.#closed) return [];
      const settled = await settle(this.#ports, gateway);
      await this.#leftovers();
      await this.#openForgotten(gateway);
      return settled;
    });
  }

  /** Resolves when no deploy runs or waits. What else is left to be done is done after the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#queue;
  }

  async #leftovers(): Promise<void> {
    for (const record of this.#ports.store.journal.unfinished()) {
      if (this.#closed) return;
      const step = resume(record.step);
      await this.#apply({ ...record, step }, () => {});
    }
  }

  /** Gates of deploys that have ended hold nothing that anyone waits for. */
  async #openForgotten(gateway: string): Promise<void> {
    const { store, fleet, log } = this.#ports;
    if (!fleet.has(gateway)) return;
    const waiting = new Set(store.deployed.pending({ gateway }).map((p) => p.deploy));
    for (const deploy of fleet.get(gateway).heartbeat?.gates ?? []) {
      if (this.#closed || !fleet.online(gateway)) return;
      if (store.journal.open(deploy) || waiting.has(deploy)) continue;
      const params = { deploy, orphans: 'drop' } as const;
      await fleet.control.request(gateway, { method: 'gate.open', params }).catch((err: unknown) => {
        log.warn({ gateway, deploy, err }, 'a forgotten gate could not be opened');
      });
    }
  }

  /** Runs the deploy as far as it gets. */
  async #apply(record: DeployRecord, say: Say): Promise<Applied> {
    const applied = await new Apply(this.#ports, record, say).run();
    const { store, fleet } = this.#ports;
    const left = store.deployed.pending().some((p) => fleet.has(p.gateway) && fleet.online(p.gateway));
    const waits = isEchoError(applied.error, 'ECHO_GATEWAY_OFFLINE');
    if (left || !(ended(applied.record.step) || waits)) this.#tryAgain();
    return applied;
  }

  /** A gateway that could not do its part may be up all the same, and have been slow only: it will not return. */
  #tryAgain(): void {
    if (this.#closed || this.#again !== undefined) return;
    const wait = Math.min(AGAIN_MS.most, AGAIN_MS.first * 2 ** this.#attempts++);
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.#enqueue(() => this.#complete()).catch((err: unknown) => {
        this.#ports.log.error({ err }, 'what a deploy left undone could not be completed');
      });
    }, wait).unref();
  }

  async #complete(): Promise<void> {
    const { store, fleet } = this.#ports;
    const online = [...new Set(store.deployed.pending().map((p) => p.gateway))].filter(
      (gateway) => fleet.has(gateway) && fleet.online(gateway),
    );
    for (const gateway of online) {
      if (this.#closed) return;
      await settle(this.#ports, gateway);
    }
    await this.#leftovers();
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}
