/** A real gateway whose follower and gate a test reaches through the probe's admin routes. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Outcome } from '../../../nodes/gateway/src/ports.ts';
import type { NodeRedLine } from '../../../src/orchestrator/fleet/installs.ts';
import type { Disposables } from '../../kit/cleanup.ts';
import { startRealGateway, told } from '../../kit/gateways.ts';
import { waitFor } from '../../kit/wait.ts';

export type TestNode = { id: string; type: string; [property: string]: unknown };

export interface Followed {
  readonly id: number;
  readonly outcome: Outcome;
  /** Messages of this cause that the sinks had completed when it settled. */
  readonly completed: number;
}
export interface Sunk {
  readonly node: string;
  readonly payload: unknown;
  readonly cause?: number;
}

export interface ProbedGateway {
  readonly url: string;
  readonly log: () => string;
  /** Resolves once its log holds the line. */
  told(line: RegExp): Promise<string>;
  readonly userDir: string;
  /** Deploys all flows as Node-RED's editor does, changed nodes only, and waits until they have started. */
  deploy(nodes: readonly TestNode[]): Promise<void>;
  follow(node: string, ...msgs: object[]): Promise<Followed[]>;
  /** What the sinks received since the last call. */
  sunk(): Promise<Sunk[]>;
  call<T>(route: string, body?: object): Promise<T>;
  gate<T>(method: string, ...args: unknown[]): Promise<T>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Its orchestrator does not exist: follower and gate work all the same. `echo: null`: it is part of no fleet. */
export async function startProbedGateway(
  kit: Disposables,
  version: NodeRedLine,
  options: {
    userDir?: string;
    echo?: Record<string, unknown> | null;
    settings?: Record<string, unknown>;
  } = {},
): Promise<ProbedGateway> {
  const userDir = options.userDir ?? kit.folder('echo-probed-');
  mkdirSync(join(userDir, 'nodes'), { recursive: true });
  copyFileSync(file('probe.cjs'), join(userDir, 'nodes', 'probe.js'));
  const html = ['probe-source', 'probe-sink'].map((type) => `<script data-template-name="${type}"></script>`);
  writeFileSync(join(userDir, 'nodes', 'probe.html'), html.join('\n'));
  const gateway = await startRealGateway(kit, {
    version,
    userDir,
    gatewayPackage: true,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.echo === null
      ? {}
      : { echo: { orchestrator: 'http://127.0.0.1:9', token: 'none', tier: 'edge', ...options.echo } }),
  });
  const post = async (
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> => {
    const response = await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok, `${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const call = <T>(route: string, body: object = {}): Promise<T> =>
    post(`/probe/${route}`, body) as Promise<T>;
  const ready = (): Promise<unknown> =>
    waitFor(async () => (await call<number>('started')) > 0, { what: 'the flows to start' });
  await ready();
  return {
    url: gateway.url,
    log: () => readFileSync(gateway.logFile, 'utf8'),
    told: (line) => told(gateway, line),
    userDir,
    async deploy(nodes) {
      const before = await call<number>('started');
      await post(
        '/flows',
        { flows: nodes },
        {
          'Node-RED-API-Version': 'v2',
          'Node-RED-Deployment-Type': 'nodes',
        },
      );
      await waitFor(async () => (await call<number>('started')) > before, { what: 'the flows to start' });
    },
    follow: (node, ...msgs) => call('follow', { node, msgs }),
    sunk: () => call('sunk'),
    call,
    gate: (method, ...args) => call('gate', { method, args }),
    kill: () => gateway.kill(),
    stop: () => gateway.stop(),
    async start() {
      await gateway.start();
      await ready();
    },
  };
}

/** A tab of ECHO's. */
export const echoTab = (id: string): TestNode => ({ id, type: 'tab', label: id, echo: { app: 'app' } });

/** The tab a test's nodes stand in. */
export const TAB = 't1';
export const node = (id: string, type: string, wires: string[][], more: object = {}): TestNode => ({
  id,
  type,
  z: TAB,
  name: '',
  x: 0,
  y: 0,
  wires,
  ...more,
});
