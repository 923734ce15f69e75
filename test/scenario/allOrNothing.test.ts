import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RawNode } from '../../src/flow/types.ts';
import type { AppDetail } from '../../src/orchestrator/types.ts';
import { disposables, freePort } from '../kit/cleanup.ts';
import { type Doomed, startDoomed } from '../kit/doomed.ts';
import { type Echo, MIXED, startEcho } from '../kit/echo.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { flowsOf, readOwnFlow, startOwnFlow } from '../kit/ownFlow.ts';
import { waitFor } from '../kit/wait.ts';

const NAMES = MIXED.map(({ name }) => name);

/** inject (edge) → function (fog, or cloud when `moved`) → debug (cloud). Every gateway's fragment changes by `moved`. */
function application(moved: boolean): RawNode[] {
  const task = (id: string, type: string, wires: string[][], gateway: string, more: object): RawNode => ({
    ...{ id, type, z: 'app', name: id, x: 200, y: 100, wires, echo: { gateway } },
    ...more,
  });
  const code = { outputs: 1, timeout: 0, noerr: 0, initialize: '', finalize: '', libs: [] };
  return [
    { id: 'app', type: 'tab', label: 'App', disabled: false, info: '', env: [] },
    task('tick', 'inject', [['first']], 'edge-1', {
      ...{ props: [{ p: 'payload' }], repeat: '0.05', crontab: '', once: true, onceDelay: 0.1, topic: '' },
      ...{ payload: '', payloadType: 'date' },
    }),
    task('first', 'function', [['second']], moved ? 'cloud-1' : 'fog-1', { ...code, func: 'return msg;' }),
    task('second', 'function', [['end']], 'fog-1', { ...code, func: `msg.moved = ${moved}; return msg;` }),
    task('end', 'debug', [], 'cloud-1', {
      ...{ active: false, tosidebar: true, console: false, tostatus: false, complete: 'payload' },
      ...{ targetType: 'msg', statusVal: '', statusType: 'auto' },
    }),
  ];
}

/** Every point the deploy machinery passes on a change of a running application with a moved task. */
const BEFORE_COMMIT = [
  ...['preflight', 'close-sources', 'drain', 'close-all', 'quiesce', 'seal', 'write'],
  ...['before write fog-1', 'after write fog-1'],
];
const AFTER_COMMIT = ['open', 'retire'];

describe('all or nothing on three real gateways', function () {
  this.timeout(120_000);
  const kit = disposables();
  const own = new Map<string, string>();
  let echo: Echo;
  let failAt: string | undefined;
  let failing: () => Promise<unknown> = async () => {};

  const snapshot = () => Promise.all(NAMES.map((name) => flowsOf(echo.gateway(name).url)));
  const assertOwnFlowsRan = async () => {
    for (const path of own.values()) {
      const { count } = readOwnFlow(path);
      await waitFor(() => readOwnFlow(path).count > count, { what: 'the own flow to go on' });
      assert.ok(
        readOwnFlow(path).whole,
        `a message of the own flow is missing or its task was restarted: ${path}`,
      );
    }
  };

  before(async () => {
    echo = await startEcho(kit, {
      fault: async (point) => {
        if (point === failAt) await failing();
      },
    });
    const folder = kit.folder();
    for (const name of NAMES) {
      own.set(name, join(folder, name));
      await startOwnFlow(echo.gateway(name).url, own.get(name)!);
    }
    await echo.service.deploy({ flow: application(false), name: 'App' });
    for (const path of own.values())
      await waitFor(() => readOwnFlow(path).count > 5, { what: 'the own flow to run' });
  });
  afterEach(() => {
    failAt = undefined;
  });

  for (const point of BEFORE_COMMIT) {
    it(`leaves all three as before when it fails at "${point}"`, async () => {
      const before = await snapshot();
      failAt = point;
      failing = async () => {
        throw new Error('planned failure');
      };
      await assert.rejects(echo.service.deploy({ flow: application(true), name: 'App' }));
      assert.deepEqual(await snapshot(), before);
      await assertOwnFlowsRan();
    });
  }

  it('changes all three when nothing fails, and their own flows never notice', async () => {
    const before = await snapshot();
    await echo.service.deploy({ flow: application(true), name: 'App' });
    const after = await snapshot();
    assert.ok(after.every(({ rev }, i) => rev !== before[i]!.rev));
    await assertOwnFlowsRan();
    await echo.service.deploy({ flow: application(false), name: 'App' });
    assert.deepEqual(await snapshot(), before);
  });

  it('leaves all three as before when the second gateway is killed before it is written', async () => {
    const before = await snapshot();
    failAt = 'before write fog-1';
    failing = () => echo.gateway('fog-1').kill();
    await assert.rejects(echo.service.deploy({ flow: application(true), name: 'App' }));
    await echo.gateway('fog-1').start();
    await echo.allUp();
    await waitFor(async () => JSON.stringify(await snapshot()) === JSON.stringify(before), {
      timeout: 30_000,
      what: 'all three gateways to be as before',
    });
    await waitFor(() => echo.service.applications()[0]?.status === 'running', {
      what: 'the application to run',
    });
  });
});

