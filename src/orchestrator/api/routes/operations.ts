/** Long work in progress, and everything that happens. */

import type { Request, Response } from 'express';
import { z } from 'zod';
import type { OrchestratorService } from '../../types.ts';
import { type Route, route } from '../route.ts';
import { followOperation } from '../serve.ts';
import { openEventStream } from '../sse.ts';
import type { RouteParts } from './parts.ts';

const byId = z.object({ id: z.string().min(1).describe('Id of the operation.') });
const errors = ['ECHO_OPERATION_UNKNOWN'];
const tag = 'operations';

export function operationRoutes({ service, operations }: RouteParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/operations/:id',
      tag,
      summary: 'How far a long request is, and how it ended',
      params: byId,
      errors,
      answers: { 200: { description: 'The operation.', schema: 'Operation' } },
      handle: ({ params }) => ({ status: 200, body: operations.get(params.id) }),
    }),
    route({
      method: 'get',
      path: '/api/v1/operations/:id/events',
      tag,
      summary: 'Its progress as server-sent events',
      description:
        'Events: `progress` (Progress), from the first step on; `finished` (Operation), then the end.',
      params: byId,
      errors,
      answers: { 200: { description: 'Events.', type: 'text/event-stream' } },
      handle: ({ params, req, res }) => {
        followOperation(req, res, operations, params.id);
        return undefined;
      },
    }),
    route({
      method: 'get',
      path: '/api/v1/events',
      tag,
      summary: 'Everything that happens, as server-sent events',
      description:
        'Events: `gateway` {gateway, change}, `heartbeat` {gateway, heartbeat}, `application` {application, change}, ' +
        '`progress` {operation, progress}, `deployed` {deployment}, `refused` {application, problem}.',
      answers: { 200: { description: 'Events.', type: 'text/event-stream' } },
      handle: ({ req, res }) => {
        streamEvents(service, req, res);
        return undefined;
      },
    }),
  ];
}

function streamEvents(service: OrchestratorService, req: Request, res: Response): void {
  const { send, onClose } = openEventStream(req, res);
  const subscriptions = [
    service.on('gateway', (gateway, change) => send('gateway', { gateway, change })),
    service.on('heartbeat', (gateway, heartbeat) => send('heartbeat', { gateway, heartbeat })),
    service.on('application', (application, change) => send('application', { application, change })),
    service.on('progress', (operation, progress) => send('progress', { operation, progress })),
    service.on('deployed', (deployment) => send('deployed', { deployment })),
    service.on('refused', (application, problem) => send('refused', { application, problem })),
  ];
  onClose(() => {
    for (const unsubscribe of subscriptions) unsubscribe();
  });
}
