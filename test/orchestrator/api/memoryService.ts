/**
 * The orchestrator's contract (`types.ts`) kept in memory: enough truth for the faces to be tested against, over a
 * fleet of three gateways. A deploy places each task on the gateway its `echo.gateway` or `echo.tier` names.
 */
import { EventEmitter } from 'node:events';
import type { RawFlow } from '../../../src/flow/types.ts';
import { gatewayError } from '../../../src/orchestrator/gateways/errors.ts';
import { storeError } from '../../../src/orchestrator/store/errors.ts';
import { streamError } from '../../../src/orchestrator/streams/errors.ts';
import type {
  AppDetail,
  CutWire,
  DeployInput,
  Deployment,
  GatewayDetail,
  GatewayPlan,
  OrchestratorEvents,
  OrchestratorService,
  Plan,
  Problem,
  Progress,
  StandOptions,
  StreamsService,
  VersionSummary,
} from '../../../src/orchestrator/types.ts';
import type { Heartbeat } from '../../../src/wire/control.ts';
import { defineErrors } from '../../../src/wire/errors.ts';
import { wireError } from '../../../src/wire/wireErrors.ts';

const refused = defineErrors({
  TEST_NOT_A_FLOW: { status: 400, title: 'Not a flow.', remedy: 'Send a flow.' },
  TEST_BLOCKED: { status: 409, title: 'Blocked.', remedy: 'Start the gateway, or use --allow-offline.' },
});

const now = () => new Date().toISOString();

/** One record waits in every stream, and one dead letter on `fog-1`. */
function memoryStreams(known: (gateway: string) => void): StreamsService {
  const letters = new Map([['1', { ...deadLetter, id: '1' }]]);
  const letter = (gateway: string, id: string) => {
    known(gateway);
    const found = letters.get(id);
    if (gateway !== 'fog-1' || found === undefined)
      throw wireError('ECHO_DEAD_LETTER_UNKNOWN', { message: `there is no dead letter ${id} here` });
    return { gateway, ...found };
  };
  const unknown = (stream: string) => {
    if (stream === 'nowhere')
      throw streamError('ECHO_STREAM_UNKNOWN', { message: `There is no stream ${stream}.` });
  };
  return {
    inspect: async (stream, { limit = 20 } = {}) => {
      unknown(stream);
      const body = '{"payload":21.5}';
      const record = {
        seq: 7,
        to: 7,
        kind: 'message' as const,
        at: Date.now(),
        bytes: 40,
        body,
        truncated: false,
      };
      return { head: 7, waiting: 1, records: [record].slice(0, limit) };
    },
    purge: async (stream, consumer = 'fog-1') => {
      unknown(stream);
      return { to: 7, consumers: { [consumer]: 1 } };
    },
    skip: async (stream, _consumer, count = 1) => {
      unknown(stream);
      return { seqs: Array.from({ length: count }, (_, i) => i + 1) };
    },
    deadLetters: async ({ gateway = 'fog-1' } = {}) =>
      gateway === 'fog-1' ? [...letters.values()].map((found) => ({ gateway, ...found })) : [],
    deadLetter: async (gateway, id) => ({
      ...letter(gateway, id),
      body: '{"payload":"bad"}',
      truncated: false,
    }),
    replay: async (gateway, id) => {
      letter(gateway, id);
      letters.delete(id);
      return { outcome: 'done' };
    },
    drop: async (gateway, id) => {
      letter(gateway, id);
      letters.delete(id);
    },
  };
}

const deadLetter = {
  stream: 'city/parse:0',
  producer: 'edge-1',
  seq: 3,
  reason: 'error',
  error: 'no such table',
  attempts: 3,
  appendedAt: 1_790_000_000_000,
  at: 1_790_000_001_000,
  bytes: 40,
} as const;

interface App {
  detail: AppDetail;
  readonly versions: (VersionSummary & { readonly flow: RawFlow })[];
}

export interface MemoryService extends OrchestratorService {
  /** Says an event as if it had happened. */
  say<E extends keyof OrchestratorEvents>(event: E, ...args: OrchestratorEvents[E]): void;
  /** What `inject` was asked. */
  readonly pressed: [node: string, body: unknown][];
  /** What `deploy` and `plan` were asked. */
  readonly asked: DeployInput[];
  /** What `stop` and `remove` were told of records that wait. */
  readonly stood: [verb: string, options: StandOptions][];
  down(gateway: string): void;
  /** Makes the next `plan` or `deploy` throw this. */
  failWith(error: unknown): void;
}

