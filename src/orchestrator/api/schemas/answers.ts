/** Answers of any route: problems, work under way, entries of the error catalogue. */
import { z } from 'zod';
import type { Operation } from '../operations.ts';
import type { ProblemDocument } from '../problem.ts';
import { progress } from './plans.ts';
import { details, text } from './words.ts';

export const problem = z.object({
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

export const operation = z.object({
  id: text,
  request: text,
  status: z.enum(['running', 'done', 'failed']),
  started: text,
  finished: text.exactOptional(),
  progress: z.array(progress),
  result: z.unknown().exactOptional(),
  problem: problem.exactOptional(),
}) satisfies z.ZodType<Operation>;

export const errorEntry = z.object({ code: text, status: z.number().int(), title: text, remedy: text });
