/** From what is asked for to a deploy that can be run: places, splits, looks at the gateways, says what would change. */
import { randomUUID } from 'node:crypto';
import { parseFlow } from '../../flow/parse.ts';
import { split } from '../../flow/split.ts';
import type { CutStream, Fragment, Placement, RawFlow } from '../../flow/types.ts';
import type { Solver } from '../../placement/types.ts';
import type { Fleet } from '../gateways/types.ts';
import type { Version } from '../store/applications.ts';
import type { Store } from '../store/Store.ts';
import type {
  Credentials,
  DeployInput,
  DeployOptions,
  DraftGuard,
  Plan,
  Problem,
  StandOptions,
} from '../types.ts';
import { othersOn } from './apply.ts';
import { each } from './each.ts';
import { type EpochSource, epochsOf, renewed, runningStreams } from './epochs.ts';
import { deployError } from './errors.ts';
import { identityOf, refuseForeignTabs, refuseStale } from './identity.ts';
import { carryOver, type Intake, ownedBy, readInput } from './intake.ts';
import { type Look, look, problemOf } from './look.ts';
import { place } from './placing.ts';
import { cutWiresOf, planOf } from './plan.ts';
import type { DeployRecord } from './record.ts';
import { routesOf, routeWarnings } from './routes.ts';
import { givenUp, type LastStatus, type Stranding } from './stranded.ts';
import { type Work, workOf } from './work.ts';

export interface PlannerPorts {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly solver: Solver;
  readonly draftGuard: () => DraftGuard | undefined;
  readonly now: () => number;
  readonly drainMs: number;
  readonly concurrency: number;
}

/** A deploy that is ready to run, unless the plan holds blockers. */
export interface Prepared {
  readonly plan: Plan;
  readonly record: DeployRecord;
  /** The version it makes, if it makes one. */
  readonly draft?: { readonly version: Version; readonly credentials: Credentials };
}

export interface Wanted {
  readonly input: DeployInput;
  /** Nodes the gateway has of its own that become the application's. */
  readonly adopted?: ReadonlyMap<string, RawFlow>;
  /** Keep tasks where this placement has them; default: where they are. */
  readonly placement?: Placement;
  /** Gateways that may not be used. */
  readonly without?: ReadonlySet<string>;
  readonly note?: string;
}

/** What a record is written from. */
interface Made extends Pick<DeployRecord, 'name' | 'kind' | 'version'> {
  readonly id: string;
  readonly work: Work;
  readonly streams: readonly CutStream[];
}

export class Planner {
  readonly #ports: PlannerPorts;

  constructor(ports: PlannerPorts) {
    this.#ports = ports;
  }

