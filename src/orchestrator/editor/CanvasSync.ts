/**
 * Keeps canvas and store one truth. The canvas is a draft: a save deploys what changed, application by application;
 * a refusal keeps the draft. A deploy from elsewhere changes the canvas, unless it holds a draft of that application.
 * Deploying and following share one queue, so neither sees the other half done; an event about an own deploy is
 * followed after it, when canvas and store already agree.
 */
import type { Logger } from 'pino';
import type { RawFlow } from '../../flow/types.ts';
import type { ApplicationSummary, DeployAgain, DeployNotice, PlanSummary } from '../../wire/editor.ts';
import type { Credentials, DraftGuard, OrchestratorService } from '../types.ts';
import { replaceUnit, type Unit } from './canvas.ts';
import { DraftDeploy } from './DraftDeploy.ts';
import { DraftState } from './DraftState.ts';
import type { Draft, DraftStore } from './draftStore.ts';
import { applicationSummary } from './notices.ts';
import type { DraftHolder } from './storageModule.ts';

/** In place of Node-RED's user for a save that follows a deploy from elsewhere. */
export const FOLLOWING = Object.freeze({ username: 'echo', permissions: '*' });

/** What the sync needs of the running editor. */
export interface CanvasPort {
  credentials(flows: RawFlow): Credentials;
  /** Changes the canvas of every editor, saved as user `FOLLOWING`; `change` is called again when a user was faster. */
  changeCanvas(change: (flows: RawFlow) => RawFlow): Promise<void>;
  notify(notice: DeployNotice): void;
  /** Applications or their drafts changed: editors fetch them again. */
  changed(): void;
}

export interface CanvasSyncOptions {
  readonly service: OrchestratorService;
  readonly store: DraftStore;
  readonly log: Logger;
}

export class CanvasSync implements DraftGuard, DraftHolder {
  readonly #service: OrchestratorService;
  readonly #log: Logger;
  readonly #state: DraftState;
  readonly #deploys: DraftDeploy;
  #port: CanvasPort | undefined;
  #queue: Promise<void> = Promise.resolve();
  #deployQueued = false;
  #unsubscribe = (): void => {};
  readonly #discarded = new Set<string>();

  constructor({ service, store, log }: CanvasSyncOptions) {
    this.#service = service;
    this.#log = log;
    this.#state = new DraftState(
      store,
      (flow) => this.#port?.credentials(flow) ?? {},
      () => this.#port?.changed(),
    );
    const notify = (notice: DeployNotice) => this.#port?.notify(notice);
    this.#deploys = new DraftDeploy({ service, state: this.#state, log, notify });
  }

  /** Brings the canvas up to the store, then follows it. Called once, when the runtime is up. */
  async start(port: CanvasPort): Promise<void> {
    this.#port = port;
    this.#unsubscribe = this.#service.on('application', (id, change) => {
      if (change === 'new-version' || change === 'removed') void this.#enqueue(() => this.#follow(id));
      else port.changed();
    });
    const known = new Set([...this.#service.applications().map(({ id }) => id), ...this.#state.known()]);
    for (const id of known) await this.#enqueue(() => this.#follow(id));
  }

  /** Resolves when nothing is being deployed or followed any more. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.idle();
    this.#port = undefined;
  }

  async idle(): Promise<void> {
    let seen: Promise<void> | undefined;
    while (seen !== this.#queue) {
      seen = this.#queue;
      await seen;
    }
  }

  draft(): Draft {
    return this.#state.draft;
  }

  async flowsSaved(flows: RawFlow, user: unknown): Promise<void> {
    await this.#state.saveFlows(flows);
    if (user === FOLLOWING) return;
    // Whoever allowed the old draft to be overwritten did not mean this one.
    this.#discarded.clear();
    this.deployDraft();
  }

  credentialsSaved(credentials: Record<string, unknown>): Promise<void> {
    return this.#state.saveCredentials(credentials);
  }

  hasUnsavedDraft(application: string): boolean {
    return this.#isDraft(application, this.#state.units());
  }

  discardDraft(application: string): void {
    this.#discarded.add(application);
  }

  /** Every deployed application, for the editor's sidebar. */
  applications(): ApplicationSummary[] {
    const units = this.#state.units();
    return this.#service
      .applications()
      .map(({ id }) => applicationSummary(this.#service.application(id), this.#isDraft(id, units)));
  }

  /** What a Deploy of this canvas would do; touches nothing. */
  plan(canvas: RawFlow): Promise<PlanSummary[]> {
    return this.#deploys.plan(canvas);
  }

  /** Deploys what differs from the store, soon; a call made before it began is the same deploy. */
  deployDraft({ application, stranded }: DeployAgain = {}): void {
    if (application !== undefined && stranded !== undefined) this.#deploys.answer(application, stranded);
    if (this.#deployQueued) return;
    this.#deployQueued = true;
    void this.#enqueue(async () => {
      this.#deployQueued = false;
      await this.#deploys.deploy();
      this.#port?.changed();
    });
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(work).catch((error: unknown) => {
      this.#log.error(
        { part: 'editor', err: error },
        'the canvas could not be brought in line with the store',
      );
    });
    return this.#queue;
  }

  /** After a deploy or removal from elsewhere: the canvas takes it over, or keeps its draft and says so. */
  async #follow(id: string): Promise<void> {
    const synced = this.#state.synced(id);
    if (!this.#deploys.inStore(id)) {
      if (synced === undefined) return;
      if (!this.hasUnsavedDraft(id)) {
        await this.#port?.changeCanvas((flows) => replaceUnit(flows, synced.tabs, id, []));
      }
      await this.#state.forget(id);
      return;
    }
    const detail = this.#service.application(id);
    if (synced !== undefined && synced.version >= detail.version) return;
    if (synced !== undefined && this.hasUnsavedDraft(id)) {
      const { name, version } = detail;
      this.#port?.notify({ kind: 'diverged', application: id, name, version, tabs: synced.tabs });
      return;
    }
    const tabs = detail.flow.filter((entry) => entry.type === 'tab').map((entry) => entry.id);
    const replaced = [...(synced?.tabs ?? []), ...tabs];
    await this.#port?.changeCanvas((flows) => replaceUnit(flows, replaced, id, detail.flow));
    this.#discarded.delete(id);
    // Ownership first: the fingerprint is of the unit as the canvas now has it.
    await this.#state.agree(id, { version: detail.version, fingerprint: '', tabs });
    const unit = this.#state.units().find((candidate) => candidate.application === id);
    const fingerprint = unit === undefined ? '' : this.#state.fingerprint(unit);
    await this.#state.agree(id, { version: detail.version, fingerprint, tabs });
  }

  #isDraft(application: string, units: readonly Unit[]): boolean {
    if (this.#deploys.running(application) || this.#discarded.has(application)) return false;
    const unit = units.find((candidate) => candidate.application === application);
    return unit !== undefined && this.#state.differs(unit);
  }
}
