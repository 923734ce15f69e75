/**
 * What the orchestrator offers to its faces (REST API, editor, CLI through REST, web page through REST), and the
 * words they share. `Orchestrator.ts` implements it; faces depend on this file alone.
 */
import type { RawFlow } from '../flow/types.ts';
import type { Explanation, Health } from '../placement/types.ts';
import type { EnrolReply, EnrolRequest, Heartbeat, Tier } from '../wire/control.ts';
import type { DeadLetter, DeadLetterDetail, Inspection, Purged, Replayed, Skipped } from '../wire/operate.ts';
import type { WireChoice } from '../wire/options.ts';
import type { StrandedStream } from '../wire/stranded.ts';

export type { StrandedStream };

/** Decrypted node credentials, by node id. Kept encrypted in the store; sent only to gateways that need them. */
export type Credentials = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What becomes of records that wait in streams a change takes away. */
export interface StandOptions {
  /** Wait for a gateway that is away to return and drain, up to `drainMs`. */
  readonly drain?: boolean;
  /** Give them up: declared loss. */
  readonly discard?: boolean;
  /**
   * Somebody is there to be asked: what has waited longer than `drainMs` is refused at once, where a drain would pause
   * the sources for nothing.
   */
  readonly ask?: boolean;
  /** How long tasks and streams may take to drain, ms. Default 15,000. */
  readonly drainMs?: number;
}

export interface DeployOptions extends StandOptions {
  /** Complete on gateways that are down when they return, instead of refusing. */
  readonly allowOffline?: boolean;
  /** Overwrite fragments that were edited by hand on a gateway. */
  readonly overwrite?: boolean;
  /** Replace a saved canvas draft of this application that was never deployed. */
  readonly overwriteDraft?: boolean;
  /** Go on although tasks did not drain in time (their messages in flight are at risk). */
  readonly force?: boolean;
  /** Refuse (stale revision) unless the application's current version is this one. */
  readonly ifVersion?: number;
}

export interface DeployInput {
  /** Parsed JSON, not yet validated: a Node-RED flow (array), or `{flow, name?, credentials?}`. */
  readonly flow: unknown;
  /** Application id; else the id its tabs carry; else a new application. */
  readonly application?: string;
  readonly name?: string;
  readonly credentials?: Credentials;
  readonly options?: DeployOptions;
  /** Who asked, for the history: `editor`, `cli`, `api`, `dag`, `start`. */
  readonly origin?: string;
}

export type NodeChange = 'add' | 'change' | 'move' | 'rewire' | 'remove' | 'same';

export interface GatewayPlan {
  readonly gateway: string;
  readonly online: boolean;
  /** Compared with what ECHO deployed there last. `restarts`: nodes that stop and start. */
  readonly changes: readonly {
    readonly node: string;
    readonly type: string;
    readonly name: string;
    readonly change: NodeChange;
  }[];
  readonly restarts: number;
  readonly tasks: readonly string[];
  /** Fragment nodes changed by hand on the gateway since ECHO deployed them. */
  readonly drift: readonly Drift[];
}

export interface Drift {
  readonly node: string;
  /** Its name; its type where it has none. */
  readonly name: string;
  readonly kind: 'changed' | 'missing' | 'added';
  readonly properties?: readonly string[];
}

export interface CutWire {
  readonly stream: string;
  readonly from: {
    readonly node: string;
    readonly name: string;
    readonly port: number;
    readonly gateway: string;
  };
  readonly to: readonly {
    readonly node: string;
    readonly name: string;
    readonly gateway: string;
    /** The broker taken there, as the reachability map names it. */
    readonly broker: string;
  }[];
  /** The brokers it takes: `shared`, `site/<site>`, or both. */
  readonly broker: string;
  /** Why the two ends stand apart, in one sentence. */
  readonly why: string;
  readonly level: string;
  /** What the user chose besides; absent where nothing. */
  readonly options?: WireChoice;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly remedy: string;
}

