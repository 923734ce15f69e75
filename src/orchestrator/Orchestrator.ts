/**
 * The service behind every face. It composes: the store holds the truth, the planner says what a change means, the
 * deployer carries it out, the fleet is where it happens.
 */
import type { Logger } from 'pino';
import type { Explanation, Solver } from '../placement/types.ts';
import type { EnrolReply, EnrolRequest } from '../wire/control.ts';
import { type EchoError, isEchoError } from '../wire/errors.ts';
import { Deployer } from './deploy/Deployer.ts';
import { driftOf } from './deploy/drift.ts';
import { each } from './deploy/each.ts';
import { problemOf } from './deploy/look.ts';
import { idsOf } from './deploy/nodes.ts';
import { adopt, giveBack } from './deploy/ownership.ts';
import { Planner, type Prepared, type Wanted } from './deploy/Planner.ts';
import { awayWith, failureOf, inUse, refuseBlocked } from './deploy/refusal.ts';
import { revise } from './deploy/rewrite.ts';
import { givenUp } from './deploy/stranded.ts';
import { Views } from './deploy/views.ts';
import type { FleetEvents } from './gateways/GatewayFleet.ts';
import type { Fleet } from './gateways/types.ts';
import { storeError } from './store/errors.ts';
import type { Store } from './store/Store.ts';
import { StreamDesk } from './streams/StreamDesk.ts';
import type {
  AppDetail,
  AppDiff,
  AppSummary,
  BrokerView,
  DeployInput,
  Deployment,
  DeployOptions,
  DraftGuard,
  EnrolToken,
  GatewayDetail,
  GatewayView,
  OrchestratorEvents,
  OrchestratorService,
  Plan,
  Progress,
  StandOptions,
  VersionSummary,
} from './types.ts';

/** The fleet, and what happens in it. */
export interface LiveFleet extends Fleet {
  on<E extends keyof FleetEvents>(event: E, listener: (...args: FleetEvents[E]) => void): () => void;
}

export interface EnrolmentPort {
  enrol(request: EnrolRequest): EnrolReply | Promise<EnrolReply>;
  createToken(options?: { name?: string; ttlSeconds?: number }): EnrolToken;
}

export interface OrchestratorPorts {
  readonly store: Store;
  readonly fleet: LiveFleet;
  readonly enrolment: EnrolmentPort;
  readonly solver: Solver;
  readonly log: Logger;
  readonly deploy: { readonly drainMs: number; readonly concurrency: number };
  readonly now?: () => number;
  /** See `ApplyPorts.fault`. */
  readonly fault?: (point: string) => void | Promise<void>;
}

type Listener = (...args: readonly unknown[]) => void;
type OnProgress = ((progress: Progress) => void) | undefined;

export class Orchestrator implements OrchestratorService {
  readonly #ports: OrchestratorPorts;
  readonly #deployer: Deployer;
  readonly #planner: Planner;
  readonly #views: Views;
  readonly streams: StreamDesk;
  readonly #now: () => number;
  readonly #listeners = new Map<keyof OrchestratorEvents, Set<Listener>>();
  readonly #unsubscribe: (() => void)[] = [];
  #draftGuard: DraftGuard | undefined;
  #closed = false;

