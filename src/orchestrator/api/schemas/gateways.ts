/** The fleet: gateways, the brokers they reach, and tokens to enrol with. */
import { z } from 'zod';
import { heartbeat, tier } from '../../../wire/control.ts';
import type { BrokerView, EnrolToken, GatewayDetail, GatewayView } from '../../types.ts';
import { count, text } from './words.ts';

export const gatewayView = z.object({
  id: text,
  tier,
  site: text.exactOptional(),
  health: z.enum(['up', 'degraded', 'stale', 'down']),
  troubles: z.array(text).exactOptional().describe('Why it is degraded.'),
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

export const gatewayDetail = gatewayView.extend({
  nodeTypes: z.array(text),
  heartbeat: heartbeat.exactOptional() as unknown as z.ZodExactOptional<
    z.ZodType<NonNullable<GatewayDetail['heartbeat']>>
  >,
}) satisfies z.ZodType<GatewayDetail>;

export const brokerView = z.object({
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

export const enrolToken = z.object({
  token: text,
  expires: text,
  name: text.exactOptional(),
}) satisfies z.ZodType<EnrolToken>;
