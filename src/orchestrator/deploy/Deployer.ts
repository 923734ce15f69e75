/**
 * Runs deploys one after another, finishes or undoes what a crash left, and settles gateways that return.
 *
 * One at a time for all applications: two may share a gateway, a config node, a stream's machine; and a deploy is
 * short. A second one of the same application is refused, since it was planned from a state that is about to change.
 */
import type { Version } from '../store/applications.ts';
import type { Credentials, Progress } from '../types.ts';
import { type Applied, Apply, type ApplyPorts } from './apply.ts';
import { deployError } from './errors.ts';
import { resume } from './machine.ts';
import type { DeployRecord } from './record.ts';
import { settle } from './settle.ts';

type Say = (progress: Progress) => void;

export class Deployer {
  readonly #ports: ApplyPorts;
  readonly #busy = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();

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
    return new Apply(this.#ports, record, say).run();
  }

  /** Finishes or undoes every deploy the journal still holds. Called once at start, before anything else runs. */
  recover(): Promise<void> {
    return this.#enqueue(() => this.#leftovers());
  }

  /** A gateway is back: settles what is pending there and what waited for it. Returns the applications touched. */
  returned(gateway: string): Promise<string[]> {
    return this.#enqueue(async () => {
      const settled = await settle(this.#ports, gateway);
      await this.#leftovers();
      await this.#openForgotten(gateway);
      return settled;
    });
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    await this.#queue;
  }

  async #leftovers(): Promise<void> {
    for (const record of this.#ports.store.journal.unfinished()) {
      const step = resume(record.step);
      await new Apply(this.#ports, { ...record, step }, () => {}).run();
    }
  }

  /** Gates of deploys that have ended hold nothing that anyone waits for. */
  async #openForgotten(gateway: string): Promise<void> {
    const { store, fleet, log } = this.#ports;
    if (!fleet.has(gateway)) return;
    const waiting = new Set(store.deployed.pending({ gateway }).map((p) => p.deploy));
    for (const deploy of fleet.get(gateway).heartbeat?.gates ?? []) {
      if (store.journal.open(deploy) || waiting.has(deploy)) continue;
      const params = { deploy, orphans: 'drop' } as const;
      await fleet.control.request(gateway, { method: 'gate.open', params }).catch((err: unknown) => {
        log.warn({ gateway, deploy, err }, 'a forgotten gate could not be opened');
      });
    }
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}