describe('an orchestrator killed in the middle of a deploy', function () {
  this.timeout(180_000);
  const kit = disposables();
  const urls = new Map<string, string>();
  let settings: Record<string, unknown>;
  let orchestrator: Doomed;

  const api = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await fetch(`${orchestrator.url}/api/v1${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const deploy = (moved: boolean) =>
    api('/deploy', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ flow: application(moved), name: 'App' }),
    });
  const snapshot = () => Promise.all(NAMES.map(async (name) => (await flowsOf(urls.get(name)!)).flows));
  const fleetIsUp = () =>
    waitFor(
      async () => {
        const gateways = await api<{ health: string }[] | { gateways: { health: string }[] }>('/gateways');
        const list = Array.isArray(gateways) ? gateways : gateways.gateways;
        return list.length === NAMES.length && list.every(({ health }) => health === 'up');
      },
      { timeout: 30_000, what: 'the fleet to be up' },
    );
  const running = async (): Promise<AppDetail> => {
    const apps = await api<AppDetail[] | { apps: AppDetail[] }>('/apps');
    const [first] = Array.isArray(apps) ? apps : apps.apps;
    return first!;
  };

  before(async () => {
    settings = {
      ...{ dataDir: kit.folder(), port: await freePort(), broker: { port: await freePort() } },
      gateways: { heartbeatMs: 250, staleMs: 2000 },
    };
    orchestrator = await startDoomed(kit, settings);
    await Promise.all(
      MIXED.map(async ({ name, tier, version }) => {
        const { token } = await api<{ token: string }>('/tokens', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name }),
        });
        const echo = { orchestrator: orchestrator.url, token, name, tier };
        urls.set(name, (await startRealGateway(kit, { name, version, echo })).url);
      }),
    );
    await fleetIsUp();
    await deploy(false);
  });

  let moved = false;
  for (const point of [...BEFORE_COMMIT, ...AFTER_COMMIT]) {
    const done = AFTER_COMMIT.includes(point);
    it(`at "${point}": the deploy is ${done ? 'finished' : 'undone'} after the restart`, async () => {
      await orchestrator.kill();
      orchestrator = await startDoomed(kit, settings, point);
      await fleetIsUp();
      const before = await snapshot();
      await assert.rejects(deploy(!moved));
      await orchestrator.ended;
      orchestrator = await startDoomed(kit, settings);
      await fleetIsUp();
      await waitFor(async () => (await running()).status === 'running', {
        timeout: 30_000,
        what: 'the deploy to end',
      });
      if (done) {
        moved = !moved;
        assert.notDeepEqual(await snapshot(), before);
      } else assert.deepEqual(await snapshot(), before);
      // The application works: another change goes through.
      await deploy(!moved);
      await deploy(moved);
    });
  }
});
