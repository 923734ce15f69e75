/**
 * Composition root: the one place that makes the parts and joins them. `createOrchestratorProcess` starts the whole
 * orchestrator in this process; run as a program, this file is the orchestrator without a local fleet.
 */
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { loadSettings, type Settings } from '../../settings.ts';
import { solver } from '../placement/solver.ts';
import { Registry } from '../registry/Registry.ts';
import { catalogueRoutes } from '../registry/routes.ts';
import { isEchoError } from '../wire/errors.ts';
import { createApi, type Mount } from './api/createApi.ts';
import { apiError } from './api/errors.ts';
import { refusal } from './api/guard.ts';
import { createDesignEditor } from './editor/DesignEditor.ts';
import { makeFolder } from './folder.ts';
import { GATEWAY_HREF } from './gateways/gatewayItem.ts';
import { openFleet } from './gateways/openFleet.ts';
import { Orchestrator, type OrchestratorPorts } from './Orchestrator.ts';
import { openStore } from './store/Store.ts';
import type { OrchestratorService } from './types.ts';

export interface OrchestratorProcess {
  /** Where people and gateways reach it, no trailing slash. */
  readonly url: string;
  /** Where gateways find the broker. */
  readonly brokerUrl: string;
  readonly service: OrchestratorService;
  /** Stops listening, waits for a running deploy, leaves the data in place. A second call waits for the first. */
  close(): Promise<void>;
}

export interface ProcessOptions {
  /** Default: one JSON line an event in `<dataDir>/orchestrator.log`. */
  readonly log?: Logger;
  /** Without it no editor stands at /editor; a process can hold one embedded Node-RED at a time. */
  readonly editor?: boolean;
  /** Fault points of the deploy machinery, for tests. */
  readonly fault?: OrchestratorPorts['fault'];
}

/**
 * Starts store, registry, broker, fleet, service, editor and HTTP, in this order; what was started is closed again
 * when a later part fails. Throws EchoErrors of the parts, among them ECHO_PORT_IN_USE and ECHO_STORE_LOCKED.
 */
export async function createOrchestratorProcess(
  settings: Settings,
  options: ProcessOptions = {},
): Promise<OrchestratorProcess> {
  makeFolder(settings.dataDir, 'dataDir (ECHO_DATA_DIR)', 0o700);
  const log = options.log ?? fileLog(settings);
  const closers: (() => unknown)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeAll(closers);
    return closing;
  };
  try {
    const store = openStore(settings.dataDir);
    closers.push(() => store.close());
    const registry = new Registry({ store: store.catalogue });
    const { fleet, brokerUrl, close: closeFleet } = await openFleet({ settings, store, registry, log });
    closers.push(closeFleet);
    const service = new Orchestrator({
      store,
      fleet,
      enrolment: fleet,
      solver,
      log,
      deploy: settings.deploy,
      ...(options.fault === undefined ? {} : { fault: options.fault }),
    });
    closers.push(() => service.close());

    let recovered = false;
    const server = createServer();
    const mounts: Mount[] = [
      {
        path: '/cat',
        handler: catalogueRoutes({ registry, readOnly: (href) => href.startsWith(GATEWAY_HREF) }),
      },
    ];
    if (options.editor !== false) {
      const editor = await createDesignEditor({
        service,
        settings,
        log,
        server,
        // It has a login of its own, whose password is the API key.
        refuse: (request) => refusal(request, settings, true),
        palette: (gateway) => fleet.admin(gateway),
      });
      service.setDraftGuard(editor.guard);
      closers.push(() => editor.stop());
      mounts.push({ path: editor.path, handler: editor.handler, open: true });
    }
    server.on('request', createApi({ service, settings, log, mounts, ready: () => recovered }));
    const port = await listen(server, settings);
    closers.push(() => endServer(server));
    const recovery = service.recover().then(
      () => {
        recovered = true;
      },
      (error: unknown) => log.error({ error }, 'an unfinished deploy could not be finished or undone yet'),
    );
    closers.push(() => recovery);
    const url = settings.publicUrl?.replace(/\/$/, '') ?? `http://${urlHost(settings.host)}:${port}`;
    log.info({ url, brokerUrl, dataDir: settings.dataDir }, 'orchestrator started');
    return { url, brokerUrl, service, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function fileLog({ dataDir, logLevel }: Settings): Logger {
  const destination = pino.destination({ dest: join(dataDir, 'orchestrator.log'), sync: false, mkdir: true });
  return pino({ level: logLevel }, destination);
}

/** Newest first; every closer runs, the first error is thrown in the end. */
async function closeAll(closers: (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
    try {
      await closer();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

function listen(server: Server, { host, port }: Settings): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'ECHO_PORT_IN_USE' : 'ECHO_LISTEN_FAILED';
      reject(apiError(code, { message: `${host}:${port}: ${error.message}`, where: 'port', cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Event streams never end by themselves, so connections are closed, not waited for. */
function endServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The name under which this machine reaches what listens on `host`. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

async function run(): Promise<void> {
  const settings = loadSettings();
  const { url, close } = await createOrchestratorProcess(settings, {
    log: pino({ level: settings.logLevel }),
  });
  process.stderr.write(`ECHO orchestrator at ${url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

if (import.meta.main) {
  run().catch((error: unknown) => {
    const text = isEchoError(error) ? `${error.code}: ${error.message}\n${error.remedy}` : String(error);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  });
}
