/**
 * The service behind every face. It composes: the store holds the truth, the planner says what a change means, the
 * deployer carries it out, the fleet is where it happens.
 */
import type { Logger } from 'pino';
import type { Explanation, Solver } from '../placement/types.ts';
import type { EnrolReply, EnrolRequest } from '../wire/control.ts';
import { isEchoError } from '../wire/errors.ts';
import { DeployDesk, type OnProgress } from './deploy/DeployDesk.ts';
import { Deployer } from './deploy/Deployer.ts';
import { driftOf } from './deploy/drift.ts';
import { each } from './deploy/each.ts';
import { GatewayRemoval } from './deploy/GatewayRemoval.ts';
import { idsOf } from './deploy/nodes.ts';
import { adopt } from './deploy/ownership.ts';
import { Planner } from './deploy/Planner.ts';
import { Views } from './deploy/views.ts';
import { Events } from './events.ts';
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

export class Orchestrator implements OrchestratorService {
  readonly #ports: OrchestratorPorts;
  readonly #deployer: Deployer;
  readonly #planner: Planner;
  readonly #views: Views;
  readonly #desk: DeployDesk;
  readonly #removal: GatewayRemoval;
  readonly streams: StreamDesk;
  readonly #now: () => number;
  readonly #events: Events<OrchestratorEvents>;
  readonly #unsubscribe: (() => void)[] = [];
  #draftGuard: DraftGuard | undefined;
  #closed = false;

  constructor(ports: OrchestratorPorts) {
    const { store, fleet, solver, log, deploy, fault, now = Date.now } = ports;
    this.#ports = ports;
    this.#now = now;
    this.#events = new Events(log);
    this.#deployer = new Deployer({
      store,
      fleet,
      log,
      now,
      concurrency: deploy.concurrency,
      ...(fault === undefined ? {} : { fault }),
    });
    const draftGuard = () => this.#draftGuard;
    this.#planner = new Planner({ store, fleet, solver, now, ...deploy, draftGuard });
    this.#views = new Views(store, (id) => this.#deployer.busy(id));
    const shared = { store, events: this.#events, now };
    this.#desk = new DeployDesk({
      ...shared,
      planner: this.#planner,
      deployer: this.#deployer,
      views: this.#views,
      draftGuard,
      log,
    });
    this.#removal = new GatewayRemoval({ ...shared, fleet, desk: this.#desk });
    const wires = () => this.#views.list().flatMap(({ id }) => this.#views.detail(id).streams);
    this.streams = new StreamDesk(fleet, wires);
    for (const event of ['gateway', 'heartbeat', 'debug', 'nodeStatus'] as const) {
      this.#unsubscribe.push(fleet.on(event, (...args) => this.#events.emit(event, ...args)));
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

  deploy(input: DeployInput, onProgress?: OnProgress): Promise<Deployment> {
    return this.#desk.deploy({ input }, onProgress);
  }

  async rollback(
    id: string,
    version: number,
    options: DeployOptions = {},
    onProgress?: OnProgress,
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
    return this.#desk.deploy({ input, placement, note: `rollback to version ${version}` }, onProgress);
  }

  async stop(id: string, onProgress?: OnProgress, options?: StandOptions): Promise<AppSummary> {
    await this.#desk.stop(id, onProgress, options);
    return this.#views.summary(id);
  }

  async start(id: string, onProgress?: OnProgress): Promise<AppSummary> {
    await this.#desk.start(id, onProgress);
    return this.#views.summary(id);
  }

  remove(id: string, onProgress?: OnProgress, options?: StandOptions): Promise<void> {
    return this.#desk.remove(id, onProgress, options);
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

  removeGateway(id: string, options: { force?: boolean } = {}): Promise<void> {
    return this.#removal.remove(id, options);
  }

  async importGateway(id: string, options: { tabs?: string[]; name?: string } = {}): Promise<Deployment> {
    const { store, fleet } = this.#ports;
    fleet.get(id);
    const { flows } = await fleet.admin(id).flows();
    const ours = idsOf(store.deployed.ofGateway(id).flatMap((row) => row.nodes));
    const { flow, adopted } = adopt(id, flows, ours, options.tabs);
    const name = options.name ?? `Imported from ${id}`;
    const input: DeployInput = { flow, name, origin: 'import' };
    return this.#desk.deploy({ input, adopted: new Map([[id, adopted]]) }, undefined);
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
    return this.#events.on(event, listener);
  }

  async #returned(gateway: string): Promise<void> {
    if (this.#closed) return;
    try {
      const settled = await this.#deployer.returned(gateway);
      for (const application of settled) {
        const message = `${gateway} is back and in line`;
        const at = new Date(this.#now()).toISOString();
        this.#events.emit('progress', application, { at, step: 'settle', gateway, message });
        if (this.#ports.store.applications.find(application))
          this.#events.emit('application', application, 'settled');
      }
    } catch (err) {
      this.#ports.log.error({ gateway, err }, 'a returned gateway could not be settled');
    }
  }
}
