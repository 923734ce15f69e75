/** Real gateways that run wires without an orchestrator: enrolled at one that is away, flows already in place. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayProcess } from '../../src/orchestrator/fleet/gateway.ts';
import type { NodeRedLine } from '../../src/orchestrator/fleet/installs.ts';
import type { EnrolReply } from '../../src/wire/control.ts';
import { PROTOCOL_VERSION } from '../../src/wire/topics.ts';
import type { Disposables } from './cleanup.ts';
import { startRealGateway } from './gateways.ts';

export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly [property: string]: unknown;
}

export interface EnrolledOptions {
  readonly name: string;
  readonly version: NodeRedLine;
  /** Absent: a plain Node-RED that is no gateway. */
  readonly brokerUrl?: string;
  readonly flows: readonly FlowNode[];
  readonly userDir?: string;
  /** More Node-RED settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Nobody listens there. */
const AWAY = 'http://127.0.0.1:9';

/** Starts it and resolves when its flows run. */
export async function startEnrolled(kit: Disposables, options: EnrolledOptions): Promise<GatewayProcess> {
  const { name, version, brokerUrl, flows, settings = {} } = options;
  const userDir = options.userDir ?? kit.folder('echo-enrolled-');
  mkdirSync(join(userDir, 'echo'), { recursive: true });
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flows));
  if (brokerUrl === undefined) return startRealGateway(kit, { name, version, userDir, settings });
  const identity: EnrolReply & { orchestrator: string } = {
    v: PROTOCOL_VERSION,
    gateway: name,
    secret: 'none',
    brokers: [{ url: brokerUrl }],
    heartbeatMs: 1000,
    orchestrator: AWAY,
  };
  writeFileSync(join(userDir, 'echo', 'identity.json'), JSON.stringify(identity));
  const echo = { orchestrator: AWAY, token: 'none', name };
  return startRealGateway(kit, { name, version, userDir, echo, settings });
}

/** A tab; `echo` makes it one that an application owns, so that what runs in it is followed. */
export const tabNode = (id: string, echo: boolean): FlowNode => ({
  ...{ id, type: 'tab', label: id, disabled: false, info: '' },
  ...(echo ? { echo: { app: id } } : {}),
});

/** A function node; `setup` runs once when it starts, `libs` are the Node.js modules it is given. */
export function functionNode(
  place: { readonly id: string; readonly z: string; readonly wires: readonly (readonly string[])[] },
  code: string,
  more: { readonly setup?: string; readonly libs?: Readonly<Record<string, string>> } = {},
): FlowNode {
  const libs = Object.entries(more.libs ?? {}).map(([name, module]) => ({ var: name, module }));
  return {
    ...place,
    ...{ type: 'function', name: place.id, func: code, outputs: place.wires.length, timeout: 0, noerr: 0 },
    ...{ initialize: more.setup ?? '', finalize: '', libs, x: 200, y: 100 },
  };
}

/** `POST <url>` into `next`. */
export const postNode = (id: string, z: string, url: string, next: string): FlowNode => ({
  ...{
    id,
    type: 'http in',
    z,
    name: '',
    url,
    method: 'post',
    upload: false,
    x: 100,
    y: 100,
    wires: [[next]],
  },
});

export const replyNode = (id: string, z: string): FlowNode => ({
  ...{ id, type: 'http response', z, name: '', statusCode: '', headers: {}, x: 300, y: 100, wires: [] },
});

/** Sends `body` to an `http in` of a gateway and gives its answer. */
export async function ask<T>(gateway: { readonly url: string }, path: string, body: object): Promise<T> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}