  constructor(ports: OrchestratorPorts) {
    const { store, fleet, solver, log, deploy, fault, now = Date.now } = ports;
    this.#ports = ports;
    this.#now = now;
    this.#deployer = new Deployer({
      store,
      fleet,
      log,
      now,
      concurrency: deploy.concurrency,
      ...(fault === undefined ? {} : { fault }),
    });
    this.#planner = new Planner({ store, fleet, solver, now, ...deploy, draftGuard: () => this.#draftGuard });
    this.#views = new Views(store, (id) => this.#deployer.busy(id));
    const wires = () => this.#views.list().flatMap(({ id }) => this.#views.detail(id).streams);
    this.streams = new StreamDesk(fleet, wires);
    for (const event of ['gateway', 'heartbeat', 'debug', 'nodeStatus'] as const) {
      this.#unsubscribe.push(fleet.on(event, (...args) => this.#emit(event, ...args)));
    }
    this.#unsubscribe.push(fleet.onUp((gateway) => void this.#returned(gateway)));
  }

  /** Finishes or undoes what a crash left. Call once the fleet has started, before faces listen. */
  recover(): Promise<void> {
    return this.#deployer.recover();
  }

  /** Hears no more gateways; resolves when no deploy runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#deployer.close();
  }

  /** The editor's canvas asks to be asked. */
  setDraftGuard(guard: DraftGuard): void {
    this.#draftGuard = guard;
  }

  async plan(input: DeployInput): Promise<Plan> {
    return (await this.#planner.deploy({ input })).plan;
  }

  deploy(input: DeployInput, onProgress?: (progress: Progress) => void): Promise<Deployment> {
    return this.#deploy({ input }, onProgress);
  }

  async rollback(
    id: string,
    version: number,
    options: DeployOptions = {},
    onProgress?: (progress: Progress) => void,
  ): Promise<Deployment> {
    const { applications } = this.#ports.store;
    const old = applications.version(id, version);
    if (!applications.history(id).some((v) => v.version === version)) {
      throw storeError('ECHO_VERSION_UNKNOWN', {
        message: `Application '${id}' has no version ${version}.`,
        where: id,
      });
    }
    const input: DeployInput = {
      application: id,
      flow: old.flow,
      credentials: applications.credentials(id, version),
      origin: 'rollback',
      options,
    };
    const placement = new Map(Object.entries(old.placement));
    return this.#deploy({ input, placement, note: `rollback to version ${version}` }, onProgress);
  }

  async stop(
    id: string,
    onProgress?: (progress: Progress) => void,
    options?: StandOptions,
  ): Promise<AppSummary> {
    if (this.#ports.store.applications.get(id).state === 'running') {
      await this.#stand(id, 'stop', onProgress, options);
      this.#emit('application', id, 'stopped');
    }
    return this.#views.summary(id);
  }

  async start(id: string, onProgress?: (progress: Progress) => void): Promise<AppSummary> {
    if (this.#ports.store.applications.get(id).state === 'stopped') {
      await this.#stand(id, 'start', onProgress);
      this.#emit('application', id, 'started');
    }
    return this.#views.summary(id);
  }

  async remove(id: string, onProgress?: (progress: Progress) => void, options?: StandOptions): Promise<void> {
    this.#ports.store.applications.get(id);
    await this.#stand(id, 'remove', onProgress, options);
    this.#emit('application', id, 'removed');
  }

  async planRemoval(id: string, options?: StandOptions): Promise<Plan> {
    return (await this.#planner.standing(id, 'remove', options)).plan;
  }

  applications(): AppSummary[] {
    return this.#views.list();
  }

  application(id: string): AppDetail {
    return this.#views.detail(id);
  }

  history(id: string): VersionSummary[] {
    return this.#views.history(id);
  }

  explain(id: string, task: string): Explanation {
    return this.#views.explain(id, task);
  }

  async diff(id: string): Promise<AppDiff> {
    const { store, fleet } = this.#ports;
    const { version } = store.applications.get(id);
    const rows = store.deployed.ofApplication(id);
    const gateways = await each(rows, this.#ports.deploy.concurrency, async ({ gateway, nodes }) => {
      try {
        const { flows: current } = await fleet.admin(gateway).flows();
        const expected = store.deployed.pending({ application: id, gateway })[0]?.nodes ?? [];
        return { gateway, online: true, drift: driftOf({ deployed: nodes, current, expected }) };
      } catch (error) {
        if (!isEchoError(error)) throw error;
        return { gateway, online: false, drift: [] };
      }
    });
    const clean = gateways.every(({ online, drift }) => online && drift.length === 0);
    return { application: id, version, gateways, clean };
  }

  brokers(): BrokerView[] {
    return this.#ports.fleet.brokers();
  }

  gateways(): GatewayView[] {
    const carried = this.#views.carried();
    return this.#ports.fleet.list().map((view) => ({ ...view, ...carried(view.id) }));
  }

  gateway(id: string): GatewayDetail {
    return { ...this.#ports.fleet.get(id), ...this.#views.carried()(id) };
  }

  async removeGateway(id: string, { force = false }: { force?: boolean } = {}): Promise<void> {
    const { store, fleet } = this.#ports;
    fleet.get(id);
    const applications = store.deployed.ofGateway(id).map((row) => row.application);
    if (!force && applications.length > 0 && !fleet.online(id)) throw awayWith(id);
    const stuck = new Map<string, EchoError>();
    for (const application of applications) {
      if (await this.#gaveBack(application, id)) continue;
      const why = await this.#moveOff(application, id, force);
      if (why !== undefined) stuck.set(application, why);
    }
    if (stuck.size > 0 && !force) throw inUse(id, stuck);
    for (const application of stuck.keys()) await this.stop(application, undefined, { discard: true });
    store.transaction(() => {
      for (const row of store.deployed.ofGateway(id)) store.deployed.remove(row.application, id);
      for (const row of store.deployed.pending({ gateway: id }))
        store.deployed.removePending(row.application, id);
    });
    await fleet.forget(id);
  }

  async importGateway(id: string, options: { tabs?: string[]; name?: string } = {}): Promise<Deployment> {
    const { store, fleet } = this.#ports;
    fleet.get(id);
    const { flows } = await fleet.admin(id).flows();
    const ours = idsOf(store.deployed.ofGateway(id).flatMap((row) => row.nodes));
    const { flow, adopted } = adopt(id, flows, ours, options.tabs);
    const name = options.name ?? `Imported from ${id}`;
    const input: DeployInput = { flow, name, origin: 'import' };
    return this.#deploy({ input, adopted: new Map([[id, adopted]]) }, undefined);
  }

  createToken(options: { name?: string; ttlSeconds?: number } = {}): EnrolToken {
    return this.#ports.enrolment.createToken(options);
  }

  async enrol(request: EnrolRequest): Promise<EnrolReply> {
    return this.#ports.enrolment.enrol(request);
  }

  async inject(node: string, body?: unknown): Promise<void> {
    const gateway = this.#views.gatewayOf(node);
    await this.#ports.fleet.admin(gateway).press(node, body);
  }

  async setDebug(nodes: readonly string[], active: boolean): Promise<void> {
    const byGateway = Map.groupBy(nodes, (node) => this.#views.gatewayOf(node));
    for (const [gateway, ids] of byGateway) await this.#ports.fleet.admin(gateway).setDebug(ids, active);
  }

  on<E extends keyof OrchestratorEvents>(
    event: E,
    listener: (...args: OrchestratorEvents[E]) => void,
  ): () => void {
    const listeners = this.#listeners.get(event) ?? new Set<Listener>();
    const entry = listener as unknown as Listener;
    this.#listeners.set(event, listeners.add(entry));
    return () => listeners.delete(entry);
  }

  async #deploy(wanted: Wanted, onProgress: OnProgress): Promise<Deployment> {
    const { id, intake } = this.#planner.read(wanted.input);
    return this.#guarded(id, async () => {
      const begun = this.#now();
      const prepared = await this.#planner.deploy(wanted, intake);
      const { plan, record } = prepared;
      refuseBlocked(plan);
      if (plan.unchanged) {
        const { version } = this.#ports.store.applications.get(id);
        return this.#deployment(record.id, { ...plan, version }, 'unchanged', begun);
      }
      if (wanted.input.options?.overwriteDraft === true) this.#draftGuard?.discardDraft(id);
      await this.#run(prepared, onProgress);
      const pending = this.#views.pendingOf(id).length > 0;
      const deployment = this.#deployment(record.id, plan, pending ? 'pending-offline' : 'running', begun);
      this.#emit('deployed', deployment);
      this.#emit('application', id, 'new-version');
      return deployment;
    });
  }

  #stand(
    id: string,
    kind: 'start' | 'stop' | 'remove',
    onProgress: OnProgress,
    options?: StandOptions,
  ): Promise<void> {
    return this.#guarded(id, async () => {
      const prepared = await this.#planner.standing(id, kind, options);
      refuseBlocked(prepared.plan);
      await this.#run(prepared, onProgress);
    });
  }

  /** Whatever goes wrong is told as an event too. */
  async #guarded<T>(id: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#deployer.exclusive(id, work);
    } catch (error) {
      if (isEchoError(error)) this.#emit('refused', id, problemOf(error));
      throw error;
    }
  }

  async #run(prepared: Prepared, onProgress: OnProgress): Promise<void> {
    const { plan, record, draft } = prepared;
    const tell = (progress: Progress): void => {
      onProgress?.(progress);
      this.#emit('progress', record.application, progress);
    };
    this.#tellGivenUp(plan, tell);
    const applied = await this.#deployer.run(record, draft, tell);
    const { step } = applied.record;
    if (step === 'undone' || step === 'release') throw failureOf(applied.error, plan);
  }

  /** Declared loss is said where the work is shown, and kept in the log. */
  #tellGivenUp({ application, stranded }: Plan, tell: (progress: Progress) => void): void {
    for (const message of givenUp(stranded)) {
      this.#ports.log.warn({ application }, message);
      tell({ at: new Date(this.#now()).toISOString(), step: 'discard', message });
    }
  }

  #deployment(id: string, plan: Plan, status: Deployment['status'], begun: number): Deployment {
    const { application, version } = plan;
    const pending = this.#views.pendingOf(application);
    return { id, application, version, status, plan, pending, seconds: (this.#now() - begun) / 1000 };
  }

  /** Deploys the application again without the gateway; resolves with the reason when it cannot be. */
  /** What was imported and runs there alone becomes the gateway's own again, while it runs. */
  async #gaveBack(application: string, gateway: string): Promise<boolean> {
    const { store, fleet } = this.#ports;
    const { applications, deployed } = store;
    const app = applications.get(application);
    const { flow, placement } = applications.version(application, app.version);
    const row = deployed.find(application, gateway);
    const alone = (where: AppDetail['placement']) => Object.values(where).every((at) => at === gateway);
    const imported = applications
      .history(application)
      .some((v) => v.origin === 'import' && alone(v.placement));
    if (row === undefined || !imported || !alone(placement) || !fleet.online(gateway)) return false;
    await this.#guarded(application, async () => {
      await revise(fleet.admin(gateway), (current) => ({ flows: giveBack(current, row.nodes, flow) }));
      store.transaction(() => {
        deployed.remove(application, gateway);
        applications.put({ ...app, state: 'stopped', updated: this.#now() });
      });
    });
    this.#emit('application', application, 'stopped');
    return true;
  }

  async #moveOff(
    application: string,
    gateway: string,
    allowOffline: boolean,
  ): Promise<EchoError | undefined> {
    const { store } = this.#ports;
    const app = store.applications.get(application);
    const { flow } = store.applications.version(application, app.version);
    const input: DeployInput = {
      application,
      flow,
      origin: 'gateway-rm',
      options: { allowOffline, discard: allowOffline },
    };
    const note = `without gateway ${gateway}`;
    try {
      await this.#deploy({ input, without: new Set([gateway]), note }, undefined);
      return undefined;
    } catch (error) {
      if (isEchoError(error)) return error;
      throw error;
    }
  }

  async #returned(gateway: string): Promise<void> {
    if (this.#closed) return;
    try {
      const settled = await this.#deployer.returned(gateway);
      for (const application of settled) {
        const message = `${gateway} is back and in line`;
        const at = new Date(this.#now()).toISOString();
        this.#emit('progress', application, { at, step: 'settle', gateway, message });
        if (this.#ports.store.applications.find(application))
          this.#emit('application', application, 'settled');
      }
    } catch (err) {
      this.#ports.log.error({ gateway, err }, 'a returned gateway could not be settled');
    }
  }

  #emit<E extends keyof OrchestratorEvents>(event: E, ...args: OrchestratorEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(...args);
      } catch (err) {
        // Whoever listens has no say in what is told.
        this.#ports.log.error({ event, err }, 'a listener failed');
      }
    }
  }
}
