/** Deploys, starts, stops and removals as they are asked for: planned, refused or carried out, and told of. */
import type { Logger } from 'pino';
import { isEchoError } from '../../wire/errors.ts';
import type { Events } from '../events.ts';
import type { Store } from '../store/Store.ts';
import type { Deployment, DraftGuard, OrchestratorEvents, Plan, Progress, StandOptions } from '../types.ts';
import type { Deployer } from './Deployer.ts';
import { problemOf } from './look.ts';
import type { Planner, Prepared, Wanted } from './Planner.ts';
import { failureOf, refuseBlocked } from './refusal.ts';
import { givenUp } from './stranded.ts';
import type { Views } from './views.ts';

export interface DeployDeskPorts {
  readonly store: Store;
  readonly planner: Planner;
  readonly deployer: Deployer;
  readonly views: Views;
  readonly events: Events<OrchestratorEvents>;
  readonly draftGuard: () => DraftGuard | undefined;
  readonly log: Logger;
  readonly now: () => number;
}

export type OnProgress = ((progress: Progress) => void) | undefined;

export class DeployDesk {
  readonly #ports: DeployDeskPorts;

  constructor(ports: DeployDeskPorts) {
    this.#ports = ports;
  }

  async deploy(wanted: Wanted, onProgress: OnProgress): Promise<Deployment> {
    const { store, planner, views, events, draftGuard, now } = this.#ports;
    const { id, intake } = planner.read(wanted.input);
    return this.exclusive(id, async () => {
      const begun = now();
      const prepared = await planner.deploy(wanted, intake);
      const { plan, record } = prepared;
      refuseBlocked(plan);
      if (plan.unchanged) {
        const { version } = store.applications.get(id);
        return this.#deployment(record.id, { ...plan, version }, 'unchanged', begun);
      }
      if (wanted.input.options?.overwriteDraft === true) draftGuard()?.discardDraft(id);
      await this.#run(prepared, onProgress);
      const pending = views.pendingOf(id).length > 0;
      const deployment = this.#deployment(record.id, plan, pending ? 'pending-offline' : 'running', begun);
      events.emit('deployed', deployment);
      events.emit('application', id, 'new-version');
      return deployment;
    });
  }

  async stop(id: string, onProgress?: OnProgress, options?: StandOptions): Promise<void> {
    if (this.#ports.store.applications.get(id).state !== 'running') return;
    await this.#stand(id, 'stop', onProgress, options);
    this.#ports.events.emit('application', id, 'stopped');
  }

  async start(id: string, onProgress?: OnProgress): Promise<void> {
    if (this.#ports.store.applications.get(id).state !== 'stopped') return;
    await this.#stand(id, 'start', onProgress);
    this.#ports.events.emit('application', id, 'started');
  }

  async remove(id: string, onProgress?: OnProgress, options?: StandOptions): Promise<void> {
    this.#ports.store.applications.get(id);
    await this.#stand(id, 'remove', onProgress, options);
    this.#ports.events.emit('application', id, 'removed');
  }

  /** Alone with the application. Whatever goes wrong is told as an event too. */
  async exclusive<T>(id: string, work: () => Promise<T>): Promise<T> {
    const { deployer, events } = this.#ports;
    try {
      return await deployer.exclusive(id, work);
    } catch (error) {
      if (isEchoError(error)) events.emit('refused', id, problemOf(error));
      throw error;
    }
  }

  #stand(
    id: string,
    kind: 'start' | 'stop' | 'remove',
    onProgress: OnProgress,
    options?: StandOptions,
  ): Promise<void> {
    return this.exclusive(id, async () => {
      const prepared = await this.#ports.planner.standing(id, kind, options);
      refuseBlocked(prepared.plan);
      await this.#run(prepared, onProgress);
    });
  }

  async #run({ plan, record, draft }: Prepared, onProgress: OnProgress): Promise<void> {
    const { deployer, events } = this.#ports;
    const tell = (progress: Progress): void => {
      onProgress?.(progress);
      events.emit('progress', record.application, progress);
    };
    this.#tellGivenUp(plan, tell);
    const applied = await deployer.run(record, draft, tell);
    const { step } = applied.record;
    if (step === 'undone' || step === 'release') throw failureOf(applied.error, plan);
  }

  /** Declared loss is said where the work is shown, and kept in the log. */
  #tellGivenUp({ application, stranded }: Plan, tell: (progress: Progress) => void): void {
    const { log, now } = this.#ports;
    for (const message of givenUp(stranded)) {
      log.warn({ application }, message);
      tell({ at: new Date(now()).toISOString(), step: 'discard', message });
    }
  }

  #deployment(id: string, plan: Plan, status: Deployment['status'], begun: number): Deployment {
    const { views, now } = this.#ports;
    const { application, version } = plan;
    const pending = views.pendingOf(application);
    return { id, application, version, status, plan, pending, seconds: (now() - begun) / 1000 };
  }
}
