/**
 * What happens on the gateways, shown in the editor as if the nodes ran in it: debug messages, node status, buttons;
 * and the admin endpoints of the editor plugin.
 */
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import type { Logger } from 'pino';
import type { RawFlow } from '../../flow/types.ts';
import { editorTopics, type FleetSummary } from '../../wire/editor.ts';
import { isEchoError } from '../../wire/errors.ts';
import type { OrchestratorService } from '../types.ts';
import type { CanvasSync } from './CanvasSync.ts';
import type { DesignRuntime } from './designRuntime.ts';
import { problemOf } from './notices.ts';

/** Debug, status and fleet changes to every open editor; ends when the returned function is called. */
export function relayEvents(service: OrchestratorService, runtime: DesignRuntime): () => void {
  const changed = (): void => runtime.publish(editorTopics.changed, {});
  const subscriptions = [
    service.on('debug', (_gateway, _node, data) => runtime.publish('debug', data)),
    service.on('nodeStatus', (_gateway, node, status) => {
      runtime.red.events.emit('node-status', { id: node, status });
    }),
    service.on('gateway', changed),
  ];
  return () => {
    for (const end of subscriptions) end();
  };
}

/** Stands before Node-RED's own admin application. */
export function editorRoutes(
  service: OrchestratorService,
  runtime: DesignRuntime,
  sync: CanvasSync,
  log: Logger,
): Router {
  const may = (permission: string) => runtime.red.auth.needsPermission(permission) as express.RequestHandler;
  const json = express.json({ limit: '32mb' });
  const router = Router();
  router.get('/echo/fleet', may('flows.read'), (_request, response) => {
    response.json(fleetSummary(service));
  });
  router.get('/echo/applications', may('flows.read'), (_request, response) => {
    response.json(sync.applications());
  });
  router.post('/echo/plan', may('flows.write'), json, async (request, response) => {
    const flows: unknown = (request.body as { flows?: unknown } | undefined)?.flows;
    if (!Array.isArray(flows)) response.status(400).json({ message: 'the body must be {"flows": […]}' });
    else response.json(await sync.plan(flows as unknown as RawFlow));
  });
  router.post('/inject/:id', may('inject.write'), json, (request, response) =>
    press(service, log, request, response),
  );
  router.use((error: { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
    response.status(error.status ?? 500).json(problemOf(error, []));
  });
  return router;
}

async function press(
  service: OrchestratorService,
  log: Logger,
  request: Request,
  response: Response,
): Promise<void> {
  const id = String(request.params.id);
  try {
    await service.inject(id, request.body);
    response.sendStatus(200);
  } catch (error) {
    log.warn({ part: 'editor', node: id, err: error }, 'the button could not be pressed');
    // Node-RED's editor reads 404 as "not deployed".
    response.status(isEchoError(error) ? error.status : 500).json(problemOf(error, []));
  }
}

function fleetSummary(service: OrchestratorService): FleetSummary {
  return {
    gateways: service.gateways().map((gateway) => ({
      id: gateway.id,
      tier: gateway.tier,
      health: gateway.health,
      adminUrl: gateway.adminUrl,
      nodeRedVersion: gateway.nodeRedVersion,
      tasks: gateway.tasks,
      capabilities: gateway.capabilities,
      ...(gateway.site === undefined ? {} : { site: gateway.site }),
      ...(gateway.cpuPct === undefined ? {} : { cpuPct: gateway.cpuPct }),
      ...(gateway.maxTasks === undefined ? {} : { maxTasks: gateway.maxTasks }),
    })),
  };
}
