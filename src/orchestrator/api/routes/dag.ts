/** ECHO's original REST face, with a Node-RED flow as the body. */
import { z } from 'zod';
import type { OrchestratorService } from '../../types.ts';
import { apiError } from '../errors.ts';
import { type Route, route } from '../route.ts';
import { asyncQuery } from '../schemas/requests.ts';
import { deployInput } from './deploy.ts';
import type { RouteParts } from './parts.ts';

const uuid = z.string().min(1).max(128).describe('The `uuid` a submission answered: the application id.');
const byUuid = z.strictObject({ uuid });
const stopQuery = asyncQuery.extend({ uuid });
const tag = 'dag';

export function dagRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'post',
      path: '/DAG',
      tag,
      summary: 'Submit a dataflow: a Node-RED flow is planned and deployed',
      query: asyncQuery,
      body: z.unknown(),
      bodySchema: 'DeployBody',
      long: true,
      errors: ['ECHO_DAG_UNSUPPORTED'],
      answers: { 201: { description: 'It runs.', schema: 'Dataflow' } },
      handle: async ({ body, progress }) => {
        const { application } = await service.deploy(deployInput(body, {}, 'dag'), progress);
        return { status: 201, body: dataflow(service, application) };
      },
    }),
    route({
      method: 'get',
      path: '/DAG',
      tag,
      summary: 'A dataflow and where its tasks run',
      query: byUuid,
      errors: ['ECHO_APP_UNKNOWN'],
      answers: { 200: { description: 'The dataflow.', schema: 'Dataflow' } },
      handle: ({ query }) => ({ status: 200, body: dataflow(service, query.uuid) }),
    }),
    route({
      method: 'post',
      path: '/DAG/stop',
      tag,
      summary: 'Stop a dataflow',
      query: stopQuery,
      long: true,
      errors: ['ECHO_APP_UNKNOWN'],
      answers: { 200: { description: 'It is stopped.', schema: 'Dataflow' } },
      handle: async ({ query, progress }) => {
        await service.stop(query.uuid, progress);
        return { status: 200, body: dataflow(service, query.uuid) };
      },
    }),
    route({
      method: 'post',
      path: '/DAG/rebalance',
      tag,
      summary: 'Place a running dataflow anew (not available yet)',
      query: byUuid,
      errors: ['ECHO_APP_UNKNOWN'],
      answers: { 501: { description: 'Not available yet.', schema: 'ProblemDocument' } },
      handle: ({ query }) => {
        service.application(query.uuid);
        throw apiError('ECHO_REBALANCE_UNAVAILABLE', { where: query.uuid });
      },
    }),
  ];
}

/** `owner` names who holds the dataflow: in one orchestrator, always itself. */
function dataflow(service: OrchestratorService, id: string) {
  const { flow, name, version, status, placement } = service.application(id);
  return { dataflowInput: flow, uuid: id, name, version, status, owner: 'echo', deviceMapping: placement };
}
