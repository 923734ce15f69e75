/**
 * The shapes that cross the REST API, as schemas: requests are validated with them, the OpenAPI document is
 * generated from them, and tests hold every answer against them. `satisfies` keeps them equal to `types.ts`.
 */
import { z } from 'zod';
import type { Explanation } from '../../placement/types.ts';
import { enrolReply, enrolRequest, gatewayId, heartbeat, tier } from '../../wire/control.ts';
import { deadLetter, deadLetterDetail, inspection, purged, replayed, skipped } from '../../wire/operate.ts';
import type { WireChoice } from '../../wire/options.ts';
import type {
  AppDetail,
  AppDiff,
  AppSummary,
  BrokerView,
  CutWire,
  DeadLetterDetailView,
  DeadLetterView,
  Deployment,
  DeployOptions,
  Drift,
  EnrolToken,
  GatewayDetail,
  GatewayPlan,
  GatewayView,
  Plan,
  Problem,
  Progress,
  StrandedStream,
  VersionSummary,
} from '../types.ts';
import type { Operation } from './operations.ts';
import type { ProblemDocument } from './problem.ts';
import type { StreamView } from './streams.ts';

const text = z.string();
const count = z.number().int().nonnegative();
const placement = z.record(text, text).describe('Task id to gateway id.');
const details = z.record(text, z.unknown());

const deployOptions = z.strictObject({
  allowOffline: z.boolean().exactOptional().describe('Complete on gateways that are down when they return.'),
  overwrite: z.boolean().exactOptional().describe('Overwrite fragments edited by hand on a gateway.'),
  overwriteDraft: z.boolean().exactOptional().describe('Replace a canvas draft that was never deployed.'),
  force: z.boolean().exactOptional().describe('Go on although tasks did not drain in time.'),
  drain: z.boolean().exactOptional().describe('Wait for a gateway that is away to drain its streams.'),
  discard: z
    .boolean()
    .exactOptional()
    .describe('Give up records that wait in streams that go: declared loss.'),
  ifVersion: count.exactOptional().describe("Refuse unless this is the application's current version."),
  drainMs: z
    .number()
    .int()
    .min(0)
    .max(600_000)
    .exactOptional()
    .describe('How long tasks may take to drain, ms.'),
}) satisfies z.ZodType<DeployOptions>;

/** Options in a query: `?overwrite` and `?overwrite=1` mean true. */
const flag = z
  .enum(['', '1', 'true', '0', 'false'])
  .transform((value) => value !== '0' && value !== 'false')
  .exactOptional();
const number = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number')
  .transform(Number)
  .exactOptional();

export const optionsQuery = z.strictObject({
  allowOffline: flag.describe('Complete on gateways that are down when they return.'),
  overwrite: flag.describe('Overwrite fragments edited by hand on a gateway.'),
  overwriteDraft: flag.describe('Replace a canvas draft that was never deployed.'),
  force: flag.describe('Go on although tasks did not drain in time.'),
  drain: flag.describe('Wait for a gateway that is away to drain its streams.'),
  discard: flag.describe('Give up records that wait in streams that go: declared loss.'),
  ifVersion: number.describe("Refuse unless this is the application's current version."),
  drainMs: number.describe('How long tasks may take to drain, ms.'),
  async: flag.describe('Answer 202 at once; the work goes on as an operation.'),
});

export const asyncQuery = optionsQuery.pick({ async: true });
export const standQuery = optionsQuery.pick({ drain: true, discard: true, drainMs: true, async: true });
export const forceQuery = optionsQuery.pick({ force: true, async: true });

export const deployQuery = optionsQuery.extend({
  application: text.min(1).max(128).exactOptional().describe('Application id; else the id its tabs carry.'),
  name: text.min(1).max(256).exactOptional().describe('Name of the application.'),
});

const credentials = z.record(text, z.record(text, text)).describe('Node credentials by node id.');

/** The flow itself is validated by the flow reader, whose errors name the offending node. */
export const deployObject = z.strictObject({
  flow: z.unknown().describe('A Node-RED flow: an array of nodes as Node-RED exports it.'),
  name: text.min(1).max(256).exactOptional(),
  application: text.min(1).max(128).exactOptional(),
  credentials: credentials.exactOptional(),
  options: deployOptions.exactOptional(),
  origin: z.enum(['cli', 'api']).exactOptional().describe('Who asks, for the history.'),
});

const deployBody = z.union([z.array(z.looseObject({ id: text, type: text })), deployObject]);

const drift = z.object({
  node: text,
  name: text,
  kind: z.enum(['changed', 'missing', 'added']),
  properties: z.array(text).exactOptional(),
}) satisfies z.ZodType<Drift>;

const gatewayPlan = z.object({
  gateway: text,
  online: z.boolean(),
  changes: z.array(
    z.object({
      node: text,
      type: text,
      name: text,
      change: z.enum(['add', 'change', 'move', 'rewire', 'remove', 'same']),
    }),
  ),
  restarts: count,
  tasks: z.array(text),
  drift: z.array(drift),
}) satisfies z.ZodType<GatewayPlan>;

