/** The part of Node-RED's runtime API (4.1 and 5.x) that the agent uses. */
import type { EventEmitter } from 'node:events';
import type { Server } from 'node:http';

export interface SendEvent {
  msg: object;
  source: { id: string; node: RedNode; port: number };
  destination: { id: string; node: RedNode | undefined };
  cloneMessage: boolean;
}
export interface ReceiveEvent {
  msg: object;
  destination: { id: string; node: RedNode };
}
export interface CompleteEvent {
  msg: object;
  error?: unknown;
  node: { id: string; node: RedNode };
}

/** A running node. Underscored members are Node-RED's own, the same in 4.1 and 5.x. */
export interface RedNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly name?: string;
  /** Id in the subflow definition, for a node inside a subflow instance. */
  readonly _alias?: string;
  _inputCallback?: ((...args: unknown[]) => void) | null;
  readonly _inputCallbacks?: unknown[] | null;
  readonly _expectedDoneCount: number;
  /** `path`: ids of the tab and of the subflow instances around the node, outermost first, joined with `/`. */
  readonly _flow?: { readonly path?: string };
  receive(msg: object): void;
  context?(): NodeContext;
}

/** A context of Node-RED; `store` undefined: the default one. Throws where the store answers only later. */
export interface NodeContext {
  readonly flow?: NodeContext;
  keys(store?: string): string[];
  get(key: string, store?: string): unknown;
  set(key: string, value: unknown, store?: string): void;
}

/** A flow entry as configured. */
export interface NodeConfig {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly wires?: readonly (readonly string[])[];
  readonly links?: readonly string[];
  readonly [property: string]: unknown;
}

export interface RedSettings {
  readonly userDir?: string;
  readonly uiHost?: string;
  readonly uiPort?: number | string;
  readonly https?: unknown;
  readonly httpAdminRoot?: string | false;
  readonly httpAdminAuth?: unknown;
  readonly disableEditor?: boolean;
  readonly adminAuth?: unknown;
  readonly readOnly?: boolean;
  readonly apiMaxLength?: string | number;
  readonly editorTheme?: { readonly projects?: { readonly enabled?: boolean } };
  readonly contextStorage?: Readonly<Record<string, unknown>>;
  readonly echo?: unknown;
}

export interface AdminResponse {
  status(code: number): AdminResponse;
  json(body: unknown): void;
}
type AdminHandler = (
  request: { readonly params: Readonly<Record<string, string | undefined>>; readonly body?: unknown },
  response: AdminResponse,
) => void;

type HookResult = undefined | false;

export interface Red {
  readonly version: string | (() => string);
  readonly settings: RedSettings;
  readonly events: EventEmitter;
  readonly server: Server | undefined;
  readonly log: { info(text: string): void; warn(text: string): void; error(text: string): void };
  readonly hooks: {
    add(hook: `onSend.${string}`, callback: (events: SendEvent[]) => HookResult): void;
    add(
      hook: `preRoute.${string}` | `preDeliver.${string}`,
      callback: (event: SendEvent) => HookResult,
    ): void;
    add(
      hook: `onReceive.${string}` | `postReceive.${string}`,
      callback: (event: ReceiveEvent) => HookResult,
    ): void;
    add(hook: `onComplete.${string}`, callback: (event: CompleteEvent) => HookResult): void;
    remove(hook: string): void;
  };
  readonly util: { cloneMessage<T>(msg: T): T };
  readonly nodes: {
    getNode(id: string): RedNode | null | undefined;
    eachNode(visit: (config: NodeConfig) => void): void;
  };
  /** Undefined where the admin API is switched off. */
  readonly httpAdmin:
    | Record<'get' | 'post', (path: string, allow: unknown, handle: AdminHandler) => void>
    | undefined;
  readonly auth: { needsPermission(permission: string): unknown };
  readonly plugins: { registerPlugin(id: string, definition: object): void };
}
