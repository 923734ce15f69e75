/**
 * Control envelopes between a gateway's agent and the orchestrator: JSON, one schema each, parsed once
 * at the edge with `parseUp` / `parseDown`. Enrolment travels over HTTP (`EnrolRequest` → `EnrolReply`), since
 * a gateway has no broker credentials before it.
 */
import { z } from 'zod';
import { operations } from './operate.ts';
import { GATEWAY_ID, PROTOCOL_VERSION } from './topics.ts';

export const gatewayId = z.string().regex(GATEWAY_ID, 'lower-case letters, digits and hyphens, at most 63');
export const tier = z.enum(['edge', 'fog', 'cloud']);
export type Tier = z.infer<typeof tier>;

/** Incarnation of a gateway process: `disk` is made once in its log folder, `count` grows at each start. */
export const boot = z.object({ disk: z.string().min(1).max(64), count: z.number().int().nonnegative() });
export type Boot = z.infer<typeof boot>;

/** What a gateway says of itself: at enrolment and at every hello. */
export const gatewayFacts = z.object({
  tier,
  site: z.string().max(64).optional(),
  /** Base of the Node-RED admin API, with `httpAdminRoot`, no trailing slash. */
  adminUrl: z.url({ protocol: /^https?$/ }),
  nodeRedVersion: z.string().max(32),
  nodeVersion: z.string().max(32),
  agentVersion: z.string().max(32),
  arch: z.string().max(32),
  platform: z.string().max(32),
  cpuCores: z.number().positive(),
  memTotalMB: z.number().nonnegative(),
  capabilities: z.array(z.string().min(1).max(64)).max(256).default([]),
  /** Most tasks it wants to carry; absent means no limit. */
  maxTasks: z.number().int().positive().optional(),
  nodeTypes: z.array(z.string().min(1).max(128)).max(5000),
  /** Body limit of its admin API, bytes (`apiMaxLength`). */
  apiMaxBytes: z.number().int().positive(),
  location: z.object({ lat: z.number(), long: z.number() }).optional(),
  /** The broker it offers to the gateways of its site, as they reach it. */
  siteBroker: z.url({ protocol: /^mqtts?$/ }).optional(),
});
export type GatewayFacts = z.infer<typeof gatewayFacts>;

/** How the orchestrator may use the admin API. Kept in its store only; never logged, catalogued or exported. */
export const adminAccess = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  token: z.string().optional(),
  /** PEM certificate to pin when the admin API is HTTPS with a certificate of its own. */
  certificate: z.string().optional(),
});
export type AdminAccess = z.infer<typeof adminAccess>;

