/** Applications: what runs, how it came to be, and its life. */
import { z } from 'zod';
import type { OrchestratorService } from '../../types.ts';
import { apiError } from '../errors.ts';
import { type Route, route } from '../route.ts';
import { asyncQuery, optionsQuery, standQuery } from '../schemas/requests.ts';
import { schemas } from '../schemas.ts';
import { deployOptions } from './deploy.ts';
import type { RouteParts } from './parts.ts';

const byId = z.object({
  id: z.string().min(1).describe('Id of the application, or its name where it is unique.'),
});
const byTask = byId.extend({
  task: z.string().min(1).describe('Id of the task, or its name where it is unique.'),
});
const ERRORS = ['ECHO_APP_UNKNOWN'];
const tag = 'applications';

export function applicationRoutes(parts: RouteParts): Route[] {
  return [...readRoutes(parts), ...lifeRoutes(parts)];
}

function readRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/apps',
      tag,
      summary: 'Every application',
      answers: { 200: { description: 'All of them.', schema: 'AppSummary', list: true } },
      handle: () => ({ status: 200, body: service.applications() }),
    }),
    route({
      method: 'get',
      path: '/api/v1/apps/:id',
      tag,
      summary: 'One application with its flow, placement and cut wires',
      params: byId,
      errors: ERRORS,
      answers: { 200: { description: 'The application.', schema: 'AppDetail' } },
      handle: ({ params }) => ({ status: 200, body: service.application(appId(service, params.id)) }),
    }),
    route({
      method: 'get',
      path: '/api/v1/apps/:id/history',
      tag,
      summary: 'Its versions',
      params: byId,
      errors: ERRORS,
      answers: { 200: { description: 'Every version kept.', schema: 'VersionSummary', list: true } },
      handle: ({ params }) => ({ status: 200, body: service.history(appId(service, params.id)) }),
    }),
    route({
      method: 'get',
      path: '/api/v1/apps/:id/diff',
      tag,
      summary: 'What stands on the gateways against what ECHO deployed there',
      params: byId,
      errors: ERRORS,
      answers: { 200: { description: 'Drift, gateway by gateway.', schema: 'AppDiff' } },
      handle: async ({ params }) => ({ status: 200, body: await service.diff(appId(service, params.id)) }),
    }),
    route({
      method: 'get',
      path: '/api/v1/apps/:id/tasks/:task/explain',
      tag,
      summary: 'Why a task is where it is, and why not elsewhere',
      params: byTask,
      errors: [...ERRORS, 'ECHO_TASK_AMBIGUOUS'],
      answers: { 200: { description: 'The reasons.', schema: 'Explanation' } },
      handle: ({ params }) => {
        const id = appId(service, params.id);
        return { status: 200, body: service.explain(id, taskId(service, id, params.task)) };
      },
    }),
  ];
}

function lifeRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/v1/apps/:id/stop',
      tag,
      summary: 'Take its fragments off the gateways; the application and its versions are kept',
      params: byId,
      query: standQuery,
      long: true,
      errors: [...ERRORS, 'ECHO_STREAM_NOT_DRAINED'],
      answers: { 200: { description: 'Done.', schema: 'AppSummary' } },
      handle: async ({ params, query, progress }) => ({
        status: 200,
        body: await service.stop(appId(service, params.id), progress, deployOptions(query)),
      }),
    }),
    route({
      method: 'post',
      path: '/api/v1/apps/:id/start',
      tag,
      summary: 'Deploy its current version again',
      params: byId,
      query: asyncQuery,
      long: true,
      errors: ERRORS,
      answers: { 200: { description: 'Done.', schema: 'AppSummary' } },
      handle: async ({ params, progress }) => ({
        status: 200,
        body: await service.start(appId(service, params.id), progress),
      }),
    }),
    route({
      method: 'post',
      path: '/api/v1/apps/:id/rollback',
      tag,
      summary: 'Deploy an earlier version again, as a new one',
      params: byId,
      query: optionsQuery,
      body: schemas.RollbackBody,
      bodySchema: 'RollbackBody',
      long: true,
      errors: ERRORS,
      answers: { 200: { description: 'The earlier version runs.', schema: 'Deployment' } },
      handle: async ({ params, query, body, progress }) => {
        const options = { ...body.options, ...deployOptions(query) };
        const id = appId(service, params.id);
        return { status: 200, body: await service.rollback(id, body.version, options, progress) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/v1/apps/:id',
      tag,
      summary: 'Stop it and forget it with all its versions',
      params: byId,
      query: standQuery,
      long: true,
      errors: [...ERRORS, 'ECHO_STREAM_NOT_DRAINED'],
      answers: { 204: { description: 'It is gone.' } },
      handle: async ({ params, query, progress }) => {
        await service.remove(appId(service, params.id), progress, deployOptions(query));
        return { status: 204 };
      },
    }),
  ];
}

/** A name stands for the application when it is no id and one application alone has it. */
function appId(service: OrchestratorService, given: string): string {
  const all = service.applications();
  if (all.some((app) => app.id === given)) return given;
  const named = all.filter((app) => app.name === given);
  return named.length === 1 ? named[0]!.id : given;
}

function taskId(service: OrchestratorService, id: string, given: string): string {
  const { flow, placement } = service.application(id);
  if (given in placement) return given;
  const named = flow.filter((node) => node.name === given && node.id in placement).map((node) => node.id);
  if (named.length > 1) {
    throw apiError('ECHO_TASK_AMBIGUOUS', {
      message: `"${given}" is the name of ${named.length} tasks: ${named.join(', ')}.`,
      where: given,
      details: { tasks: named },
    });
  }
  return named[0] ?? given;
}
