/**
 * Admin endpoints before Node-RED's own: those of the editor plugin (`echo/…`), and the buttons of nodes, which act
 * on the gateway that runs the node.
 */
import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { RawFlow } from '../../flow/types.ts';
import type { DeployAgain, FleetSummary } from '../../wire/editor.ts';
import { isEchoError } from '../../wire/errors.ts';
import type { OrchestratorService } from '../types.ts';
import type { CanvasSync } from './CanvasSync.ts';
import type { DesignRuntime } from './designRuntime.ts';
import { problemOf } from './notices.ts';

export interface EditorParts {
  readonly service: OrchestratorService;
  readonly runtime: DesignRuntime;
  readonly sync: CanvasSync;
  readonly log: Logger;
}

export function editorRoutes(parts: EditorParts): Router {
  const { service, runtime, sync } = parts;
  const may = (permission: string) => runtime.red.auth.needsPermission(permission) as RequestHandler;
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
  router.post('/echo/deploy', may('flows.write'), json, (request, response) => {
    const again = readAgain(request.body);
    if (again === undefined)
      response.status(400).json({ message: 'the body must be {application, stranded}' });
    else {
      sync.deployDraft(again);
      response.status(202).json({});
    }
  });

  const button = (act: (request: Request) => Promise<number>) => buttonRoute(parts, act);
  router.post(
    '/inject/:id',
    may('inject.write'),
    json,
    button(async ({ params, body }) => {
      await service.inject(String(params.id), body);
      return 200;
    }),
  );
  const setDebug = async (nodes: string[], state: unknown): Promise<number> => {
    await service.setDebug(nodes, state === 'enable');
    // Node-RED's editor tells the two apart by the status.
    return state === 'enable' ? 200 : 201;
  };
  router.post(
    ['/debug/:id/enable', '/debug/:id/disable'],
    may('debug.write'),
    button(({ params, path }) => setDebug([String(params.id)], path.split('/').at(-1))),
  );
  router.post(
    ['/debug/enable', '/debug/disable'],
    may('debug.write'),
    json,
    button(({ body, path }) => {
      const nodes: unknown = (body as { nodes?: unknown } | undefined)?.nodes;
      const ids = Array.isArray(nodes) ? nodes.filter((id) => typeof id === 'string') : [];
      return setDebug(ids, path.split('/').at(-1));
    }),
  );
  router.use((error: { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
    response.status(error.status ?? 500).json(problemOf(error, []));
  });
  return router;
}

const deployAgain = z.object({
  application: z.string().exactOptional(),
  stranded: z.enum(['drain', 'discard']).exactOptional(),
}) satisfies z.ZodType<DeployAgain>;

/** Without a body, the draft is tried as it is. */
const readAgain = (body: unknown): DeployAgain | undefined => deployAgain.safeParse(body ?? {}).data;

function buttonRoute({ log }: EditorParts, act: (request: Request) => Promise<number>): RequestHandler {
  return async (request, response) => {
    try {
      response.sendStatus(await act(request));
    } catch (error) {
      log.warn({ part: 'editor', path: request.path, err: error }, 'a button had no effect');
      const { message, remedy } = problemOf(error, []);
      // Node-RED's editor reads 404 as "not deployed" and shows the text of others.
      response
        .status(isEchoError(error) ? error.status : 500)
        .type('text')
        .send(`${message} ${remedy}`);
    }
  };
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
