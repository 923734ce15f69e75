/** Streams: what passes over the cut wires, what waits, and what was set aside. */
import { z } from 'zod';
import { currentStreams } from '../metrics.ts';
import { type Route, route } from '../route.ts';
import { schemas } from '../schemas.ts';
import type { RouteParts } from './parts.ts';

const byStream = z.object({
  stream: z.string().min(1).describe('Name of the stream; or id or name of the task it comes from.'),
});
const byLetter = z.object({
  id: z.string().min(1).describe('Id of the gateway.'),
  letter: z
    .string()
    .regex(/^\d{1,15}$/, 'a number')
    .describe('Number of the dead letter there.'),
});
const whole = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'a whole number')
    .transform(Number)
    .pipe(z.number().max(most))
    .exactOptional();
const ERRORS = ['ECHO_STREAM_UNKNOWN', 'ECHO_STREAM_GATEWAY_AWAY'];
const LETTER_ERRORS = ['ECHO_GATEWAY_UNKNOWN', 'ECHO_DEAD_LETTER_UNKNOWN', 'ECHO_STREAM_GATEWAY_AWAY'];
const tag = 'streams';

export function streamRoutes(parts: RouteParts): Route[] {
  return [...waitingRoutes(parts), ...deadLetterRoutes(parts)];
}

function waitingRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/streams',
      tag,
      summary: 'Every cut wire with what its two sides last reported',
      answers: { 200: { description: 'The streams of all applications.', schema: 'StreamView', list: true } },
      handle: () => ({ status: 200, body: currentStreams(service) }),
    }),
    route({
      method: 'get',
      path: '/api/v1/streams/:stream/records',
      tag,
      summary: 'The oldest records that wait, with the beginning of each message',
      params: byStream,
      query: z.strictObject({
        consumer: z.string().min(1).exactOptional().describe('What waits for this gateway alone.'),
        limit: whole(100).describe('Most records; 20 when absent, at most 100.'),
        preview: whole(16_384).describe('Characters of each message; 200 when absent.'),
      }),
      errors: [...ERRORS, 'ECHO_STREAM_NOT_CONSUMED'],
      answers: { 200: { description: 'What waits.', schema: 'Inspection' } },
      handle: async ({ params, query }) => ({
        status: 200,
        body: await service.streams.inspect(params.stream, {
          ...query,
          limit: Math.max(1, query.limit ?? 20),
        }),
      }),
    }),
    route({
      method: 'post',
      path: '/api/v1/streams/:stream/purge',
      tag,
      summary: 'Give up what waits, for one consumer or for all: declared loss',
      params: byStream,
      body: schemas.PurgeBody,
      bodySchema: 'PurgeBody',
      bodyOptional: true,
      errors: [...ERRORS, 'ECHO_STREAM_NOT_CONSUMED'],
      answers: { 200: { description: 'How many records each consumer will not get.', schema: 'Purged' } },
      handle: async ({ params, body }) => ({
        status: 200,
        body: await service.streams.purge(params.stream, body?.consumer),
      }),
    }),
    route({
      method: 'post',
      path: '/api/v1/streams/:stream/skip',
      tag,
      summary: 'Pass over the first records a consumer has not finished: declared loss',
      params: byStream,
      body: schemas.SkipBody,
      bodySchema: 'SkipBody',
      errors: [...ERRORS, 'ECHO_STREAM_NOT_CONSUMED'],
      answers: { 200: { description: 'The numbers passed over.', schema: 'Skipped' } },
      handle: async ({ params, body }) => ({
        status: 200,
        body: await service.streams.skip(params.stream, body.consumer, body.count),
      }),
    }),
  ];
}

function deadLetterRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/dead-letters',
      tag,
      summary: 'Records that were set aside, on the gateways that are there',
      query: z.strictObject({
        gateway: z.string().min(1).exactOptional().describe('Of this gateway alone.'),
        stream: z.string().min(1).exactOptional().describe('Of this stream alone.'),
      }),
      errors: ERRORS,
      answers: { 200: { description: 'All of them.', schema: 'DeadLetter', list: true } },
      handle: async ({ query }) => ({ status: 200, body: await service.streams.deadLetters(query) }),
    }),
    route({
      method: 'get',
      path: '/api/v1/gateways/:id/dead-letters/:letter',
      tag,
      summary: 'One of them with its message',
      params: byLetter,
      errors: LETTER_ERRORS,
      answers: { 200: { description: 'The letter.', schema: 'DeadLetterDetail' } },
      handle: async ({ params }) => ({
        status: 200,
        body: await service.streams.deadLetter(params.id, params.letter),
      }),
    }),
    route({
      method: 'post',
      path: '/api/v1/gateways/:id/dead-letters/:letter/replay',
      tag,
      summary: 'Deliver it again; it goes when its task succeeds',
      params: byLetter,
      errors: LETTER_ERRORS,
      answers: { 200: { description: 'What became of it.', schema: 'Replayed' } },
      handle: async ({ params }) => ({
        status: 200,
        body: await service.streams.replay(params.id, params.letter),
      }),
    }),
    route({
      method: 'delete',
      path: '/api/v1/gateways/:id/dead-letters/:letter',
      tag,
      summary: 'Drop it',
      params: byLetter,
      errors: LETTER_ERRORS,
      answers: { 204: { description: 'It is gone.' } },
      handle: async ({ params }) => {
        await service.streams.drop(params.id, params.letter);
        return { status: 204 };
      },
    }),
  ];
}