export function memoryService(): MemoryService {
  const fleet = new Map(
    (['edge-1', 'fog-1', 'cloud-1'] as const).map((id, index) => [id as string, gatewayDetail(id, index)]),
  );
  const apps = new Map<string, App>();
  const events = new EventEmitter();
  const pressed: [string, unknown][] = [];
  const asked: DeployInput[] = [];
  const stood: [verb: string, options: StandOptions][] = [];
  let failure: unknown;

  const app = (id: string): App => {
    const found = apps.get(id);
    if (found === undefined)
      throw storeError('ECHO_APP_UNKNOWN', { message: `There is no application ${id}.` });
    return found;
  };
  const gateway = (id: string): GatewayDetail => {
    const found = fleet.get(id);
    if (found === undefined)
      throw gatewayError('ECHO_GATEWAY_UNKNOWN', { message: `No gateway ${id}.`, where: id });
    return found;
  };
  const plan = (input: DeployInput): Plan => {
    asked.push(input);
    if (failure !== undefined) throw failure;
    const flow = readFlow(input.flow);
    const tab = flow.find((node) => node.type === 'tab');
    const id = input.application ?? `app-${tab?.id ?? 'x'}`;
    return planOf(flow, id, input, apps.get(id)?.detail, fleet, tab);
  };
  const deploy: OrchestratorService['deploy'] = async (input, onProgress) => {
    const planned = plan(input);
    const blocker = planned.blockers[0];
    if (blocker) throw refused('TEST_BLOCKED', { message: blocker.message, where: blocker.where ?? '' });
    const steps = planned.gateways.map(({ gateway: at }) => step('deploy', `Deploying on ${at}`, at));
    for (const progress of steps) {
      onProgress?.(progress);
      events.emit('progress', 'op', progress);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!planned.unchanged) keep(planned, readFlow(input.flow), input.origin ?? 'api');
    const deployment: Deployment = {
      id: 'd1',
      application: planned.application,
      version: planned.version,
      status: planned.unchanged ? 'unchanged' : 'running',
      plan: planned,
      pending: [],
      seconds: 0.4,
    };
    events.emit('deployed', deployment);
    return deployment;
  };
  const keep = (planned: Plan, flow: RawFlow, origin: string): void => {
    const { application: id, version, placement } = planned;
    const detail: AppDetail = {
      id,
      name: planned.name,
      version,
      status: 'running',
      gateways: [...new Set(Object.values(placement))].sort(),
      tasks: Object.keys(placement).length,
      cutWires: planned.cutWires.length,
      updated: now(),
      flow,
      placement,
      streams: planned.cutWires,
    };
    const versions = apps.get(id)?.versions ?? [];
    versions.push({ version, created: now(), origin, tasks: detail.tasks, placement, flow });
    apps.set(id, { detail, versions });
    events.emit('application', id, 'new-version');
  };
  const summary = (id: string) => {
    const { flow: _f, placement: _p, streams: _s, ...rest } = app(id).detail;
    return rest;
  };
  const setStatus = (id: string, status: AppDetail['status']) => {
    const found = app(id);
    found.detail = { ...found.detail, status };
    return summary(id);
  };

  return {
    plan: async (input) => plan(input),
    deploy,
    brokers: () => [
      {
        name: 'shared',
        role: 'shared',
        urls: ['mqtt://127.0.0.1:1899'],
        from: 'orchestrator',
        gateways: [...fleet.values()].map(({ id, health }) => ({
          gateway: id,
          declared: true,
          ...(health === 'up' ? { probed: true } : {}),
        })),
      },
      {
        name: 'site/hall',
        role: 'site',
        site: 'hall',
        urls: ['mqtt://10.0.0.2:1885'],
        from: 'fog-1',
        gateways: [
          { gateway: 'edge-1', declared: true, probed: false },
          { gateway: 'fog-1', declared: true, probed: true },
          { gateway: 'cloud-1', declared: false },
        ],
      },
    ],
    streams: memoryStreams((id) => void gateway(id)),
    applications: () => [...apps.keys()].map(summary),
    application: (id) => app(id).detail,
    history: (id) => app(id).versions.map(({ flow: _, ...version }) => version),
    diff: async (id) => ({
      application: id,
      version: app(id).detail.version,
      gateways: app(id).detail.gateways.map((at) => ({ gateway: at, online: true, drift: [] })),
      clean: true,
    }),
    stop: async (id, onProgress, options = {}) => {
      app(id);
      stood.push(['stop', options]);
      onProgress?.(step('stop', 'Taking the fragments off'));
      return setStatus(id, 'stopped');
    },
    start: async (id) => setStatus(id, 'running'),
    planRemoval: async (id) => plan({ application: id, flow: app(id).detail.flow }),
    remove: async (id, _onProgress, options = {}) => {
      app(id);
      stood.push(['remove', options]);
      apps.delete(id);
    },
    rollback: async (id, version, options, onProgress) => {
      const old = app(id).versions.find((v) => v.version === version);
      if (old === undefined) {
        throw storeError('ECHO_VERSION_UNKNOWN', { message: `${id} has no version ${version}.` });
      }
      return deploy({ flow: old.flow, application: id, options: options ?? {} }, onProgress);
    },
    explain: (id, task) => {
      const at = app(id).detail.placement[task];
      if (at === undefined) throw storeError('ECHO_APP_UNKNOWN', { message: `${id} has no task ${task}.` });
      const others = [...fleet.values()].filter((g) => g.id !== at);
      return {
        task,
        gateway: at,
        because: ['the tab asks for this tier'],
        rejected: others.map((g) => ({ gateway: g.id, code: 'tier', reason: `its tier is ${g.tier}` })),
      };
    },
    gateways: () => [...fleet.values()].map(({ nodeTypes: _n, heartbeat: _h, ...view }) => view),
    gateway,
    removeGateway: async (id) => {
      gateway(id);
      fleet.delete(id);
    },
    importGateway: async (id, options) => {
      gateway(id);
      const flow = [
        { id: 'own', type: 'tab', label: 'Own' },
        { id: 'n1', type: 'inject', z: 'own', echo: { gateway: id }, wires: [[]] },
      ];
      return deploy({ flow, ...(options?.name === undefined ? {} : { name: options.name }) });
    },
    createToken: (options) => ({
      token: 'one-time-token',
      expires: now(),
      ...(options?.name === undefined ? {} : { name: options.name }),
    }),
    enrol: async (request) => {
      if (request.token !== 'one-time-token') throw gatewayError('ECHO_TOKEN_INVALID');
      const brokers = [{ url: 'mqtt://127.0.0.1:1899' }];
      return { v: 1, gateway: request.name ?? 'new', secret: 's', brokers, heartbeatMs: 2000 };
    },
    inject: async (node, body) => {
      pressed.push([node, body]);
    },
    setDebug: async () => {},
    on: (event, listener) => {
      events.on(event, listener as (...args: unknown[]) => void);
      return () => events.off(event, listener as (...args: unknown[]) => void);
    },
    say: (event, ...args) => {
      events.emit(event, ...args);
    },
    pressed,
    asked,
    stood,
    down: (id) => {
      fleet.set(id, { ...gateway(id), health: 'down' });
    },
    failWith: (error) => {
      failure = error;
    },
  };
}

