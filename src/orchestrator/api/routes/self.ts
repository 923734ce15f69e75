/** The orchestrator about itself: health, metrics, errors, this document. */
import { z } from 'zod';
import { catalogue } from '../catalogue.ts';
import { apiError } from '../errors.ts';
import { openApiDocument } from '../openapi.ts';
import { type Route, route } from '../route.ts';
import type { RouteParts } from './parts.ts';

const tag = 'orchestrator';
const entries = () => Object.entries(catalogue).map(([code, entry]) => ({ code, ...entry }));

export function selfRoutes(
  { metrics, ready = () => true }: RouteParts,
  routes: () => readonly Route[],
): Route[] {
  const isReady = { description: 'It can do work.', schema: 'Health' } as const;
  const notReady = { description: 'It is starting or stopping.', schema: 'Health' } as const;
  const health = () => ({ status: ready() ? 200 : 503, body: { live: true, ready: ready() } });
  return [
    route({
      method: 'get',
      path: '/api/v1/health',
      tag,
      summary: 'Whether it lives and can do work',
      open: true,
      answers: { 200: isReady, 503: notReady },
      handle: health,
    }),
    route({
      method: 'get',
      path: '/api/v1/health/live',
      tag,
      summary: 'Whether it lives',
      open: true,
      answers: { 200: { description: 'It does.', schema: 'Health' } },
      handle: () => ({ ...health(), status: 200 }),
    }),
    route({
      method: 'get',
      path: '/api/v1/health/ready',
      tag,
      summary: 'Whether it can do work',
      open: true,
      answers: { 200: isReady, 503: notReady },
      handle: health,
    }),
    route({
      method: 'get',
      path: '/metrics',
      tag,
      summary: 'Prometheus metrics',
      answers: { 200: { description: 'Text exposition format.', type: 'text/plain' } },
      handle: async () => ({ status: 200, body: await metrics.metrics(), type: metrics.contentType }),
    }),
    route({
      method: 'get',
      path: '/api/v1/errors',
      tag,
      summary: 'Every error code with its remedy',
      answers: { 200: { description: 'The catalogue.', schema: 'ErrorEntry', list: true } },
      handle: () => ({ status: 200, body: entries() }),
    }),
    route({
      method: 'get',
      path: '/api/v1/errors/:code',
      tag,
      summary: 'One error code',
      params: z.object({ code: z.string().min(1) }),
      errors: ['ECHO_ERROR_UNKNOWN'],
      answers: { 200: { description: 'The entry.', schema: 'ErrorEntry' } },
      handle: ({ params }) => {
        const body = entries().find((entry) => entry.code === params.code);
        if (body === undefined) {
          throw apiError('ECHO_ERROR_UNKNOWN', { message: `There is no error ${params.code}.` });
        }
        return { status: 200, body };
      },
    }),
    route({
      method: 'get',
      path: '/api/v1/openapi.json',
      tag,
      summary: 'This API as an OpenAPI 3.1 document',
      answers: { 200: { description: 'The document.' } },
      handle: () => ({ status: 200, body: openApiDocument(routes()) }),
    }),
  ];
}