export interface Plan {
  readonly application: string;
  readonly name: string;
  /** The version this deploy would make. */
  readonly version: number;
  readonly placement: Readonly<Record<string, string>>;
  readonly gateways: readonly GatewayPlan[];
  readonly cutWires: readonly CutWire[];
  readonly warnings: readonly { readonly code: string; readonly where?: string; readonly message: string }[];
  /** What would make a deploy refuse now (gateway down, drift…); empty when it can go ahead. */
  readonly blockers: readonly Problem[];
  /** Records that wait in streams this change takes away. */
  readonly stranded: readonly StrandedStream[];
  readonly unchanged: boolean;
}

export interface Progress {
  readonly at: string;
  readonly step: string;
  readonly gateway?: string;
  readonly message: string;
}

export interface Deployment {
  readonly id: string;
  readonly application: string;
  readonly version: number;
  /** `pending-offline`: applied where possible, completes when the named gateways return. */
  readonly status: 'running' | 'pending-offline' | 'unchanged';
  readonly plan: Plan;
  readonly pending: readonly string[];
  readonly seconds: number;
}

export interface AppSummary {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly status: 'running' | 'stopped' | 'deploying' | 'pending-offline' | 'undo-pending';
  readonly gateways: readonly string[];
  readonly tasks: number;
  readonly cutWires: number;
  readonly updated: string;
}

export interface AppDetail extends AppSummary {
  readonly flow: RawFlow;
  readonly placement: Readonly<Record<string, string>>;
  readonly streams: readonly CutWire[];
}

export interface VersionSummary {
  readonly version: number;
  readonly created: string;
  readonly origin: string;
  readonly tasks: number;
  readonly placement: Readonly<Record<string, string>>;
  readonly note?: string;
}

/** `diff`: what stands on the gateways against what ECHO deployed there. */
export interface AppDiff {
  readonly application: string;
  readonly version: number;
  readonly gateways: readonly {
    readonly gateway: string;
    readonly online: boolean;
    readonly drift: readonly Drift[];
  }[];
  readonly clean: boolean;
}

export interface GatewayView {
  readonly id: string;
  readonly tier: Tier;
  readonly site?: string;
  readonly health: Health;
  /** Why it is degraded; absent when it is not. */
  readonly troubles?: readonly string[];
  readonly lastSeen: string;
  readonly adminUrl: string;
  readonly nodeRedVersion: string;
  readonly nodeVersion: string;
  readonly arch: string;
  readonly cpuCores: number;
  readonly cpuPct?: number;
  readonly memTotalMB: number;
  readonly memFreeMB?: number;
  readonly capabilities: readonly string[];
  readonly maxTasks?: number;
  readonly tasks: number;
  readonly applications: readonly string[];
}

export interface GatewayDetail extends GatewayView {
  readonly nodeTypes: readonly string[];
  readonly heartbeat?: Heartbeat;
}

/** A set of node types, as `GET /nodes` of a Node-RED lists it. */
export interface NodeSet {
  /** `<module>/<set>` */
  readonly id: string;
  readonly module: string;
  readonly name: string;
  readonly version: string;
  readonly enabled: boolean;
  readonly types: readonly string[];
}

/** A broker (or a cluster of them) in the reachability map. */
export interface BrokerView {
  /** `shared`, or `site/<site>`. */
  readonly name: string;
  readonly role: 'shared' | 'site';
  readonly site?: string;
  /** Without user and password. */
  readonly urls: readonly string[];
  /** Who says that it is there: `orchestrator` (embedded), `settings`, or the gateway that offers it. */
  readonly from: string;
  /**
   * Every gateway, or those of the site. `declared`: it is meant to reach it; `probed`: whether it does, as it said
   * last; absent while it is not heard of.
   */
  readonly gateways: readonly {
    readonly gateway: string;
    readonly declared: boolean;
    readonly probed?: boolean;
  }[];
}

export interface EnrolToken {
  readonly token: string;
  readonly expires: string;
  readonly name?: string;
}

/** Things that happen, for the editor, the live web page and the status line. */
export interface OrchestratorEvents {
  progress: [operation: string, progress: Progress];
  deployed: [deployment: Deployment];
  refused: [application: string, problem: Problem];
  /**
   * The truth changed: the canvas follows unless it holds a draft. `settled`: a gateway that was away has, or has lost,
   * what it was to.
   */
  application: [id: string, change: 'new-version' | 'stopped' | 'started' | 'removed' | 'settled'];
  gateway: [id: string, change: 'enrolled' | 'up' | 'degraded' | 'stale' | 'down' | 'removed'];
  heartbeat: [gateway: string, heartbeat: Heartbeat];
  debug: [gateway: string, node: string, data: unknown];
  nodeStatus: [gateway: string, node: string, data: unknown];
}

