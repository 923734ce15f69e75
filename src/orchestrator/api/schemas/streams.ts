/** Cut wires as they run, and records that were set aside. */
import { z } from 'zod';
import { deadLetter, deadLetterDetail } from '../../../wire/operate.ts';
import type { DeadLetterDetailView, DeadLetterView } from '../../types.ts';
import type { StreamView } from '../streams.ts';
import { wireEnds } from './plans.ts';
import { count, text } from './words.ts';

export const streamView = z.object({
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

const inGateway = { gateway: text.describe('The gateway that keeps it.') };

export const deadLetterView = deadLetter.extend(inGateway) satisfies z.ZodType<DeadLetterView>;
export const deadLetterDetailView = deadLetterDetail.extend(
  inGateway,
) satisfies z.ZodType<DeadLetterDetailView>;