const wireEnds = z.array(
  z.object({ node: text, name: text, gateway: text, broker: text.describe('The broker taken there.') }),
);

const cutWire = z.object({
  stream: text,
  from: z.object({ node: text, name: text, port: count, gateway: text }),
  to: wireEnds,
  broker: text.describe('The brokers it takes: `shared`, `site/<site>`, or both.'),
  why: text,
  level: text,
  options: (z.record(text, z.union([text, z.number()])) as unknown as z.ZodType<WireChoice>)
    .exactOptional()
    .describe('What the user chose besides: durability, window, attempts, start and so on.'),
}) satisfies z.ZodType<CutWire>;

const blocker = z.object({
  code: text,
  message: text,
  where: text.exactOptional(),
  remedy: text,
}) satisfies z.ZodType<Problem>;

const stranded = z.object({
  stream: text,
  from: text,
  consumers: z.array(text),
  away: z.array(text).describe('Those of its gateways that are away.'),
  records: count,
  bytes: count.exactOptional(),
  ageMs: z.number().exactOptional(),
  action: z.enum(['drain', 'discard', 'refuse', 'none']),
}) satisfies z.ZodType<StrandedStream>;

const plan = z.object({
  application: text,
  name: text,
  version: count,
  placement,
  gateways: z.array(gatewayPlan),
  cutWires: z.array(cutWire),
  warnings: z.array(z.object({ code: text, where: text.exactOptional(), message: text })),
  blockers: z.array(blocker),
  stranded: z.array(stranded).describe('Records that wait in streams this change takes away.'),
  unchanged: z.boolean(),
}) satisfies z.ZodType<Plan>;

const progress = z.object({
  at: text,
  step: text,
  gateway: text.exactOptional(),
  message: text,
}) satisfies z.ZodType<Progress>;

const deployment = z.object({
  id: text,
  application: text,
  version: count,
  status: z.enum(['running', 'pending-offline', 'unchanged']),
  plan,
  pending: z.array(text),
  seconds: z.number(),
}) satisfies z.ZodType<Deployment>;

const appSummary = z.object({
  id: text,
  name: text,
  version: count,
  status: z.enum(['running', 'stopped', 'deploying', 'pending-offline', 'undo-pending']),
  gateways: z.array(text),
  tasks: count,
  cutWires: count,
  updated: text,
}) satisfies z.ZodType<AppSummary>;

const appDetail = appSummary.extend({
  flow: z.array(z.looseObject({ id: text, type: text })) as unknown as z.ZodType<AppDetail['flow']>,
  placement,
  streams: z.array(cutWire),
}) satisfies z.ZodType<AppDetail>;

const versionSummary = z.object({
  version: count,
  created: text,
  origin: text,
  tasks: count,
  placement,
  note: text.exactOptional(),
}) satisfies z.ZodType<VersionSummary>;

const appDiff = z.object({
  application: text,
  version: count,
  gateways: z.array(z.object({ gateway: text, online: z.boolean(), drift: z.array(drift) })),
  clean: z.boolean(),
}) satisfies z.ZodType<AppDiff>;

const explanation = z.object({
  task: text,
  gateway: text,
  because: z.array(text),
  rejected: z.array(
    z.object({
      gateway: text,
      code: z.enum(['tier', 'gateway', 'capability', 'node-type', 'capacity', 'down']),
      reason: text,
    }),
  ),
}) satisfies z.ZodType<Explanation>;

const gatewayView = z.object({
  id: text,
  tier,
  site: text.exactOptional(),
  health: z.enum(['up', 'degraded', 'stale', 'down']),
  lastSeen: text,
  adminUrl: text,
  nodeRedVersion: text,
  nodeVersion: text,
  arch: text,
  cpuCores: z.number(),
  cpuPct: z.number().exactOptional(),
  memTotalMB: z.number(),
  memFreeMB: z.number().exactOptional(),
  capabilities: z.array(text),
  maxTasks: count.exactOptional(),
  tasks: count,
  applications: z.array(text),
}) satisfies z.ZodType<GatewayView>;

const gatewayDetail = gatewayView.extend({
  nodeTypes: z.array(text),
  heartbeat: heartbeat.exactOptional() as unknown as z.ZodExactOptional<
    z.ZodType<NonNullable<GatewayDetail['heartbeat']>>
  >,
}) satisfies z.ZodType<GatewayDetail>;