/** `POST /api/v1/enrol` with a one-time `token`, or `gateway` + `secret` on each later start. */
export const enrolRequest = z.object({
  v: z.literal(PROTOCOL_VERSION),
  token: z.string().max(256).optional(),
  /** Identity of the disk that asks: whose answer was lost may ask with the same token again. */
  disk: boot.shape.disk.optional(),
  gateway: gatewayId.optional(),
  secret: z.string().max(256).optional(),
  /** Name asked for at first enrolment; becomes the gateway id. */
  name: gatewayId.optional(),
  facts: gatewayFacts,
  admin: adminAccess.optional(),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

export const brokerAccess = z.object({
  url: z.string().min(1),
  username: z.string().optional(),
  password: z.string().optional(),
});
export type BrokerAccess = z.infer<typeof brokerAccess>;

export const enrolReply = z.object({
  v: z.literal(PROTOCOL_VERSION),
  gateway: gatewayId,
  /** Proves the gateway from now on: HTTP renewals, and the MQTT password on the embedded broker. */
  secret: z.string(),
  brokers: z.array(brokerAccess).min(1),
  heartbeatMs: z.number().int().positive(),
  /** The broker of its site, when there is one. Several URLs are nodes of one cluster, as in `brokers`. */
  site: z.object({ name: z.string(), brokers: z.array(brokerAccess).min(1) }).optional(),
  /** For the gateway that offers that broker: who is let in, gateway id → SHA-256 of its password, hex. */
  members: z.record(gatewayId, z.string()).optional(),
  /** Names what is granted here of brokers. Heartbeats say it back, so that a change is noticed. */
  grant: z.string().optional(),
});
export type EnrolReply = z.infer<typeof enrolReply>;

/** One consumer of a stream as its producer sees it. Numbers are sequence numbers, contiguous, cumulative. */
export const consumerPosition = z.object({
  received: z.number(),
  done: z.number(),
  stable: z.number(),
  credit: z.number(),
  /** Records given up before it had received them: declared loss. */
  lost: z.number().optional(),
});

export const outStreamStatus = z.object({
  stream: z.string(),
  role: z.literal('out'),
  pe: z.number(),
  /** Last appended sequence. */
  head: z.number(),
  /** Lowest sequence still held. */
  base: z.number(),
  bytes: z.number(),
  consumers: z.record(z.string(), consumerPosition),
  appended: z.number(),
  sent: z.number(),
  retransmitted: z.number(),
  /** Records given up under an overload policy, after a lost log tail (GAP) or by a purge: declared loss. */
  lost: z.number(),
  /** Records appended a second, over the last seconds. */
  rate: z.number().optional(),
  /** What the slowest consumer has not stably passed; bytes and age to within a log segment. */
  backlog: z
    .object({
      records: z.number(),
      bytes: z.number(),
      /** When the oldest of it was appended, ms since 1970. */
      since: z.number().optional(),
    })
    .optional(),
});
export type OutStreamStatus = z.infer<typeof outStreamStatus>;

export const inStreamStatus = z.object({
  stream: z.string(),
  role: z.literal('in'),
  producer: z.string(),
  pe: z.number(),
  received: z.number(),
  done: z.number(),
  stable: z.number(),
  /** Records handed to Node-RED by this boot. */
  delivered: z.number(),
  /** Same sequence arrived again and was dropped. */
  duplicates: z.number(),
  /** Work done again after a crash, recognised by lineage or by redelivery; delivered, counted. */
  repeated: z.number(),
  /** Sequences covered by GAP records or skipped: declared loss. */
  lost: z.number(),
  /** Records delivered a second, over the last seconds. */
  rate: z.number().optional(),
  /**
   * From append to delivery, ms, over the last records. The two ends are read off two clocks: the difference between
   * them is part of it, and where the consumer's is behind it may be negative.
   */
  latencyMs: z.object({ p50: z.number(), p99: z.number() }).optional(),
  /** Deliveries of a record whose task had failed. */
  retried: z.number().optional(),
  /** Records that count as processed because a task did not say what became of them in its time. */
  unfollowed: z.number().optional(),
  /** Records set aside that wait to be replayed or dropped. */
  dead: z.number().optional(),
});
export type InStreamStatus = z.infer<typeof inStreamStatus>;

export const streamStatus = z.discriminatedUnion('role', [outStreamStatus, inStreamStatus]);
export type StreamStatus = z.infer<typeof streamStatus>;

/** Per-node counters since boot; `serviceUs` is the mean of the sampled service times, microseconds. */
export const nodeCounters = z.object({
  received: z.number(),
  sent: z.number(),
  completed: z.number(),
  errors: z.number(),
  serviceUs: z.number().optional(),
});
export type NodeCounters = z.infer<typeof nodeCounters>;

/** The shared broker or that of a site, as one gateway sees it: `reachable` was tried a moment ago. */
export const brokerReach = z.object({
  role: z.enum(['shared', 'site']),
  url: z.string(),
  reachable: z.boolean(),
});
export type BrokerReach = z.infer<typeof brokerReach>;

/** How the checkpoints of a fragment go; since the start of the process. */
export const checkpointStatus = z.object({
  application: z.string(),
  taken: z.number(),
  /** On disk. */
  bytes: z.number(),
  /** What the last one took of the event loop, ms. */
  lastMs: z.number(),
  /** How long the oldest work waits that no checkpoint holds, ms; absent while there is none. */
  waitingMs: z.number().optional(),
});
export type CheckpointStatus = z.infer<typeof checkpointStatus>;

const envelope = { v: z.literal(PROTOCOL_VERSION), boot };

export const hello = z.object({ ...envelope, type: z.literal('hello'), facts: gatewayFacts });
export const heartbeat = z.object({
  ...envelope,
  type: z.literal('heartbeat'),
  at: z.number(),
  cpuPct: z.number(),
  memFreeMB: z.number(),
  rssMB: z.number(),
  eventLoopLagMs: z.number(),
  nodes: z.record(z.string(), nodeCounters),
  streams: z.array(streamStatus),
  /** Of the fragments that take any. */
  checkpoints: z.array(checkpointStatus).optional(),
  /** Open gates (deploy ids), so that an orchestrator that lost track can open or finish them. */
  gates: z.array(z.string()),
  /** The brokers it was given, and which of them it reaches. */
  brokers: z.array(brokerReach).optional(),
  /** `grant` of the enrolment it goes by. */
  grant: z.string().optional(),
});
export type Heartbeat = z.infer<typeof heartbeat>;
/** A debug-sidebar message or a node status of an ECHO task, for the design editor. */
export const comms = z.object({
  ...envelope,
  type: z.literal('comms'),
  kind: z.enum(['debug', 'status']),
  node: z.string(),
  data: z.unknown(),
});
export const reply = z.object({
  ...envelope,
  type: z.literal('reply'),
  id: z.string(),
  result: z.unknown().optional(),
  error: z
    .object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});
export const upEnvelope = z.discriminatedUnion('type', [hello, heartbeat, comms, reply]);
export type UpEnvelope = z.infer<typeof upEnvelope>;

/** Requests the orchestrator makes of an agent; each is answered by one `reply` with the same id. */
export const request = z.discriminatedUnion('method', [
  /**
   * Holds deliveries around a deploy. `sources`: tasks without inputs stop feeding, the rest drains.
   * `all`: nothing is delivered to any task of the tabs. Idempotent; a later call raises or renews.
   * The gate opens by itself when `leaseMs` ends without renewal, unless `sealed` (a new fragment stands behind it).
   * `deploy` names the deploy; `tabs` are the tab ids of the fragment(s), before and after.
   */
  z.object({
    method: z.literal('gate.close'),
    params: z.object({
      deploy: z.string(),
      tabs: z.array(z.string()),
      level: z.enum(['sources', 'all']),
      leaseMs: z.number().int().positive(),
      sealed: z.boolean().default(false),
    }),
  }),
  z.object({ method: z.literal('gate.status'), params: z.object({ deploy: z.string() }) }),
  z.object({
    method: z.literal('gate.open'),
    params: z.object({
      deploy: z.string(),
      /** Held messages whose task left this gateway and is fed by no stream: `drop` counts them as declared loss. */
      orphans: z.enum(['keep', 'drop']).default('drop'),
    }),
  }),
  z.object({ method: z.literal('streams.status'), params: z.object({}) }),
  ...operations,
  /** Forgets the log and cursors of streams that no fragment uses any more. */
  z.object({ method: z.literal('streams.retire'), params: z.object({ streams: z.array(z.string()) }) }),
  /** What it may use of brokers has changed: enrol again with the secret. */
  z.object({ method: z.literal('gateway.renew'), params: z.object({}) }),
  /** The gateway is taken out of the fleet: forget identity, close connections after the reply. */
  z.object({ method: z.literal('gateway.forget'), params: z.object({}) }),
]);
export type ControlRequest = z.infer<typeof request>;

export const downEnvelope = z.object({
  v: z.literal(PROTOCOL_VERSION),
  type: z.literal('request'),
  id: z.string().min(1).max(64),
  request,
});
export type DownEnvelope = z.infer<typeof downEnvelope>;

/** Result of `gate.close` and `gate.status`. */
export const gateStatus = z.object({
  deploy: z.string(),
  level: z.enum(['open', 'sources', 'all']),
  /** Messages received by tasks of the gated tabs and not completed yet. */
  inFlight: z.number(),
  /** The tasks that hold them. */
  busy: z.array(z.object({ node: z.string(), type: z.string(), count: z.number() })),
  /** Deliveries held in the gate. */
  held: z.number(),
  streams: z.array(streamStatus),
});
export type GateStatus = z.infer<typeof gateStatus>;

/** Result of `gate.open`. `rerouted` went into a stream because their task moved to another gateway. */
export const gateOpened = z.object({ delivered: z.number(), rerouted: z.number(), dropped: z.number() });
export type GateOpened = z.infer<typeof gateOpened>;

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** Reads an envelope from a packet; rubbish of any kind is a reason, never an exception. */
function parse<T>(schema: z.ZodType<T>, payload: Uint8Array, maxBytes: number): Parsed<T> {
  if (payload.length > maxBytes)
    return { ok: false, reason: `envelope of ${payload.length} bytes, limit ${maxBytes}` };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    return { ok: false, reason: `not JSON: ${(error as Error).message}` };
  }
  const result = schema.safeParse(json);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  return {
    ok: false,
    reason: issue ? `${issue.path.join('/')}: ${issue.message}` : 'does not fit the schema',
  };
}

/** Largest control envelope accepted, bytes. */
export const MAX_ENVELOPE_BYTES = 4 * 1024 * 1024;

export const parseUp = (payload: Uint8Array): Parsed<UpEnvelope> =>
  parse(upEnvelope, payload, MAX_ENVELOPE_BYTES);
export const parseDown = (payload: Uint8Array): Parsed<DownEnvelope> =>
  parse(downEnvelope, payload, MAX_ENVELOPE_BYTES);

export function encodeEnvelope(envelope: UpEnvelope | DownEnvelope): Buffer {
  return Buffer.from(JSON.stringify(envelope));
}
