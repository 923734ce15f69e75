/** Plan and deploy. */
import { z } from 'zod';
import type { DeployInput, DeployOptions } from '../../types.ts';
import { apiError } from '../errors.ts';
import { type Route, route, take } from '../route.ts';
import { deployObject, deployQuery, type optionsQuery } from '../schemas/requests.ts';
import type { RouteParts } from './parts.ts';

const ERRORS = ['ECHO_DAG_UNSUPPORTED'];

export function deployRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/v1/plan',
      tag: 'deploy',
      summary: 'What a deploy would change, gateway by gateway, before anything is touched',
      query: deployQuery,
      body: z.unknown(),
      bodySchema: 'DeployBody',
      errors: ERRORS,
      answers: {
        200: { description: 'The plan; `blockers` say what a deploy would refuse.', schema: 'Plan' },
      },
      handle: async ({ body, query }) => ({
        status: 200,
        body: await service.plan(deployInput(body, query, 'api')),
      }),
    }),
    route({
      method: 'post',
      path: '/api/v1/deploy',
      tag: 'deploy',
      summary: 'Deploy a flow on every gateway that it is placed on, or on none',
      query: deployQuery,
      body: z.unknown(),
      bodySchema: 'DeployBody',
      long: true,
      errors: ERRORS,
      answers: {
        200: { description: 'Nothing had to change.', schema: 'Deployment' },
        201: {
          description: 'A new version runs (or waits for gateways that are down).',
          schema: 'Deployment',
        },
      },
      handle: async ({ body, query, progress }) => {
        const deployment = await service.deploy(deployInput(body, query, 'api'), progress);
        return {
          status: deployment.status === 'unchanged' ? 200 : 201,
          body: deployment,
          headers: { Location: `/api/v1/apps/${encodeURIComponent(deployment.application)}` },
        };
      },
    }),
  ];
}

/** The body is a flow, or an object that holds one. Whether the flow is a flow, the flow reader says. */
export function deployInput(body: unknown, query: z.output<typeof deployQuery>, origin: string): DeployInput {
  refuseOriginalDag(body);
  const given = hasFlow(body) ? take(deployObject, body, 'body') : { flow: body };
  refuseOriginalDag(given.flow);
  const { application, name, ...options } = query;
  const { flow, options: inBody, ...rest } = given as z.output<typeof deployObject>;
  return {
    origin,
    ...rest,
    flow,
    ...(application === undefined ? {} : { application }),
    ...(name === undefined ? {} : { name }),
    options: { ...inBody, ...deployOptions(options) },
  };
}

/** Query options as deploy options; `async` is the API's own. */
export function deployOptions({ async: _, ...options }: z.output<typeof optionsQuery>): DeployOptions {
  return options;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const hasFlow = (body: unknown): boolean => isObject(body) && 'flow' in body;

function refuseOriginalDag(value: unknown): void {
  if (isObject(value) && Array.isArray(value.processors))
    throw apiError('ECHO_DAG_UNSUPPORTED', { where: '/processors' });
}