const streamView = z.object({
  stream: text,
  application: text,
  level: text,
  from: z.object({ node: text, name: text, port: count, gateway: text }),
  to: wireEnds,
  producer: z
    .object({
      at: z.number(),
      head: z.number(),
      appended: z.number(),
      retransmitted: z.number(),
      lost: z.number(),
      bytes: z.number(),
      backlog: z.number(),
      backlogBytes: z.number().exactOptional(),
      backlogAgeMs: z.number().exactOptional(),
      rate: z.number().exactOptional(),
    })
    .exactOptional()
    .describe('From the last heartbeat of the gateway that holds the log.'),
  consumers: z.array(
    z.object({
      gateway: text,
      at: z.number(),
      delivered: z.number(),
      done: z.number(),
      duplicates: z.number(),
      repeated: z.number(),
      lost: z.number(),
      rate: z.number().exactOptional(),
      latencyMs: z.object({ p50: z.number(), p99: z.number() }).exactOptional(),
      retried: z.number().exactOptional(),
      unfollowed: z.number().exactOptional(),
      dead: z.number().exactOptional(),
    }),
  ),
}) satisfies z.ZodType<StreamView>;

const brokerView = z.object({
  name: text.describe('`shared`, or `site/<site>`.'),
  role: z.enum(['shared', 'site']),
  site: text.exactOptional(),
  urls: z.array(text),
  from: text.describe('`orchestrator` (embedded), `settings`, or the gateway that offers it.'),
  gateways: z.array(
    z.object({
      gateway: text,
      declared: z.boolean().describe('It is meant to reach it.'),
      probed: z
        .boolean()
        .exactOptional()
        .describe('It does, as it said last; absent while it is not heard of.'),
    }),
  ),
}) satisfies z.ZodType<BrokerView>;

const inGateway = { gateway: text.describe('The gateway that keeps it.') };

const enrolToken = z.object({
  token: text,
  expires: text,
  name: text.exactOptional(),
}) satisfies z.ZodType<EnrolToken>;

const problem = z.object({
  type: text,
  title: text,
  status: z.number().int(),
  detail: text,
  instance: text,
  code: text,
  remedy: text,
  where: text.exactOptional(),
  details: details.exactOptional(),
}) satisfies z.ZodType<ProblemDocument>;

const operation = z.object({
  id: text,
  request: text,
  status: z.enum(['running', 'done', 'failed']),
  started: text,
  finished: text.exactOptional(),
  progress: z.array(progress),
  result: z.unknown().exactOptional(),
  problem: problem.exactOptional(),
}) satisfies z.ZodType<Operation>;

const dataflow = z.object({
  dataflowInput: z.unknown(),
  uuid: text,
  name: text,
  version: count,
  status: text,
  owner: text,
  deviceMapping: placement,
});

const errorEntry = z.object({ code: text, status: z.number().int(), title: text, remedy: text });

/** Every schema with the name it bears in the OpenAPI document. */
export const schemas = {
  AppDetail: appDetail,
  AppDiff: appDiff,
  AppSummary: appSummary,
  BrokerView: brokerView,
  CutWire: cutWire,
  Dataflow: dataflow,
  DeadLetter: deadLetter.extend(inGateway) satisfies z.ZodType<DeadLetterView>,
  DeadLetterDetail: deadLetterDetail.extend(inGateway) satisfies z.ZodType<DeadLetterDetailView>,
  DeployBody: deployBody,
  DeployOptions: deployOptions,
  Deployment: deployment,
  Drift: drift,
  EnrolReply: enrolReply,
  EnrolRequest: enrolRequest,
  ErrorEntry: errorEntry,
  Explanation: explanation,
  GatewayDetail: gatewayDetail,
  GatewayPlan: gatewayPlan,
  GatewayView: gatewayView,
  Health: z.object({ live: z.boolean(), ready: z.boolean() }),
  ImportBody: z.strictObject({
    tabs: z
      .array(text.min(1))
      .min(1)
      .exactOptional()
      .describe('Ids of the tabs to adopt; all of them when absent.'),
    name: text.min(1).max(256).exactOptional().describe('Name of the new application.'),
  }),
  InjectBody: z.unknown(),
  Inspection: inspection,
  EnrolToken: enrolToken,
  Operation: operation,
  Plan: plan,
  ProblemDocument: problem,
  Progress: progress,
  PurgeBody: z.strictObject({
    consumer: text.min(1).exactOptional().describe('For this gateway alone; for all when absent.'),
  }),
  Purged: purged,
  Replayed: replayed,
  RollbackBody: z.strictObject({
    version: z.number().int().positive().describe('The version to go back to.'),
    options: deployOptions.exactOptional(),
  }),
  SkipBody: z.strictObject({
    consumer: text.min(1).describe('The gateway that is stuck.'),
    count: z.number().int().min(1).max(256).exactOptional().describe('How many records; one when absent.'),
  }),
  Skipped: skipped,
  StreamView: streamView,
  TokenBody: z.strictObject({
    name: gatewayId.exactOptional().describe('The name the gateway will have.'),
    ttlSeconds: z
      .number()
      .int()
      .min(1)
      .max(2_592_000)
      .exactOptional()
      .describe('How long the token is good for.'),
  }),
  VersionSummary: versionSummary,
} as const satisfies Readonly<Record<string, z.ZodType>>;

export type SchemaName = keyof typeof schemas;