const step = (name: string, message: string, gateway?: string): Progress => ({
  at: now(),
  step: name,
  message,
  ...(gateway === undefined ? {} : { gateway }),
});

function readFlow(value: unknown): RawFlow {
  const flow = Array.isArray(value) ? value : undefined;
  if (flow === undefined || flow.some((n) => typeof n?.id !== 'string' || typeof n.type !== 'string')) {
    throw refused('TEST_NOT_A_FLOW', { message: 'This is not a flow.', where: '/0' });
  }
  return flow as RawFlow;
}

function planOf(
  flow: RawFlow,
  id: string,
  input: DeployInput,
  before: AppDetail | undefined,
  fleet: ReadonlyMap<string, GatewayDetail>,
  tab: RawFlow[number] | undefined,
): Plan {
  const tasks = flow.filter((node) => node.z !== undefined);
  const at = (node: RawFlow[number]): string => {
    const hints = node.echo as { gateway?: string; tier?: string } | undefined;
    return hints?.gateway ?? `${hints?.tier ?? 'edge'}-1`;
  };
  const placement = Object.fromEntries(tasks.map((task) => [task.id, at(task)]));
  const name = (node: string) => flow.find((n) => n.id === node)?.name ?? node;
  const cutWires = tasks.flatMap((task) => cutsOf(task, id, placement, name));
  const gateways = [...new Set(Object.values(placement))].sort().map((gateway): GatewayPlan => {
    const here = tasks.filter((task) => placement[task.id] === gateway);
    return {
      gateway,
      online: fleet.get(gateway)?.health === 'up',
      changes: here.map((task) => ({
        node: task.id,
        type: task.type,
        name: task.name ?? '',
        change: before?.placement[task.id] === undefined ? 'add' : 'same',
      })),
      restarts: before ? 0 : here.length,
      tasks: here.map((task) => task.id),
      drift: [],
    };
  });
  const blockers = gateways.flatMap((g): Problem[] =>
    g.online || input.options?.allowOffline
      ? []
      : [
          {
            code: 'TEST_BLOCKED',
            message: `${g.gateway} is down.`,
            where: g.gateway,
            remedy: 'Start it, or use --allow-offline.',
          },
        ],
  );
  const unchanged = before !== undefined && JSON.stringify(before.flow) === JSON.stringify(flow);
  return {
    application: id,
    name: input.name ?? before?.name ?? String(tab?.label ?? id),
    version: unchanged ? before.version : (before?.version ?? 0) + 1,
    placement,
    gateways,
    cutWires,
    warnings: tasks.some((task) => task.type === 'catch')
      ? [{ code: 'TEST_SCOPE', where: 'tab', message: 'A catch node sees its own gateway only.' }]
      : [],
    blockers,
    stranded: input.options?.drain === true ? [strandedStream] : [],
    unchanged,
  };
}

