/** Deploys of an application that runs, on real gateways of both Node-RED lines. */
import assert from 'node:assert/strict';
import type { RawFlow } from '../../../src/flow/types.ts';
import { disposables } from '../../kit/cleanup.ts';
import { type Echo, startEcho } from '../../kit/echo.ts';
import { waitFor } from '../../kit/wait.ts';

/** Numbers on the edge, 1,000 a second; a worker anywhere; a sink in the cloud that answers GET /seen. */
const flow = (worker: string, mark: string, running = true): RawFlow => {
  const on = { z: 'l-tab', x: 1, y: 1, name: '' };
  return [
    { id: 'l-tab', type: 'tab', label: 'Live' },
    {
      id: 'l-tick',
      type: 'inject',
      ...on,
      props: [],
      repeat: running ? '0.01' : '',
      once: false,
      wires: [['l-gen']],
      echo: { gateway: 'edge-1' },
    },
    {
      id: 'l-gen',
      type: 'function',
      ...on,
      func: 'let n = context.get("n") || 0; const out = []; for (let i = 0; i < 10; i++) out.push({ payload: { n: n++ } }); context.set("n", n); return [out];',
      outputs: 1,
      wires: [['l-work']],
      echo: { gateway: 'edge-1' },
    },
    {
      id: 'l-work',
      type: 'function',
      ...on,
      func: `msg.payload.mark = ${JSON.stringify(mark)}; return msg;`,
      outputs: 1,
      wires: [['l-sink']],
      echo: { gateway: worker },
    },
    {
      id: 'l-sink',
      type: 'function',
      ...on,
      func: 'const seen = global.get("seen") || []; seen.push([msg.payload.n, msg.payload.mark]); global.set("seen", seen);',
      outputs: 0,
      wires: [],
      echo: { gateway: 'cloud-1' },
    },
    {
      id: 'l-http',
      type: 'http in',
      ...on,
      url: '/seen',
      method: 'get',
      wires: [['l-read']],
      echo: { gateway: 'cloud-1' },
    },
    {
      id: 'l-read',
      type: 'function',
      ...on,
      func: 'msg.payload = global.get("seen") || []; return msg;',
      outputs: 1,
      wires: [['l-res']],
      echo: { gateway: 'cloud-1' },
    },
    { id: 'l-res', type: 'http response', ...on, wires: [], echo: { gateway: 'cloud-1' } },
  ];
};

describe('an application that runs', function () {
  this.timeout(120_000);
  const kit = disposables();
  let echo: Echo;
  before(async () => {
    echo = await startEcho(kit);
  });
  const seen = async () => {
    const answer = await fetch(`${echo.gateway('cloud-1').url}/seen`);
    return answer.ok ? ((await answer.json()) as [number, string][]) : [];
  };
  const arrived = (mark: string) =>
    waitFor(async () => (await seen()).some(([, m]) => m === mark), {
      what: `messages marked ${mark}`,
      timeout: 20_000,
    });

  it('is redeployed and moved under load without a message lost, repeated or out of order', async () => {
    const moves = ['fog-1', 'fog-1', 'cloud-1', 'edge-1', 'fog-1'];
    for (const [i, worker] of moves.entries()) {
      await echo.service.deploy({ flow: flow(worker, `v${i}`) });
      await arrived(`v${i}`);
    }
    const last = await echo.service.deploy({ flow: flow('fog-1', 'v4', false) });
    assert.equal(last.status, 'running');
    let count = -1;
    await waitFor(
      async () => {
        const now = (await seen()).length;
        const still = now === count;
        count = now;
        return still;
      },
      { what: 'the last messages to arrive', every: 500 },
    );
    const all = await seen();
    assert.ok(all.length > 500, `${all.length} messages`);
    assert.deepEqual(
      all.map(([n]) => n),
      all.map((_, i) => i),
    );
    assert.deepEqual(
      [...new Set(all.map(([, mark]) => mark))],
      moves.map((_, i) => `v${i}`),
    );
  });

  it('stops, leaving nothing of ECHO on any gateway', async () => {
    const [app] = echo.service.applications();
    await echo.service.stop(app!.id);
    for (const name of ['edge-1', 'fog-1', 'cloud-1']) {
      const flows = (await (await fetch(`${echo.gateway(name).url}/flows`)).json()) as RawFlow;
      assert.deepEqual(
        flows.filter((n) => n.type !== 'global-config'),
        [],
      );
    }
  });
});
