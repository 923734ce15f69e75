/** Plans and what comes of them. */
import { z } from 'zod';
import type { WireChoice } from '../../../wire/options.ts';
import type {
  CutWire,
  Deployment,
  Drift,
  GatewayPlan,
  Plan,
  Problem,
  Progress,
  StrandedStream,
} from '../../types.ts';
import { count, placement, text } from './words.ts';

export const drift = z.object({
  node: text,
  name: text,
  kind: z.enum(['changed', 'missing', 'added']),
  properties: z.array(text).exactOptional(),
}) satisfies z.ZodType<Drift>;

export const gatewayPlan = z.object({
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

export const wireEnds = z.array(
  z.object({ node: text, name: text, gateway: text, broker: text.describe('The broker taken there.') }),
);

export const cutWire = z.object({
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

export const blocker = z.object({
  code: text,
  message: text,
  where: text.exactOptional(),
  remedy: text,
}) satisfies z.ZodType<Problem>;

export const stranded = z.object({
  stream: text,
  from: text,
  consumers: z.array(text),
  away: z.array(text).describe('Those of its gateways that are away.'),
  records: count,
  bytes: count.exactOptional(),
  ageMs: z.number().exactOptional(),
  action: z.enum(['drain', 'discard', 'refuse', 'none']),
}) satisfies z.ZodType<StrandedStream>;

export const plan = z.object({
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

export const progress = z.object({
  at: text,
  step: text,
  gateway: text.exactOptional(),
  message: text,
}) satisfies z.ZodType<Progress>;

export const deployment = z.object({
  id: text,
  application: text,
  version: count,
  status: z.enum(['running', 'pending-offline', 'unchanged']),
  plan,
  pending: z.array(text),
  seconds: z.number(),
}) satisfies z.ZodType<Deployment>;
