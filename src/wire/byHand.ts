/**
 * Wires by hand: without an orchestrator that says who produces a stream and who consumes it, the ends of a stream tell
 * each other, in notices on one topic a stream. Notices are repeated, so that one that is lost costs a few seconds and
 * nothing else. Pure: names, topics, the notices, and who of two that claim the same keeps it.
 */
import { z } from 'zod';
import { gatewayId } from './control.ts';
import type { DeliveryLevel } from './nodes.ts';
import type { InChoice } from './options.ts';

/** Version of the notices. */
const VERSION = 1;
/** Begins all topics of wires by hand, so that they never meet those of a fleet on the same broker. */
export const BY_HAND_ROOT = `echo/hand/${VERSION}`;

/** What else there is needs the checkpoints of an application. */
export const HAND_LEVELS = ['at-least-once', 'at-most-once'] as const satisfies readonly DeliveryLevel[];
export type HandLevel = (typeof HAND_LEVELS)[number];

const MOST_NAME = 128;
/** What a stream may be called: anything that can be read. */
export const handStreamName = z
  .string()
  .trim()
  .min(1)
  .max(MOST_NAME)
  .refine((name) => name !== '__proto__')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^[^\u0000-\u001f\u007f]*$/);

/** Notices of a stream; QoS 0, not retained. */
export const noticesTopic = (stream: string): string =>
  `${BY_HAND_ROOT}/stream/${encodeURIComponent(stream)}`;

/** Name of the log and the cursors: another producer of the same stream has a log of its own. */
export const handLogName = (stream: string, producer: string): string => `${stream}@${producer}`;

/** The stream's name without its producer's. */
export const handStreamOf = (log: string): string => log.slice(0, log.lastIndexOf('@'));

/** One process on one disk: a name can be typed twice, and a folder copied. */
const process = {
  gateway: gatewayId,
  disk: z.string().min(1).max(64),
  boot: z.number(),
  instance: z.string().max(64),
};

const inChoice: z.ZodType<InChoice> = z.object({
  window: z.number().int().min(1).exactOptional(),
  credit: z.enum(['push', 'pull']).exactOptional(),
  attempts: z.number().int().min(0).max(1_000).exactOptional(),
});

const producerNotice = z.object({
  v: z.literal(VERSION),
  role: z.literal('producer'),
  stream: handStreamName,
  ...process,
  /** When it was first granted the stream, ms since 1970 by its clock; 0 while it only claims it. */
  since: z.number().min(0),
  level: z.enum(HAND_LEVELS),
  choice: inChoice,
  /** Who is owed what is sent: name → instance, '' for one that has not been heard since the producer started. */
  consumers: z.record(gatewayId, z.string()),
});
export type ProducerNotice = z.infer<typeof producerNotice>;

const consumerNotice = z.object({
  v: z.literal(VERSION),
  role: z.literal('consumer'),
  stream: handStreamName,
  ...process,
  /** It wants nothing more. */
  leaves: z.boolean(),
});
export type ConsumerNotice = z.infer<typeof consumerNotice>;

export type Notice = ProducerNotice | ConsumerNotice;
/** Who says a notice. */
export type Speaker = Pick<Notice, 'gateway' | 'disk' | 'boot' | 'instance'>;

const notice = z.discriminatedUnion('role', [producerNotice, consumerNotice]);

export const encodeNotice = (said: Notice): Buffer => Buffer.from(JSON.stringify(said));

/** Undefined for what is no notice of this version. */
export function decodeNotice(payload: Uint8Array): Notice | undefined {
  try {
    const parsed = notice.safeParse(JSON.parse(Buffer.from(payload).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Of two processes on one disk, or on a disk and its copy, the one started later is believed. */
export const startedLater = (a: Speaker, b: Speaker): boolean =>
  a.boot !== b.boot ? a.boot > b.boot : a.instance > b.instance;

/**
 * Who of two producers keeps a stream: the one that was granted it, and of two that were, while they could not hear each
 * other, the earlier. The same at both ends of the comparison.
 */
export function keepsStream(a: Speaker & { since: number }, b: Speaker & { since: number }): boolean {
  if (a.disk === b.disk) return startedLater(a, b);
  const [first, second] = [a.since || Number.POSITIVE_INFINITY, b.since || Number.POSITIVE_INFINITY];
  return first !== second ? first < second : a.disk < b.disk;
}
