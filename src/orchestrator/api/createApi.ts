/** The REST API and the fleet page as an express application, apart from listening. */
import { fileURLToPath } from 'node:url';
import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { OrchestratorService } from '../types.ts';
import { readBody } from './body.ts';
import { apiError } from './errors.ts';
import { type GuardSettings, refusal } from './guard.ts';
import { createMetrics } from './metrics.ts';
import { Operations } from './operations.ts';
import { problemHandler } from './problem.ts';
import type { Route } from './route.ts';
import { createRoutes } from './routes/index.ts';
import { serve } from './serve.ts';

export interface ApiParts {
  readonly service: OrchestratorService;
  readonly settings: GuardSettings;
  readonly log: Logger;
  /** Whether the orchestrator can do work now; absent means always. */
  readonly ready?: () => boolean;
  /** Prometheus registry of the process, when others add to it; one of the API's own otherwise. */
  readonly metrics?: Registry;
  /** Hypercat, mounted at `/cat`. */
  readonly registryRouter?: RequestHandler;
  readonly mounts?: readonly Mount[];
}

/** Something else to serve behind the same guard; it reads its own bodies. */
export interface Mount {
  readonly path: string;
  readonly handler: RequestHandler;
  /** It asks for the key itself (as the editor does at its login), so that only Host and Origin are checked here. */
  readonly open?: boolean;
}

/** `createServer(createApi(parts)).listen(…)`. WebSocket upgrades are not seen here: check them with `refusal`. */
export function createApi(parts: ApiParts): Express {
  const operations = new Operations();
  const metrics = createMetrics(parts.service, parts.metrics);
  const routes = createRoutes({ ...parts, operations, metrics });
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(harden);
  mountRoutes(app, routes, operations, parts);
  for (const { path, handler, open = false } of parts.mounts ?? []) {
    app.use(path, guard(parts.settings, open), handler);
  }
  app.use(guard(parts.settings, false));
  if (parts.registryRouter !== undefined) app.use('/cat', parts.registryRouter);
  app.use(readBody, webPage());
  app.use((req) => {
    throw apiError('ECHO_ROUTE_UNKNOWN', { message: `There is nothing at ${req.path}.`, where: req.path });
  });
  app.use(problemHandler(parts.log));
  return app;
}

function mountRoutes(app: Express, routes: readonly Route[], operations: Operations, parts: ApiParts): void {
  for (const path of new Set(routes.map((r) => r.path))) {
    const here = routes.filter((r) => r.path === path);
    const address = app.route(path);
    address.all(
      guard(
        parts.settings,
        here.every((r) => r.open === true),
      ),
      readBody,
    );
    for (const route of here) address[route.method](serve(route, operations, parts.log));
    address.all((req, res) => {
      const allowed = here.map((r) => r.method.toUpperCase());
      res.set('Allow', (allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed).join(', '));
      throw apiError('ECHO_METHOD_NOT_ALLOWED', {
        message: `${req.path} answers to ${allowed.join(', ')}, not to ${req.method}.`,
        where: req.path,
      });
    });
  }
}

function guard(settings: GuardSettings, open: boolean): RequestHandler {
  return (req, _res, next) => next(refusal(req, settings, open));
}

const harden: RequestHandler = (_req, res, next) => {
  res.set({ 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'same-origin' });
  next();
};

/** The fleet page loads nothing but what this server holds, and runs no inline script. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function webPage(): RequestHandler {
  const folder = fileURLToPath(new URL('../web', import.meta.url));
  return express.static(folder, {
    index: 'index.html',
    extensions: [],
    redirect: false,
    setHeaders: (res) => res.setHeader('Content-Security-Policy', PAGE_POLICY),
  });
}