  /** Reads an input and says whose application it is. Throws what `parseFlow` throws, and ECHO_APP_UNKNOWN. */
  read(input: DeployInput): { readonly id: string; readonly intake: Intake } {
    const intake = readInput(input);
    return { id: identityOf(this.#ports.store, input, intake).id, intake };
  }

  /** Throws for a flow that is wrong, cannot be placed, or was made from an old version; else see the blockers. */
  async deploy(wanted: Wanted, intake = readInput(wanted.input)): Promise<Prepared> {
    const { input, note } = wanted;
    const { store, now } = this.#ports;
    const options = input.options ?? {};
    const { id, name } = identityOf(store, input, intake);
    const app = store.applications.find(id);
    const current =
      app !== undefined && app.version > 0 ? store.applications.version(id, app.version) : undefined;
    refuseStale(id, current?.version ?? 0, options.ifVersion);
    refuseForeignTabs(store, id, intake.model);
    const model = ownedBy(intake.model, id);
    const { placement, explanations } = place(this.#ports, {
      application: id,
      model,
      previous: wanted.placement ?? (current && new Map(Object.entries(current.placement))),
      allowOffline: options.allowOffline ?? false,
      without: wanted.without ?? new Set(),
    });
    const epochs = epochsOf(id, model.wires, placement, this.#epochSource(id));
    const routes = routesOf(this.#ports.fleet.brokers());
    const via = (from: string, to: string) => routes(from, to).via;
    const { fragments, streams } = split(model, placement, { application: id, epochs, via });
    const cutWires = cutWiresOf(streams, model, explanations, routes);
    const version = store.applications.nextVersion(id);
    const had = current === undefined ? {} : store.applications.credentials(id, current.version);
    const credentials = { before: had, after: carryOver(model.raw, had, intake.credentials) };
    const situation = await this.#situation(id, byGateway(fragments));
    const work = workOf({
      ...situation,
      streams: { before: this.#runningStreams(id), after: streams },
      credentials,
      ...(wanted.adopted === undefined ? {} : { adopted: wanted.adopted }),
      allowOffline: options.allowOffline ?? false,
      overwrite: options.overwrite ?? false,
      lastStatus: (stream) => this.#lastStatus(stream),
      stranding: this.#strandingOf(options),
    });
    const sameFlow =
      app?.state === 'running' &&
      current !== undefined &&
      sameText([current.flow, app.name], [model.raw, name]);
    const blockers = this.#draftBlockers(id, input);
    const plan = planOf({
      ...situation,
      application: id,
      name,
      version,
      model,
      placement,
      cutWires,
      credentials,
      work,
      warnings: routeWarnings(streams, routes),
      blockers,
      sameFlow,
    });
    const record = this.#record({ id, name, kind: 'deploy', version, work, streams }, options);
    const draft: Version = {
      application: id,
      version,
      origin: input.origin ?? 'api',
      ...noteOf([note, ...givenUp(work.stranded)]),
      created: now(),
      tasks: model.tasks.size,
      placement: plan.placement,
      flow: model.raw,
      fragments,
      streams,
      cutWires,
      explanations: Object.fromEntries(explanations),
    };
    return { plan, record, draft: { version: draft, credentials: credentials.after } };
  }

  /** The current version again (`start`), or nothing of the application anywhere (`stop`, `remove`). */
  async standing(
    id: string,
    kind: 'start' | 'stop' | 'remove',
    options: StandOptions = {},
  ): Promise<Prepared> {
    const { store } = this.#ports;
    const { name, version } = store.applications.get(id);
    const current = store.applications.version(id, version);
    const starting = kind === 'start';
    const credentials = store.applications.credentials(id, version);
    const { fragments, streams } = starting
      ? renewed(current, this.#epochSource(id))
      : { fragments: [], streams: [] };
    const situation = await this.#situation(id, byGateway(fragments));
    const work = workOf({
      ...situation,
      streams: { before: this.#runningStreams(id), after: streams },
      credentials: { before: starting ? {} : credentials, after: starting ? credentials : {} },
      allowOffline: !starting,
      overwrite: !starting,
      lastStatus: (stream) => this.#lastStatus(stream),
      stranding: this.#strandingOf(options),
    });
    const plan = planOf({
      ...situation,
      application: id,
      name,
      version,
      model: parseFlow(current.flow),
      placement: new Map(starting ? Object.entries(current.placement) : []),
      cutWires: starting ? current.cutWires : [],
      credentials: { before: {}, after: {} },
      work,
      warnings: [],
      blockers: [],
      sameFlow: false,
    });
    // What stops is not asked whether its tasks are ready: they get their time, then they go.
    const made = { id, name, kind, version: starting ? version : 0, work, streams };
    const record = this.#record(made, { ...options, force: !starting });
    return { plan, record };
  }

  #epochSource(id: string): EpochSource {
    const { deployed, streamEpochs } = this.#ports.store;
    return { running: runningStreams(deployed.ofApplication(id)), highest: streamEpochs.highest };
  }

  #runningStreams(id: string): readonly CutStream[] {
    const { store } = this.#ports;
    const app = store.applications.find(id);
    if (app === undefined || app.version === 0 || app.state !== 'running') return [];
    return store.applications.version(id, app.version).streams;
  }

  #lastStatus({ stream, from }: CutStream): ReturnType<LastStatus> {
    const { fleet } = this.#ports;
    const beat = fleet.has(from.gateway) ? fleet.get(from.gateway).heartbeat : undefined;
    const status = beat?.streams.find((s) => s.role === 'out' && s.stream === stream);
    return beat !== undefined && status?.role === 'out' ? { status, at: beat.at } : undefined;
  }

  #strandingOf({ drain, discard, ask, drainMs = this.#ports.drainMs }: StandOptions): Stranding {
    if (discard === true) return { choice: 'discard' };
    if (drain === true) return { choice: 'drain' };
    return ask === true ? { refuseFrom: drainMs } : {};
  }

  async #situation(id: string, fragments: ReadonlyMap<string, RawFlow>) {
    const { store, fleet, concurrency } = this.#ports;
    const deployed = store.deployed.ofApplication(id);
    const pending = store.deployed.pending({ application: id });
    const gateways = new Set([...deployed, ...pending].map((row) => row.gateway).concat(...fragments.keys()));
    const seen = await each([...gateways], concurrency, (gateway) => look(fleet, gateway));
    const looks = new Map<string, Look>(seen.map((at) => [at.gateway, at]));
    const others = (gateway: string) => othersOn(store, gateway, id);
    return { deployed, pending, looks, fragments, others };
  }

  /** A deploy from elsewhere would replace what somebody drew and never deployed. */
  #draftBlockers(id: string, { origin, options }: DeployInput): Problem[] {
    if (origin === 'editor' || options?.overwriteDraft === true) return [];
    if (this.#ports.draftGuard()?.hasUnsavedDraft(id) !== true) return [];
    return [
      problemOf(
        deployError('ECHO_DRAFT_UNSAVED', {
          message: `The canvas holds changes of application '${id}' that were never deployed.`,
          where: id,
        }),
      ),
    ];
  }

  #record(
    { id: application, name, kind, version, work, streams }: Made,
    options: DeployOptions,
  ): DeployRecord {
    const { store, now, drainMs } = this.#ports;
    const app = store.applications.find(application);
    return {
      id: randomUUID(),
      application,
      name,
      kind,
      version,
      previous: app?.state === 'running' ? app.version : 0,
      started: now(),
      step: 'preflight',
      targets: work.targets,
      bystanders: work.bystanders,
      draining: work.draining,
      epochs: Object.fromEntries(streams.map(({ stream, epoch }) => [stream, epoch])),
      retiring: work.retiring,
      force: options.force ?? false,
      drainMs: options.drainMs ?? drainMs,
    };
  }
}

/** What the history says of a version. */
const noteOf = (parts: readonly (string | undefined)[]): { note?: string } => {
  const said = parts.filter((part) => part !== undefined);
  return said.length === 0 ? {} : { note: said.join('; ') };
};

const byGateway = (fragments: readonly Fragment[]): Map<string, RawFlow> =>
  new Map(fragments.map((fragment) => [fragment.gateway, fragment.nodes]));

const sameText = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
