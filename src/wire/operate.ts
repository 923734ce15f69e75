/**
 * What an operator may ask of the streams of one gateway: to look at what waits, to give it up, to pass over a record
 * that is stuck, and to read, replay or drop what was set aside. Parts of the control requests of `control.ts`.
 */
import { z } from 'zod';

const stream = z.string().min(1).max(1024);
const letter = z.string().regex(/^\d{1,15}$/, 'a number');

/** A record as an operator sees it. `body` is the message as JSON, cut at the length asked for. */
export const recordView = z.object({
  seq: z.number(),
  /** Last number it stands for; above `seq` for a GAP only. */
  to: z.number(),
  kind: z.enum(['message', 'gap', 'marker']),
  /** When it was appended, ms since 1970 by the producer's clock. */
  at: z.number(),
  bytes: z.number(),
  /** Stream and number of the record its ancestry begins with; absent for one that is its own origin. */
  origin: z.object({ stream: z.string(), seq: z.number() }).optional(),
  body: z.string().optional(),
  truncated: z.boolean().optional(),
});
export type RecordView = z.infer<typeof recordView>;

/** Result of `streams.inspect`: the oldest records that wait. */
export const inspection = z.object({
  /** Last number appended. */
  head: z.number(),
  /** Records some consumer (or the one asked for) has not stably passed. */
  waiting: z.number(),
  records: z.array(recordView),
});
export type Inspection = z.infer<typeof inspection>;

/** Result of `streams.purge`: how many records each consumer will not get. */
export const purged = z.object({ to: z.number(), consumers: z.record(z.string(), z.number()) });
export type Purged = z.infer<typeof purged>;

/** Result of `streams.skip`: the numbers passed over. */
export const skipped = z.object({ seqs: z.array(z.number()) });
export type Skipped = z.infer<typeof skipped>;

/** A record that was set aside at its consumer. */
export const deadLetter = z.object({
  /** Unique on its gateway. */
  id: letter,
  stream: z.string(),
  producer: z.string(),
  seq: z.number(),
  /** `error`: its task failed; `crash`: the process died whenever it was delivered. */
  reason: z.enum(['error', 'crash']),
  error: z.string(),
  /** Deliveries until it was set aside, and at replays since. */
  attempts: z.number(),
  /** When it was appended, by the producer's clock, and when it was set aside; ms since 1970. */
  appendedAt: z.number(),
  at: z.number(),
  bytes: z.number(),
});
export type DeadLetter = z.infer<typeof deadLetter>;

export const deadLetterDetail = deadLetter.extend({
  body: z.string(),
  truncated: z.boolean(),
});
export type DeadLetterDetail = z.infer<typeof deadLetterDetail>;

/** Result of `dead.replay`. `delivered`: handed over, its task still works on it. */
export const replayed = z.object({
  outcome: z.enum(['done', 'error', 'delivered']),
  error: z.string().optional(),
});
export type Replayed = z.infer<typeof replayed>;

export const operations = [
  z.object({
    method: z.literal('streams.inspect'),
    params: z.object({
      stream,
      consumer: z.string().optional(),
      limit: z.number().int().min(1).max(100),
      /** Longest body, characters. */
      preview: z.number().int().min(0).max(16_384),
    }),
  }),
  /** Gives up what waits, for one consumer or all: declared loss. */
  z.object({
    method: z.literal('streams.purge'),
    params: z.object({ stream, consumer: z.string().optional() }),
  }),
  /** At the consumer: passes over the first unfinished records. Declared loss. */
  z.object({
    method: z.literal('streams.skip'),
    params: z.object({ stream, count: z.number().int().min(1).max(256) }),
  }),
  z.object({ method: z.literal('dead.list'), params: z.object({ stream: stream.optional() }) }),
  z.object({
    method: z.literal('dead.show'),
    params: z.object({ id: letter, preview: z.number().int().min(0).max(1_048_576) }),
  }),
  z.object({ method: z.literal('dead.replay'), params: z.object({ id: letter }) }),
  z.object({ method: z.literal('dead.drop'), params: z.object({ id: letter }) }),
] as const;

/** The schema of each result, by method. */
export const operationResults = {
  'streams.inspect': inspection,
  'streams.purge': purged,
  'streams.skip': skipped,
  'dead.list': z.array(deadLetter),
  'dead.show': deadLetterDetail,
  'dead.replay': replayed,
  'dead.drop': z.object({ dropped: z.number() }),
} as const;

export type StreamOperation = z.infer<(typeof operations)[number]>;
export type OperationResult<M extends StreamOperation['method']> = z.infer<(typeof operationResults)[M]>;
