/** The design editor: embedded Node-RED at `/editor`, its canvas kept in line with the store. */
import type { IncomingMessage, Server } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Settings } from '../../../settings.ts';
import type { RawFlow } from '../../flow/types.ts';
import { editorTopics } from '../../wire/editor.ts';
import type { DraftGuard, OrchestratorService } from '../types.ts';
import { CanvasSync, FOLLOWING } from './CanvasSync.ts';
import { type DesignRuntime, EDITOR_ROOT, startDesignRuntime } from './designRuntime.ts';
import { type DraftStore, fileDraftStore } from './draftStore.ts';
import { followPalette, type PaletteSource } from './palette.ts';
import { relayEvents } from './relay.ts';
import { editorRoutes } from './routes.ts';
import { storageModule } from './storageModule.ts';

export interface DesignEditorOptions {
  readonly service: OrchestratorService;
  readonly settings: Settings;
  readonly log: Logger;
  /** Its WebSocket upgrades below `/editor` are taken; all others are left alone. */
  readonly server: Server;
  /** Why a WebSocket upgrade is refused, or undefined; absent: none is. */
  readonly refuse?: (request: IncomingMessage) => Error | undefined;
  /** Default: a file in the data folder. */
  readonly store?: DraftStore;
  /** The palette of a gateway; without it the editor offers core nodes and ECHO's own only. */
  readonly palette?: (gateway: string) => PaletteSource;
  /** Default: the built package beside this source tree. */
  readonly gatewayPackage?: string;
}

export interface DesignEditor {
  /** Mount before any body parser: `app.use(editor.path, editor.handler)`. */
  readonly path: string;
  readonly handler: RequestHandler;
  readonly guard: DraftGuard;
  /** Resolves when no deploy from the canvas is under way. */
  idle(): Promise<void>;
  /** Waits for a running deploy, then ends the editor. */
  stop(): Promise<void>;
}

/** Starts it. The service must be ready: the canvas is brought up to its applications first. */
export async function createDesignEditor(options: DesignEditorOptions): Promise<DesignEditor> {
  const { service, settings, log, server } = options;
  const folder = join(settings.dataDir, 'editor');
  const sync = new CanvasSync({ service, log, store: options.store ?? fileDraftStore(folder) });
  const runtime = await startDesignRuntime({
    userDir: folder,
    storage: storageModule(sync, folder),
    log,
    ...(settings.apiKey === undefined ? {} : { apiKey: settings.apiKey }),
    ...(options.gatewayPackage === undefined ? {} : { gatewayPackage: options.gatewayPackage }),
  });
  await sync.start({
    credentials: runtime.credentials,
    changeCanvas: (change) => changeCanvas(runtime, change),
    notify: (notice) => runtime.publish(editorTopics.deploy, notice),
    changed: () => runtime.publish(editorTopics.changed, {}),
  });
  const endRelay = relayEvents(service, runtime);
  const endPalette = options.palette
    ? followPalette({ service, runtime, source: options.palette, userDir: folder, log })
    : async () => {};
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (options.refuse?.(request) === undefined) runtime.upgrade(request, socket, head);
    else socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
  };
  server.on('upgrade', onUpgrade);

  const routes = editorRoutes({ service, runtime, sync, log });
  return {
    path: EDITOR_ROOT,
    handler: (request, response, next) => {
      routes(request, response, (error?: unknown) => {
        if (error === undefined) runtime.handler(request, response, next);
        else next(error);
      });
    },
    guard: sync,
    idle: () => sync.idle(),
    stop: async () => {
      server.off('upgrade', onUpgrade);
      endRelay();
      await endPalette();
      await sync.stop();
      await runtime.stop();
    },
  };
}

async function changeCanvas(runtime: DesignRuntime, change: (flows: RawFlow) => RawFlow): Promise<void> {
  for (;;) {
    const { flows, rev } = await runtime.canvas();
    try {
      const saved = await runtime.red.runtime.flows.setFlows({
        flows: { flows: change(flows), rev },
        deploymentType: 'full',
        user: FOLLOWING,
      });
      runtime.publish(editorTopics.canvas, saved);
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'version_mismatch') throw error;
    }
  }
}
