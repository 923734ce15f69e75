/** Deploys what differs between canvas and store, application by application; a refusal keeps the draft. */
import type { Logger } from 'pino';
import type { RawFlow } from '../../flow/types.ts';
import type { DeployNotice, PlanSummary } from '../../wire/editor.ts';
import type { StrandedChoice } from '../../wire/stranded.ts';
import type { DeployInput, DeployOptions, OrchestratorService } from '../types.ts';
import type { Unit } from './canvas.ts';
import type { DraftState } from './DraftState.ts';
import { type About, aboutOf, blockedBy, planSummary, problemOf, refusalOf, summaryOf } from './notices.ts';

/** How long a user who chose so lets the tasks work off what waits. */
const DRAIN_MS = 60_000;

/** A gateway that is away and keeps records from being processed is brought in line when it returns. */
const OPTIONS: Readonly<Record<StrandedChoice | 'ask', DeployOptions>> = {
  ask: { ask: true },
  drain: { drain: true, drainMs: DRAIN_MS, allowOffline: true },
  discard: { discard: true, allowOffline: true },
};

export interface DraftDeployOptions {
  readonly service: OrchestratorService;
  readonly state: DraftState;
  readonly log: Logger;
  readonly notify: (notice: DeployNotice) => void;
}

export class DraftDeploy {
  readonly #service: OrchestratorService;
  readonly #state: DraftState;
  readonly #log: Logger;
  readonly #notify: (notice: DeployNotice) => void;
  /** Being deployed now: what differs is on its way, not a draft. */
  readonly #running = new Set<string>();
  /** What becomes of records that wait, by application; an answer is good for one deploy. */
  readonly #answers = new Map<string, StrandedChoice>();

  constructor({ service, state, log, notify }: DraftDeployOptions) {
    this.#service = service;
    this.#state = state;
    this.#log = log;
    this.#notify = notify;
  }

  running(application: string): boolean {
    return this.#running.has(application);
  }

  answer(application: string, choice: StrandedChoice): void {
    this.#answers.set(application, choice);
  }

  /** What a Deploy of this canvas would do; touches nothing. */
  async plan(canvas: RawFlow): Promise<PlanSummary[]> {
    const units = this.#state.units(canvas);
    const plans: PlanSummary[] = [];
    for (const id of this.#state.gone(units)) plans.push(await this.#planRemoval(id));
    for (const unit of units) {
      if (!this.#state.differs(unit)) continue;
      try {
        plans.push(planSummary(unit, await this.#service.plan(this.#input(unit))));
      } catch (error) {
        plans.push({ ...aboutOf(unit), kind: 'refused', problem: problemOf(error, unit.flow) });
      }
    }
    return plans;
  }

  async deploy(): Promise<void> {
    const answered = [...this.#answers.keys()];
    const units = this.#state.units();
    const absorbed = new Set(this.#state.gone(units));
    for (const unit of units) {
      if (!this.#state.differs(unit)) continue;
      const swallows = [...absorbed].filter((id) => this.#shares(id, unit));
      for (const id of swallows) absorbed.delete(id);
      if (swallows.length > 0 && !(await this.#wouldDeploy(unit))) continue;
      if (await this.#removed(swallows)) await this.#deploy(unit);
    }
    await this.#removed([...absorbed]);
    for (const application of answered) this.#answers.delete(application);
  }

  inStore(id: string): boolean {
    return this.#service.applications().some((application) => application.id === id);
  }

  async #deploy(unit: Unit): Promise<void> {
    const about = aboutOf(unit);
    const fingerprint = this.#state.fingerprint(unit);
    this.#notify({ ...about, kind: 'started' });
    if (unit.application !== undefined) this.#running.add(unit.application);
    try {
      const deployment = await this.#service.deploy(this.#input(unit), ({ step, gateway, message }) => {
        const where = gateway === undefined ? {} : { gateway };
        this.#notify({ ...about, kind: 'progress', step, message, ...where });
      });
      const { application, version } = deployment;
      await this.#state.agree(application, { version, fingerprint, tabs: unit.tabs });
      this.#notify(summaryOf(unit, deployment));
    } catch (error) {
      this.#refused(about, error, unit.flow);
    } finally {
      if (unit.application !== undefined) this.#running.delete(unit.application);
    }
  }

  /** Tabs of an application were tied to another's: that one is planned before the first is taken off. */
  async #wouldDeploy(unit: Unit): Promise<boolean> {
    try {
      const plan = await this.#service.plan(this.#input(unit));
      const [blocker] = plan.blockers;
      if (blocker === undefined) return true;
      this.#notify(blockedBy(aboutOf(unit), blocker, plan, unit.flow));
    } catch (error) {
      this.#refused(aboutOf(unit), error, unit.flow);
    }
    return false;
  }

  /** Takes applications off; false when one of them still stands. */
  async #removed(ids: readonly string[]): Promise<boolean> {
    let all = true;
    for (const id of ids) all = (await this.#remove(id)) && all;
    return all;
  }

  async #remove(id: string): Promise<boolean> {
    const about = this.#aboutGone(id);
    try {
      if (this.inStore(id)) await this.#service.remove(id, undefined, this.#options(id));
      await this.#state.forget(id);
      this.#notify({ ...about, kind: 'removed' });
      return true;
    } catch (error) {
      this.#refused(about, error, []);
      return false;
    }
  }

  async #planRemoval(id: string): Promise<PlanSummary> {
    const about = this.#aboutGone(id);
    try {
      const stranded = this.inStore(id)
        ? (await this.#service.planRemoval(id, this.#options(id))).stranded
        : [];
      return { ...about, kind: 'remove', stranded };
    } catch (error) {
      return { ...about, kind: 'refused', problem: problemOf(error, []) };
    }
  }

  #refused(about: About, error: unknown, flow: RawFlow): void {
    const notice = refusalOf(about, error, flow);
    const { code, message } = notice.problem;
    this.#log.warn(
      { part: 'editor', code, application: about.application },
      `deploy of “${about.name}” refused: ${message}`,
    );
    this.#notify(notice);
  }

  #shares(id: string, unit: Unit): boolean {
    return this.#state.synced(id)?.tabs.some((tab) => unit.tabs.includes(tab)) ?? false;
  }

  #aboutGone(id: string): About & { readonly application: string } {
    const name = this.inStore(id) ? this.#service.application(id).name : id;
    return { application: id, name, tabs: this.#state.synced(id)?.tabs ?? [] };
  }

  #options(application: string): DeployOptions {
    return OPTIONS[this.#answers.get(application) ?? 'ask'];
  }

  #input(unit: Unit): DeployInput {
    const { flow, name, application } = unit;
    const input = { flow, name, credentials: this.#state.credentials(unit), origin: 'editor' };
    if (application === undefined || !this.inStore(application)) return input;
    return { ...input, application, options: this.#options(application) };
  }
}
