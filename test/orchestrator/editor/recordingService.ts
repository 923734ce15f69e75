/**
 * An OrchestratorService that deploys nowhere: it keeps versions in memory and records what it was asked. Stands in
 * for the orchestrator where the editor alone is under test; the end-to-end tests use the real one.
 */
import { EventEmitter } from 'node:events';
import type { RawFlow } from '../../../src/flow/types.ts';
import type {
  AppDetail,
  DeployInput,
  Deployment,
  GatewayView,
  OrchestratorEvents,
  OrchestratorService,
  Plan,
  StandOptions,
  StrandedStream,
} from '../../../src/orchestrator/types.ts';
import { EchoError } from '../../../src/wire/errors.ts';

export const GATEWAYS: readonly GatewayView[] = (
  [
    ['edge-1', 'edge', ['camera', 'gpio']],
    ['fog-1', 'fog', ['gpu']],
    ['cloud-1', 'cloud', ['internet']],
  ] as const
).map(([id, tier, capabilities], at) => ({
  id,
  tier,
  health: 'up',
  lastSeen: '2026-01-01T00:00:00.000Z',
  adminUrl: `http://127.0.0.1:188${at + 1}`,
  nodeRedVersion: at === 0 ? '4.1.15' : '5.0.7',
  nodeVersion: '24.0.0',
  arch: 'x64',
  cpuCores: 2,
  cpuPct: 7 + at * 11,
  memTotalMB: 4096,
  capabilities,
  tasks: 0,
  applications: [],
}));

const NOT_DRAINED = {
  code: 'ECHO_STREAM_NOT_DRAINED',
  message: 'Records wait in a stream that goes.',
  remedy: 'Drain it first, or discard them.',
};

function refuse({ blockers, stranded }: Pick<Plan, 'blockers' | 'stranded'>): void {
  const [first] = blockers;
  if (first === undefined) return;
  const { code, message, remedy } = first;
  const entry = { status: 409, title: message, remedy };
  throw new EchoError(code, entry, { message, details: { blockers, stranded } });
}

export class RecordingService {
  readonly deploys: DeployInput[] = [];
  readonly removed: string[] = [];
  readonly injected: [string, unknown][] = [];
  readonly switched: [string, boolean][] = [];
  refusal: EchoError | undefined;
  /** What waits: who does not say what becomes of it is refused. */
  stranded: StrandedStream[] = [];
  readonly stood: StandOptions[] = [];
  readonly #apps = new Map<string, { version: number; name: string; flow: RawFlow }>();
  readonly #events = new EventEmitter();
  #next = 1;

  /** As a face of the orchestrator sees it; what the editor never calls is not there. */
  get service(): OrchestratorService {
    return this as unknown as OrchestratorService;
  }

  on<E extends keyof OrchestratorEvents>(event: E, listener: (...args: OrchestratorEvents[E]) => void) {
    this.#events.on(event, listener as (...args: unknown[]) => void);
    return () => void this.#events.off(event, listener as (...args: unknown[]) => void);
  }
  emit<E extends keyof OrchestratorEvents>(event: E, ...args: OrchestratorEvents[E]): void {
    this.#events.emit(event, ...args);
  }

