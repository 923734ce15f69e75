/**
 * The embedded Node-RED of the design editor: it draws and saves, and never starts a node. Node-RED keeps its state
 * in its modules, so there is one a process; this file is the one port to it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, Server } from 'node:http';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { RawFlow } from '../../flow/types.ts';
import type { Credentials } from '../types.ts';
import { adminAuth } from './adminAuth.ts';
import { editorError } from './errors.ts';
import {
  type Handler,
  loadNodeRed,
  loadRegistry,
  type NodeRed,
  type NodeRedLogLine,
  type StorageModule,
} from './nodeRed.ts';

/** Where the editor stands on the shared HTTP server. */
export const EDITOR_ROOT = '/editor';

export interface DesignRuntimeOptions {
  /** Node-RED's user folder: the credential secret, palette stubs, libraries. */
  readonly userDir: string;
  readonly storage: StorageModule;
  readonly log: Logger;
  /** Required of users when given. */
  readonly apiKey?: string;
  /** Folder of the built gateway package, which brings ECHO's nodes and the editor plugin. */
  readonly gatewayPackage?: string;
}

export interface DesignRuntime {
  /** Express application of the editor, to be mounted at `EDITOR_ROOT`. */
  readonly handler: Handler;
  readonly red: NodeRed;
  /** True when the request was an editor's WebSocket and has been taken. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  canvas(): Promise<{ flows: RawFlow; rev: string }>;
  /** Decrypted, of the nodes given that have any. */
  credentials(flows: RawFlow): Credentials;
  /** To every open editor; `retain` keeps it for editors opened later. */
  publish(topic: string, data: unknown, retain?: boolean): void;
  /** Types that can be drawn now. */
  nodeTypes(): Promise<ReadonlySet<string>>;
  /** Loads a package that stands in the user folder; open editors get its types at once. */
  addModule(module: string): Promise<void>;
  stop(): Promise<void>;
}

/** The gateway package beside this source tree. */
export const GATEWAY_PACKAGE = resolve(import.meta.dirname, '../../../nodes/gateway');

/** The editor takes away buttons while it thinks the flows stand still; they run on the gateways. */
const RUNTIME_STARTED = { id: 'runtime-state', payload: { state: 'start' }, retain: true };

let running = false;

/** Starts it. Throws ECHO_EDITOR_RUNNING, ECHO_EDITOR_PACKAGE_MISSING. */
export async function startDesignRuntime(options: DesignRuntimeOptions): Promise<DesignRuntime> {
  if (running) throw editorError('ECHO_EDITOR_RUNNING');
  const gatewayPackage = options.gatewayPackage ?? GATEWAY_PACKAGE;
  if (!existsSync(join(gatewayPackage, 'dist', 'editor.html'))) {
    throw editorError('ECHO_EDITOR_PACKAGE_MISSING', { where: gatewayPackage });
  }
  running = true;
  const red = loadNodeRed();
  // Node-RED takes every upgrade of the server it is given; this one never listens and gets only the editor's.
  const server = new Server();
  red.init(server, nodeRedSettings(options, gatewayPackage));
  const enableButtons = (event: { id: string; payload?: { state?: string } }): void => {
    if (event.id !== 'runtime-state' || event.payload?.state === 'start') return;
    setImmediate(() => red.events.emit('runtime-event', RUNTIME_STARTED));
  };
  red.events.on('runtime-event', enableButtons);
  await red.start();
  await canvasLoaded(red);

  return {
    handler: red.httpAdmin,
    red,
    upgrade(request, socket, head) {
      if (new URL(request.url ?? '/', 'http://editor').pathname !== `${EDITOR_ROOT}/comms`) return false;
      return server.emit('upgrade', request, socket, head);
    },
    canvas: () => canvasOf(red),
    credentials: (flows) => {
      const found: Record<string, Record<string, string>> = {};
      for (const { id } of flows) {
        const own = red.nodes.getCredentials(id) as Record<string, string> | undefined;
        if (own !== undefined && Object.keys(own).length > 0) found[id] = { ...own };
      }
      return found;
    },
    publish: (topic, data, retain = false) => {
      red.events.emit('comms', { topic, data, retain });
    },
    nodeTypes: async () => {
      const sets = await red.runtime.nodes.getNodeList({});
      return new Set(sets.flatMap((set) => (set.enabled && set.err === undefined ? set.types : [])));
    },
    addModule: async (module) => {
      const { nodes } = await loadRegistry().addModule(module);
      red.events.emit('runtime-event', { id: 'node/added', retain: false, payload: nodes });
    },
    stop: async () => {
      await red.stop();
      server.removeAllListeners('upgrade');
      red.events.off('runtime-event', enableButtons);
      running = false;
    },
  };
}

async function canvasOf(red: NodeRed): Promise<{ flows: RawFlow; rev: string }> {
  return (await red.runtime.flows.getFlows({})) ?? { flows: [], rev: '' };
}

/** `red.start` answers before the flows are read; a deploy before that would see no revision. */
async function canvasLoaded(red: NodeRed): Promise<void> {
  while ((await red.runtime.flows.getFlows({})) === null) {
    await new Promise((done) => setTimeout(done, 5));
  }
}

function nodeRedSettings(options: DesignRuntimeOptions, gatewayPackage: string): Record<string, unknown> {
  mkdirSync(options.userDir, { recursive: true, mode: 0o700 });
  const manifest = join(options.userDir, 'package.json');
  if (!existsSync(manifest)) writeFileSync(manifest, '{"name":"echo-design-editor","private":true}\n');
  return {
    httpAdminRoot: EDITOR_ROOT,
    // Never mounted: nodes that answer HTTP register their types and serve nothing.
    httpNodeRoot: '/',
    userDir: options.userDir,
    nodesDir: [gatewayPackage],
    credentialSecret: secret(join(options.userDir, 'credential-secret')),
    storageModule: options.storage,
    runtimeFlowState: 'stop',
    runtimeState: { enabled: false, ui: false },
    echo: { designOnly: true },
    'echo-editor': { designOnly: true },
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false, allowUpload: false },
      modules: { allowInstall: false },
    },
    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false, ui: false },
    exportGlobalContextKeys: false,
    functionExternalModules: true,
    apiMaxLength: '32mb',
    logging: { echo: { level: 'trace', metrics: false, audit: false, handler: logTo(options.log) } },
    ...(options.apiKey === undefined ? {} : { adminAuth: adminAuth(options.apiKey) }),
    editorTheme: {
      page: { title: 'ECHO' },
      header: { title: 'ECHO' },
      tours: false,
      projects: { enabled: false },
      menu: { 'menu-item-help': { label: 'Node-RED', url: 'https://nodered.org/docs' } },
    },
  };
}

function secret(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

const PINO_LEVEL: Readonly<Record<number, 'fatal' | 'error' | 'warn' | 'debug' | 'trace'>> = {
  10: 'fatal',
  20: 'error',
  30: 'warn',
  40: 'debug',
  50: 'debug',
  60: 'trace',
};

/** Node-RED's information (banner, paths) is detail here. */
function logTo(log: Logger): () => (line: NodeRedLogLine) => void {
  return () => (line) => {
    const level = PINO_LEVEL[line.level];
    if (level === undefined) return;
    const text = line.msg instanceof Error ? line.msg.message : String(line.msg);
    log[level]({ part: 'editor', ...(line.id === undefined ? {} : { node: line.id }) }, text.trim());
  };
}
