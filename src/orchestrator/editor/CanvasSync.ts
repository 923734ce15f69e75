/**
 * Keeps canvas and store one truth. The canvas is a draft: a save deploys what changed, application by application;
 * a refusal keeps the draft. A deploy from elsewhere changes the canvas, unless it holds a draft of that application.
 * Deploying and following share one queue, so neither sees the other half done; an event about an own deploy is
 * followed after it, when canvas and store already agree.
 */
import type { Logger } from 'pino';
import type { RawFlow } from '../../flow/types.ts';
import type { ApplicationSummary, DeployNotice, PlanSummary } from '../../wire/editor.ts';
import type { Credentials, DraftGuard, OrchestratorService } from '../types.ts';
import { fingerprint, identities, replaceUnit, type Unit, unitsOf, withApp } from './canvas.ts';
import { type Draft, type DraftStore, EMPTY_DRAFT, type Synced } from './draftStore.ts';
import { aboutOf, applicationSummary, planSummary, problemOf, summaryOf } from './notices.ts';
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
  readonly #store: DraftStore;
  readonly #log: Logger;
  #draft: Draft;
  #port: CanvasPort | undefined;
  #queue: Promise<void> = Promise.resolve();
  #deployQueued = false;
  #unsubscribe = (): void => {};
  /** Being deployed from the canvas now: what differs is on its way, not a draft. */
  readonly #deploying = new Set<string>();
  readonly #discarded = new Set<string>();

  constructor(options: CanvasSyncOptions) {
    this.#service = options.service;
    this.#store = options.store;
    this.#log = options.log;
    this.#draft = options.store.load() ?? EMPTY_DRAFT;
  }

  /** Brings the canvas up to the store, then follows it. Called once, when the runtime is up. */
  async start(port: CanvasPort): Promise<void> {
    this.#port = port;
    this.#unsubscribe = this.#service.on('application', (id, change) => {
      if (change === 'new-version' || change === 'removed') void this.#enqueue(() => this.#follow(id));
      else port.changed();
    });
    const known = new Set([
      ...this.#service.applications().map(({ id }) => id),
      ...Object.keys(this.#draft.synced),
    ]);
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
    return this.#draft;
  }

  async flowsSaved(flows: RawFlow, user: unknown): Promise<void> {
    this.#mark(flows);
    this.#draft = { ...this.#draft, flows: structuredClone(flows) as RawFlow };
    await this.#store.save(this.#draft);
    if (user === FOLLOWING) return;
    // Whoever allowed the old draft to be overwritten did not mean this one.
    this.#discarded.clear();
    this.deployDraft();
  }

  async credentialsSaved(credentials: Record<string, unknown>): Promise<void> {
    this.#draft = { ...this.#draft, credentials };
    await this.#store.save(this.#draft);
  }

  hasUnsavedDraft(application: string): boolean {
    return this.#isDraft(application, this.#units());
  }

  discardDraft(application: string): void {
    this.#discarded.add(application);
  }

  /** Every deployed application, for the editor's sidebar. */
  applications(): ApplicationSummary[] {
    const units = this.#units();
    return this.#service
      .applications()
      .map(({ id }) => applicationSummary(this.#service.application(id), this.#isDraft(id, units)));
  }

  /** What a Deploy of this canvas would do; touches nothing. */
  async plan(canvas: RawFlow): Promise<PlanSummary[]> {
    const units = unitsOf(canvas, this.#draft.synced);
    const plans: PlanSummary[] = this.#gone(units).map((id) => ({ ...this.#aboutGone(id), kind: 'remove' }));
    for (const unit of units) {
      if (!this.#changed(unit)) continue;
      try {
        plans.push(planSummary(unit, await this.#service.plan(this.#input(unit))));
      } catch (error) {
        plans.push({ ...aboutOf(unit), kind: 'refused', problem: problemOf(error, unit.flow) });
      }
    }
    return plans;
  }

  /** Every tab carries the id of its application, as the caller's own array is what Node-RED makes the revision of. */
  #mark(flows: RawFlow): void {
    const owner = identities(flows, this.#draft.synced);
    flows.forEach((entry, at) => {
      if (entry.type === 'tab') (flows as RawFlow[number][])[at] = withApp(entry, owner.get(entry.id));
    });
  }

  /** Deploys what differs from the store, soon; a call made before it began is the same deploy. */
  deployDraft(): void {
    if (this.#deployQueued) return;
    this.#deployQueued = true;
    void this.#enqueue(async () => {
      this.#deployQueued = false;
      await this.#deployChanged();
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

  async #deployChanged(): Promise<void> {
    const units = this.#units();
    const absorbed = new Set(this.#gone(units));
    for (const unit of units) {
      if (!this.#changed(unit)) continue;
      const swallows = [...absorbed].filter((id) => this.#shares(id, unit));
      if (swallows.length > 0 && !(await this.#wouldDeploy(unit))) {
        for (const id of swallows) absorbed.delete(id);
        continue;
      }
      for (const id of swallows) {
        absorbed.delete(id);
        await this.#remove(id);
      }
      await this.#deploy(unit);
    }
    for (const id of absorbed) await this.#remove(id);
    this.#port?.changed();
  }

  async #deploy(unit: Unit): Promise<void> {
    const about = aboutOf(unit);
    const mark = this.#fingerprint(unit);
    this.#port?.notify({ ...about, kind: 'started' });
    if (unit.application !== undefined) this.#deploying.add(unit.application);
    try {
      const deployment = await this.#service.deploy(this.#input(unit), ({ step, gateway, message }) => {
        this.#port?.notify({
          ...about,
          kind: 'progress',
          step,
          message,
          ...(gateway === undefined ? {} : { gateway }),
        });
      });
      await this.#agree(deployment.application, {
        version: deployment.version,
        fingerprint: mark,
        tabs: unit.tabs,
      });
      this.#port?.notify(summaryOf(unit, deployment));
    } catch (error) {
      this.#refused(unit, error);
    } finally {
      if (unit.application !== undefined) this.#deploying.delete(unit.application);
    }
  }

  /** Tabs of an application were tied to another's: that one is planned before the first is taken off. */
  async #wouldDeploy(unit: Unit): Promise<boolean> {
    try {
      const { blockers } = await this.#service.plan(this.#input(unit));
      const blocker = blockers[0];
      if (blocker === undefined) return true;
      this.#port?.notify({ ...aboutOf(unit), kind: 'refused', problem: blocker });
    } catch (error) {
      this.#refused(unit, error);
    }
    return false;
  }

  #refused(unit: Unit, error: unknown): void {
    const problem = problemOf(error, unit.flow);
    this.#log.warn(
      { part: 'editor', code: problem.code, application: unit.application },
      `deploy of “${unit.name}” refused: ${problem.message}`,
    );
    this.#port?.notify({ ...aboutOf(unit), kind: 'refused', problem });
  }

  async #remove(id: string): Promise<void> {
    const about = this.#aboutGone(id);
    try {
      if (this.#inStore(id)) await this.#service.remove(id);
      await this.#forget(id);
      this.#port?.notify({ ...about, kind: 'removed' });
    } catch (error) {
      this.#port?.notify({ ...about, kind: 'refused', problem: problemOf(error, []) });
    }
  }

  /** After a deploy or removal from elsewhere: the canvas takes it over, or keeps its draft and says so. */
  async #follow(id: string): Promise<void> {
    const synced = this.#draft.synced[id];
    if (!this.#inStore(id)) {
      if (synced === undefined) return;
      if (!this.hasUnsavedDraft(id)) {
        await this.#port?.changeCanvas((flows) => replaceUnit(flows, synced.tabs, id, []));
      }
      await this.#forget(id);
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
    await this.#agree(id, { version: detail.version, fingerprint: '', tabs });
    const unit = this.#units().find((candidate) => candidate.application === id);
    const mark = unit === undefined ? '' : this.#fingerprint(unit);
    await this.#agree(id, { version: detail.version, fingerprint: mark, tabs });
  }

  async #agree(id: string, synced: Synced): Promise<void> {
    this.#draft = { ...this.#draft, synced: { ...this.#draft.synced, [id]: synced } };
    await this.#store.save(this.#draft);
    this.#port?.changed();
  }

  async #forget(id: string): Promise<void> {
    const { [id]: _, ...rest } = this.#draft.synced;
    this.#draft = { ...this.#draft, synced: rest };
    await this.#store.save(this.#draft);
    this.#port?.changed();
  }

  #isDraft(application: string, units: readonly Unit[]): boolean {
    if (this.#deploying.has(application) || this.#discarded.has(application)) return false;
    const unit = units.find((candidate) => candidate.application === application);
    return unit !== undefined && this.#changed(unit);
  }

  #units(): Unit[] {
    return unitsOf(this.#draft.flows, this.#draft.synced);
  }

  #fingerprint(unit: Unit): string {
    return fingerprint(unit.flow, this.#port?.credentials(unit.flow) ?? {});
  }

  #changed(unit: Unit): boolean {
    return (
      unit.application === undefined ||
      this.#draft.synced[unit.application]?.fingerprint !== this.#fingerprint(unit)
    );
  }

  /** Applications whose last task left the canvas. */
  #gone(units: readonly Unit[]): string[] {
    const present = new Set(units.map((unit) => unit.application));
    return Object.keys(this.#draft.synced).filter((id) => !present.has(id));
  }

  #shares(id: string, unit: Unit): boolean {
    return this.#draft.synced[id]?.tabs.some((tab) => unit.tabs.includes(tab)) ?? false;
  }

  #aboutGone(id: string): { application: string; name: string; tabs: readonly string[] } {
    const name = this.#inStore(id) ? this.#service.application(id).name : id;
    return { application: id, name, tabs: this.#draft.synced[id]?.tabs ?? [] };
  }

  #inStore(id: string): boolean {
    return this.#service.applications().some((application) => application.id === id);
  }

  #input(unit: Unit) {
    const known = unit.application !== undefined && this.#inStore(unit.application);
    return {
      flow: unit.flow,
      name: unit.name,
      credentials: this.#port?.credentials(unit.flow) ?? {},
      origin: 'editor',
      ...(known ? { application: unit.application! } : {}),
    };
  }
}