  async plan(input: DeployInput): Promise<Plan> {
    if (this.refusal !== undefined) throw this.refusal;
    const flow = input.flow as RawFlow;
    const id = input.application ?? `app-${this.#next}`;
    const tasks = flow.filter((entry) => entry.wires !== undefined);
    const placement = Object.fromEntries(tasks.map((task, at) => [task.id, GATEWAYS[at % 3]!.id]));
    return {
      application: id,
      name: input.name ?? id,
      version: (this.#apps.get(id)?.version ?? 0) + 1,
      placement,
      gateways: GATEWAYS.map((gateway) => ({
        gateway: gateway.id,
        online: true,
        changes: tasks
          .filter((task) => placement[task.id] === gateway.id)
          .map((task) => ({ node: task.id, type: task.type, name: task.name ?? '', change: 'add' as const })),
        restarts: 0,
        tasks: tasks.filter((task) => placement[task.id] === gateway.id).map(({ id }) => id),
        drift: [],
      })),
      cutWires: tasks.flatMap((task) =>
        (task.wires ?? []).flat().flatMap((to) =>
          placement[to] === placement[task.id]
            ? []
            : [
                {
                  stream: `${id}/${task.id}:0`,
                  from: {
                    node: task.id,
                    name: task.name ?? '',
                    port: 0,
                    gateway: placement[task.id] ?? 'edge-1',
                  },
                  to: [{ node: to, name: '', gateway: placement[to] ?? 'edge-1', broker: 'shared' }],
                  broker: 'shared',
                  why: 'its ends are bound to different gateways',
                  level: 'at-least-once',
                },
              ],
        ),
      ),
      warnings: [],
      ...this.#waiting(input.options),
      unchanged: false,
    };
  }

  #waiting({ drain, discard }: StandOptions = {}): Pick<Plan, 'blockers' | 'stranded'> {
    const chosen = discard === true ? 'discard' : drain === true ? 'drain' : 'refuse';
    const stranded = this.stranded.map((one) => ({ ...one, action: chosen as StrandedStream['action'] }));
    const blockers =
      chosen === 'refuse' ? stranded.map(({ stream }) => ({ ...NOT_DRAINED, where: stream })) : [];
    return { stranded, blockers };
  }

  async deploy(
    input: DeployInput,
    onProgress?: Parameters<OrchestratorService['deploy']>[1],
  ): Promise<Deployment> {
    this.deploys.push(input);
    onProgress?.({ at: new Date().toISOString(), step: 'apply', gateway: 'edge-1', message: 'deploying' });
    const plan = await this.plan(input);
    refuse(plan);
    const { application, version } = plan;
    if (input.application === undefined) this.#next += 1;
    this.#apps.set(application, { version, name: plan.name, flow: input.flow as RawFlow });
    this.emit('application', application, 'new-version');
    return {
      id: `d${this.deploys.length}`,
      application,
      version,
      status: 'running',
      plan,
      pending: [],
      seconds: 0.4,
    };
  }

  applications() {
    return [...this.#apps.keys()].map((id) => this.application(id));
  }
  application(id: string): AppDetail {
    const app = this.#apps.get(id);
    if (app === undefined) {
      throw new EchoError('ECHO_APP_UNKNOWN', { status: 404, title: 'unknown', remedy: 'none' });
    }
    const tasks = app.flow.filter((entry) => entry.wires !== undefined);
    return {
      id,
      name: app.name,
      version: app.version,
      status: 'running',
      gateways: GATEWAYS.map((gateway) => gateway.id),
      tasks: tasks.length,
      cutWires: 0,
      updated: '2026-01-01T00:00:00.000Z',
      flow: app.flow,
      placement: Object.fromEntries(tasks.map((task, at) => [task.id, GATEWAYS[at % 3]!.id])),
      streams: [],
    };
  }
  async planRemoval(id: string, options?: StandOptions): Promise<Plan> {
    const { flow } = this.application(id);
    return this.plan({ application: id, flow, ...(options === undefined ? {} : { options }) });
  }
  async remove(id: string, _onProgress?: unknown, options: StandOptions = {}): Promise<void> {
    this.stood.push(options);
    refuse(this.#waiting(options));
    this.removed.push(id);
    this.#apps.delete(id);
    this.emit('application', id, 'removed');
  }
  gateways(): GatewayView[] {
    return [...GATEWAYS];
  }
  async inject(node: string, body?: unknown): Promise<void> {
    this.injected.push([node, body]);
  }
  async setDebug(nodes: readonly string[], active: boolean): Promise<void> {
    for (const node of nodes) this.switched.push([node, active]);
  }
}
