/** Applications, their versions, and why a task is where it is. */
import { z } from 'zod';
import type { Explanation } from '../../../placement/types.ts';
import type { AppDetail, AppDiff, AppSummary, VersionSummary } from '../../types.ts';
import { cutWire, drift } from './plans.ts';
import { count, placement, text } from './words.ts';

export const appSummary = z.object({
  id: text,
  name: text,
  version: count,
  status: z.enum(['running', 'stopped', 'deploying', 'pending-offline', 'undo-pending']),
  gateways: z.array(text),
  tasks: count,
  cutWires: count,
  updated: text,
}) satisfies z.ZodType<AppSummary>;

export const appDetail = appSummary.extend({
  flow: z.array(z.looseObject({ id: text, type: text })) as unknown as z.ZodType<AppDetail['flow']>,
  placement,
  streams: z.array(cutWire),
}) satisfies z.ZodType<AppDetail>;

export const versionSummary = z.object({
  version: count,
  created: text,
  origin: text,
  tasks: count,
  placement,
  note: text.exactOptional(),
}) satisfies z.ZodType<VersionSummary>;

export const appDiff = z.object({
  application: text,
  version: count,
  gateways: z.array(z.object({ gateway: text, online: z.boolean(), drift: z.array(drift) })),
  clean: z.boolean(),
}) satisfies z.ZodType<AppDiff>;

export const explanation = z.object({
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

export const dataflow = z.object({
  dataflowInput: z.unknown(),
  uuid: text,
  name: text,
  version: count,
  status: text,
  owner: text,
  deviceMapping: placement,
});
