/** What a client may ask for: options, in a body or in a query, and bodies. */
import { z } from 'zod';
import { gatewayId } from '../../../wire/control.ts';
import type { DeployOptions } from '../../types.ts';
import { count, text } from './words.ts';

/** What each option does, in a body and in a query. */
const MEANING = {
  allowOffline: 'Complete on gateways that are down when they return.',
  overwrite: 'Overwrite fragments edited by hand on a gateway.',
  overwriteDraft: 'Replace a canvas draft that was never deployed.',
  force: 'Go on although tasks did not drain in time.',
  drain: 'Wait for a gateway that is away to drain its streams.',
  discard: 'Give up records that wait in streams that go: declared loss.',
  ifVersion: "Refuse unless this is the application's current version.",
  drainMs: 'How long tasks may take to drain, ms.',
} as const;

const yes = z.boolean().exactOptional();

export const deployOptions = z.strictObject({
  allowOffline: yes.describe(MEANING.allowOffline),
  overwrite: yes.describe(MEANING.overwrite),
  overwriteDraft: yes.describe(MEANING.overwriteDraft),
  force: yes.describe(MEANING.force),
  drain: yes.describe(MEANING.drain),
  discard: yes.describe(MEANING.discard),
  ifVersion: count.exactOptional().describe(MEANING.ifVersion),
  drainMs: z.number().int().min(0).max(600_000).exactOptional().describe(MEANING.drainMs),
}) satisfies z.ZodType<DeployOptions>;

/** `?overwrite` and `?overwrite=1` mean true. */
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
  allowOffline: flag.describe(MEANING.allowOffline),
  overwrite: flag.describe(MEANING.overwrite),
  overwriteDraft: flag.describe(MEANING.overwriteDraft),
  force: flag.describe(MEANING.force),
  drain: flag.describe(MEANING.drain),
  discard: flag.describe(MEANING.discard),
  ifVersion: number.describe(MEANING.ifVersion),
  drainMs: number.describe(MEANING.drainMs),
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

export const deployBody = z.union([z.array(z.looseObject({ id: text, type: text })), deployObject]);

export const rollbackBody = z.strictObject({
  version: z.number().int().positive().describe('The version to go back to.'),
  options: deployOptions.exactOptional(),
});

export const tokenBody = z.strictObject({
  name: gatewayId.exactOptional().describe('The name the gateway will have.'),
  ttlSeconds: z
    .number()
    .int()
    .min(1)
    .max(2_592_000)
    .exactOptional()
    .describe('How long the token is good for.'),
});

export const importBody = z.strictObject({
  tabs: z
    .array(text.min(1))
    .min(1)
    .exactOptional()
    .describe('Ids of the tabs to adopt; all of them when absent.'),
  name: text.min(1).max(256).exactOptional().describe('Name of the new application.'),
});

export const purgeBody = z.strictObject({
  consumer: text.min(1).exactOptional().describe('For this gateway alone; for all when absent.'),
});

export const skipBody = z.strictObject({
  consumer: text.min(1).describe('The gateway that is stuck.'),
  count: z.number().int().min(1).max(256).exactOptional().describe('How many records; one when absent.'),
});