const strandedStream = {
  stream: 'city/parse:0',
  from: 'edge-1',
  consumers: ['fog-1'],
  away: [],
  records: 12,
  bytes: 3_400,
  ageMs: 61_000,
  action: 'drain',
} as const;

function cutsOf(
  task: RawFlow[number],
  application: string,
  placement: Readonly<Record<string, string>>,
  name: (node: string) => string,
): CutWire[] {
  return (task.wires ?? []).flatMap((targets, port): CutWire[] => {
    const away = targets.filter((to) => placement[to] !== placement[task.id]);
    if (away.length === 0) return [];
    const to = away.map((node) => ({
      node,
      name: name(node),
      gateway: placement[node] ?? '',
      broker: 'shared',
    }));
    return [
      {
        stream: `${application}/${task.id}:${port}`,
        from: { node: task.id, name: name(task.id), port, gateway: placement[task.id] ?? '' },
        to,
        broker: 'shared',
        why: `${name(task.id)} is bound to ${placement[task.id]}, ${to[0]?.name} to ${to[0]?.gateway}`,
        level: 'at-least-once',
      },
    ];
  });
}

function gatewayDetail(id: string, index: number): GatewayDetail {
  return {
    id,
    tier: id.split('-')[0] as GatewayDetail['tier'],
    site: 'hall',
    health: 'up',
    lastSeen: now(),
    adminUrl: `http://127.0.0.1:${1881 + index}`,
    nodeRedVersion: index === 0 ? '4.1.14' : '5.0.7',
    nodeVersion: '24.21.0',
    arch: 'x64',
    cpuCores: 2,
    cpuPct: 12.5,
    memTotalMB: 4096,
    memFreeMB: 2048,
    capabilities: index === 0 ? ['camera'] : [],
    tasks: 2,
    applications: [],
    nodeTypes: ['inject', 'function', 'debug'],
    heartbeat: heartbeat(id, 1_000, 100),
  };
}

/** A heartbeat in which the stream of `exampleFlow` has carried `records`. */
export function heartbeat(gateway: string, at: number, records: number): Heartbeat {
  const stream = 'city/parse:0';
  const streams: Heartbeat['streams'] =
    gateway === 'edge-1'
      ? [
          {
            stream,
            role: 'out',
            pe: 1,
            head: records,
            base: records - 10,
            bytes: 2_000,
            consumers: {
              'fog-1': { received: records, done: records - 3, stable: records - 4, credit: 100 },
            },
            appended: records,
            sent: records,
            retransmitted: 2,
            lost: 0,
            rate: 12.5,
            backlog: { records: 4, bytes: 480, since: at - 1_500 },
          },
        ]
      : gateway === 'fog-1'
        ? [
            {
              stream,
              role: 'in',
              producer: 'edge-1',
              pe: 1,
              received: records,
              done: records - 3,
              stable: records - 4,
              delivered: records,
              duplicates: 2,
              repeated: 1,
              lost: 0,
              rate: 12,
              latencyMs: { p50: 2, p99: 40 },
              retried: 1,
              unfollowed: 4,
              dead: 1,
            },
          ]
        : [];
  return {
    v: 1,
    boot: { disk: 'd', count: 1 },
    type: 'heartbeat',
    at,
    cpuPct: 12.5,
    memFreeMB: 2_000,
    rssMB: 80,
    eventLoopLagMs: 1,
    nodes: {},
    streams,
    gates: [],
    ...(gateway === 'fog-1' && {
      checkpoints: [{ application: 'city', taken: 7, bytes: 1_024, lastMs: 2, waitingMs: 30 }],
    }),
  };
}

/** inject (edge) → parse (edge) → average (fog) → show (cloud). */
export const exampleFlow = [
  { id: 't1', type: 'tab', label: 'City sensors' },
  { id: 'src', type: 'inject', z: 't1', name: 'every second', echo: { tier: 'edge' }, wires: [['parse']] },
  { id: 'parse', type: 'function', z: 't1', name: 'parse', echo: { tier: 'edge' }, wires: [['avg']] },
  { id: 'avg', type: 'function', z: 't1', name: 'average', echo: { tier: 'fog' }, wires: [['show']] },
  { id: 'show', type: 'debug', z: 't1', name: 'show', echo: { tier: 'cloud' }, wires: [] },
];
