/** Gateways: the fleet, enrolment, adoption, buttons. */
import { z } from 'zod';
import { type Route, route } from '../route.ts';
import { asyncQuery, forceQuery } from '../schemas/requests.ts';
import { schemas } from '../schemas.ts';
import type { RouteParts } from './parts.ts';

const byId = z.object({ id: z.string().min(1).describe('Id of the gateway.') });
const ERRORS = ['ECHO_GATEWAY_UNKNOWN'];
const tag = 'gateways';

export function gatewayRoutes(parts: RouteParts): Route[] {
  return [...fleetRoutes(parts), ...enrolmentRoutes(parts)];
}

function fleetRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/gateways',
      tag,
      summary: 'Every enrolled gateway',
      answers: { 200: { description: 'The fleet.', schema: 'GatewayView', list: true } },
      handle: () => ({ status: 200, body: service.gateways() }),
    }),
    route({
      method: 'get',
      path: '/api/v1/gateways/:id',
      tag,
      summary: 'One gateway with its node types and last heartbeat',
      params: byId,
      errors: ERRORS,
      answers: { 200: { description: 'The gateway.', schema: 'GatewayDetail' } },
      handle: ({ params }) => ({ status: 200, body: service.gateway(params.id) }),
    }),
    route({
      method: 'get',
      path: '/api/v1/brokers',
      tag,
      summary: 'The reachability map: which brokers there are, and which gateway reaches which',
      answers: {
        200: { description: 'The shared broker, then those of the sites.', schema: 'BrokerView', list: true },
      },
      handle: () => ({ status: 200, body: service.brokers() }),
    }),
    route({
      method: 'delete',
      path: '/api/v1/gateways/:id',
      tag,
      summary: "Take ECHO's fragments off it, leave its own flows as they are, end its enrolment",
      params: byId,
      query: forceQuery,
      long: true,
      errors: ERRORS,
      answers: { 204: { description: 'It is out of the fleet.' } },
      handle: async ({ params, query }) => {
        await service.removeGateway(params.id, query.force === undefined ? {} : { force: query.force });
        return { status: 204 };
      },
    }),
    route({
      method: 'post',
      path: '/api/v1/gateways/:id/import',
      tag,
      summary: 'Adopt the tabs it already has as an application placed there',
      params: byId,
      query: asyncQuery,
      body: schemas.ImportBody,
      bodySchema: 'ImportBody',
      bodyOptional: true,
      long: true,
      errors: ERRORS,
      answers: { 201: { description: 'The new application.', schema: 'Deployment' } },
      handle: async ({ params, body }) => {
        const deployment = await service.importGateway(params.id, body);
        return {
          status: 201,
          body: deployment,
          headers: { Location: `/api/v1/apps/${encodeURIComponent(deployment.application)}` },
        };
      },
    }),
    route({
      method: 'post',
      path: '/api/v1/inject/:node',
      tag,
      summary: "Press a node's button (inject, debug) on the gateway that runs it",
      params: z.object({ node: z.string().min(1).describe('Id of the node.') }),
      body: schemas.InjectBody,
      bodySchema: 'InjectBody',
      bodyOptional: true,
      answers: { 204: { description: 'Pressed.' } },
      handle: async ({ params, body }) => {
        await service.inject(params.node, body);
        return { status: 204 };
      },
    }),
  ];
}

function enrolmentRoutes({ service }: RouteParts): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/v1/tokens',
      tag,
      summary: 'Make a one-time token with which a gateway enrols',
      body: schemas.TokenBody,
      bodySchema: 'TokenBody',
      bodyOptional: true,
      answers: { 201: { description: 'The token; it is shown once.', schema: 'EnrolToken' } },
      handle: ({ body }) => ({
        status: 201,
        body: service.createToken(body),
        headers: { 'Cache-Control': 'no-store' },
      }),
    }),
    route({
      method: 'post',
      path: '/api/v1/enrol',
      tag,
      summary: 'A gateway enrols with a one-time token, or proves itself anew with its secret',
      description:
        'Called by the gateway package. It needs no API key: the token or the secret is the proof.',
      body: schemas.EnrolRequest,
      bodySchema: 'EnrolRequest',
      open: true,
      answers: {
        200: { description: 'How to reach the broker, and who it is from now on.', schema: 'EnrolReply' },
      },
      handle: async ({ body }) => ({
        status: 200,
        body: await service.enrol(body),
        headers: { 'Cache-Control': 'no-store' },
      }),
    }),
  ];
}
