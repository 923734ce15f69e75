/**
 * The part of Node-RED's embedding API that the design editor uses, typed, since `node-red` ships no types.
 * Nothing else of the orchestrator touches Node-RED as a library.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { RawFlow } from '../../flow/types.ts';
import type { NodeSet } from '../types.ts';

/** An Express application or middleware, of whatever Express version made it. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** One line of Node-RED's log; `level` 10 fatal … 60 trace, 98 audit, 99 metric. */
export interface NodeRedLogLine {
  readonly level: number;
  readonly msg?: unknown;
  readonly type?: string;
  readonly id?: string;
  readonly name?: string;
}

/** Node-RED's storage module interface, as it is called for a runtime that keeps no context and no projects. */
export interface StorageModule {
  init(settings: unknown): Promise<void>;
  getFlows(): Promise<RawFlow>;
  saveFlows(flows: RawFlow, user?: unknown): Promise<void>;
  getCredentials(): Promise<Record<string, unknown>>;
  saveCredentials(credentials: Record<string, unknown>): Promise<void>;
  getSettings(): Promise<Record<string, unknown>>;
  saveSettings(settings: Record<string, unknown>): Promise<void>;
  getSessions(): Promise<Record<string, unknown>>;
  saveSessions(sessions: Record<string, unknown>): Promise<void>;
  getLibraryEntry(type: string, path: string): Promise<unknown>;
  saveLibraryEntry(type: string, path: string, meta: Record<string, unknown>, body: string): Promise<void>;
}

export interface NodeRed {
  init(server: Server, settings: Record<string, unknown>): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly httpAdmin: Handler;
  readonly events: EventEmitter;
  readonly auth: { needsPermission(permission: string): Handler };
  readonly nodes: { getCredentials(id: string): Record<string, unknown> | undefined };
  readonly runtime: {
    readonly flows: {
      getFlows(options: object): Promise<{ flows: RawFlow; rev: string } | null>;
      setFlows(options: {
        flows: { flows: RawFlow; credentials?: Record<string, unknown>; rev?: string };
        deploymentType?: string;
        user?: unknown;
      }): Promise<{ rev: string }>;
    };
    readonly nodes: {
      getNodeList(options: object): Promise<readonly LoadedNodeSet[]>;
    };
  };
}

export interface LoadedNodeSet extends NodeSet {
  /** Why it could not be loaded. */
  readonly err?: string;
}

const require = createRequire(import.meta.url);

export const loadNodeRed = (): NodeRed => require('node-red') as NodeRed;

/** The registry of the same Node-RED; it loads a package that stands in the user folder already. */
export interface NodeRedRegistry {
  addModule(module: string): Promise<{ readonly nodes: readonly LoadedNodeSet[] }>;
}

export const loadRegistry = (): NodeRedRegistry => require('@node-red/registry') as NodeRedRegistry;