/** What the canvas holds; asked before a deploy from elsewhere, so that nobody's draft is overwritten unasked. */
export interface DraftGuard {
  /** The canvas holds changes of this application that were never deployed. */
  hasUnsavedDraft(application: string): boolean;
  /** `overwriteDraft`: the canvas is to follow the next version although it holds a draft. */
  discardDraft(application: string): void;
}

/** A record that was set aside, and where it is kept. */
export interface DeadLetterView extends DeadLetter {
  readonly gateway: string;
}
export interface DeadLetterDetailView extends DeadLetterDetail {
  readonly gateway: string;
}

/** Operating streams. `stream`: its name, or id or name of the task it comes from. */
export interface StreamsService {
  /** The oldest records that wait for the consumer, or for any. */
  inspect(
    stream: string,
    options?: { consumer?: string; limit?: number; preview?: number },
  ): Promise<Inspection>;
  /** Gives up what waits for the consumer, or for all: declared loss. */
  purge(stream: string, consumer?: string): Promise<Purged>;
  /** Passes over the first records the consumer has not finished: declared loss. */
  skip(stream: string, consumer: string, count?: number): Promise<Skipped>;
  deadLetters(filter?: { gateway?: string; stream?: string }): Promise<DeadLetterView[]>;
  deadLetter(gateway: string, id: string): Promise<DeadLetterDetailView>;
  /** Delivers it again; it goes when its task succeeds. */
  replay(gateway: string, id: string): Promise<Replayed>;
  drop(gateway: string, id: string): Promise<void>;
}

export interface OrchestratorService {
  readonly streams: StreamsService;
  plan(input: DeployInput): Promise<Plan>;
  /** Resolves when every gateway runs it; rejects with an EchoError after everything was put back. */
  deploy(input: DeployInput, onProgress?: (progress: Progress) => void): Promise<Deployment>;
  applications(): AppSummary[];
  application(id: string): AppDetail;
  history(id: string): VersionSummary[];
  diff(id: string): Promise<AppDiff>;
  stop(id: string, onProgress?: (progress: Progress) => void, options?: StandOptions): Promise<AppSummary>;
  start(id: string, onProgress?: (progress: Progress) => void): Promise<AppSummary>;
  remove(id: string, onProgress?: (progress: Progress) => void, options?: StandOptions): Promise<void>;
  /** What `remove` would do; touches nothing. */
  planRemoval(id: string, options?: StandOptions): Promise<Plan>;
  rollback(
    id: string,
    version: number,
    options?: DeployOptions,
    onProgress?: (progress: Progress) => void,
  ): Promise<Deployment>;
  explain(id: string, task: string): Explanation;

  gateways(): GatewayView[];
  gateway(id: string): GatewayDetail;
  /** The reachability map: which brokers there are, and which gateway reaches which. */
  brokers(): BrokerView[];
  /** Takes ECHO's fragments off the gateway, leaves its own flows as they were, ends its enrolment. */
  removeGateway(id: string, options?: { force?: boolean }): Promise<void>;
  /** Adopts the tabs a gateway already has as an application placed there. */
  importGateway(id: string, options?: { tabs?: string[]; name?: string }): Promise<Deployment>;
  createToken(options?: { name?: string; ttlSeconds?: number }): EnrolToken;
  enrol(request: EnrolRequest): Promise<EnrolReply>;
  /** Presses an inject button (or any node's button) on the gateway that runs the task. */
  inject(node: string, body?: unknown): Promise<void>;
  /** Switches debug nodes on or off where they run, until their next deploy. */
  setDebug(nodes: readonly string[], active: boolean): Promise<void>;

  on<E extends keyof OrchestratorEvents>(
    event: E,
    listener: (...args: OrchestratorEvents[E]) => void,
  ): () => void;
}
