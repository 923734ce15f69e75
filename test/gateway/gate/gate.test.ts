import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GateOpened, GateStatus } from '../../../src/wire/control.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { echoTab, node, type ProbedGateway, startProbedGateway, TAB, type TestNode } from '../kit/probed.ts';

const fn = (id: string, to: string[], comment = ''): TestNode =>
  node(id, 'function', [to], { func: `${comment}\nreturn msg;`, outputs: 1, timeout: 0, libs: [] });
const SINK = node('sink', 'probe-sink', []);
const COUNT = 10_000;
/** Takes its time, as a request does, so that a redeploy always comes upon messages in it. */
const SLOWLY = 'await new Promise((after) => setTimeout(after, 5));';
/** A source that sends 2,500 messages a second, and two functions that each version of the flow changes. */
const running = (version: number, run: number, tab = echoTab(TAB), work = ''): TestNode[] => [
  tab,
  node('source', 'probe-source', [['a']], { rate: 2_500, count: COUNT, run }),
  fn('a', ['b'], `// ${version}`),
  fn('b', ['sink'], `// ${version}\n${work}`),
  SINK,
];

const LEASE = 20_000;
const close = (g: ProbedGateway, level: 'sources' | 'all', more: object = {}): Promise<GateStatus> =>
  g.gate('close', 'd1', { tabs: [TAB], level, leaseMs: LEASE, sealed: false, ...more });
const open = (g: ProbedGateway, orphans = 'drop'): Promise<GateOpened> => g.gate('open', 'd1', orphans);
const count = (g: ProbedGateway): Promise<number> => g.call<number>('sunk-count');

for (const version of ['5.0', '4.1'] as const) {
  describe(`gate: deploys on Node-RED ${version}`, function () {
    this.timeout(90_000);
    const kit = disposables();
    let gateway: ProbedGateway;
    before(async () => {
      gateway = await startProbedGateway(kit, version);
    });
    beforeEach(async () => {
      for (const deploy of await gateway.gate<string[]>('openDeploys'))
        await gateway.gate('open', deploy, 'drop');
      await gateway.deploy([]);
      await gateway.sunk();
    });

    /** Redeploys under load until the source has sent everything; returns what arrived, and how many redeploys. */
    async function redeployUnderLoad(
      run: number,
      around: (deploy: () => Promise<void>) => Promise<void>,
      tab = echoTab(TAB),
      work = '',
    ) {
      await gateway.deploy(running(0, run, tab, work));
      let redeploys = 0;
      while ((await count(gateway)) < COUNT * 0.9) {
        const arrived = await count(gateway);
        await around(() => gateway.deploy(running(++redeploys, run, tab, work)));
        await waitFor(async () => (await count(gateway)) > arrived + 200, {
          what: 'messages after the deploy',
        });
      }
      let last = -1;
      await waitFor(
        async () => {
          const now = await count(gateway);
          if (now === last) return true;
          last = now;
          return false;
        },
        { what: 'the last messages', every: 300 },
      );
      return { redeploys, payloads: (await gateway.sunk()).map(({ payload }) => payload as number) };
    }

    it('loses and reorders none of 10,000 messages at 2,500 a second while every task is redeployed', async () => {
      const { payloads, redeploys } = await redeployUnderLoad(
        1,
        async (deploy) => {
          await close(gateway, 'sources');
          await waitFor(async () => (await gateway.gate<GateStatus>('status', 'd1')).inFlight === 0, {
            what: 'the tasks to drain',
          });
          await close(gateway, 'all', { sealed: true });
          await deploy();
          await open(gateway);
        },
        undefined,
        SLOWLY,
      );
      assert.ok(redeploys >= 2, `${redeploys} redeploys`);
      assert.deepEqual(
        payloads,
        Array.from({ length: COUNT }, (_, i) => i),
      );
    });

    it('loses and reorders none when everything is stopped at once, in the middle of its way', async () => {
      const { payloads } = await redeployUnderLoad(
        2,
        async (deploy) => {
          await close(gateway, 'all', { sealed: true });
          await waitFor(async () => (await gateway.gate<GateStatus>('status', 'd1')).inFlight === 0, {
            what: 'the nodes to come to rest',
          });
          await deploy();
          await open(gateway);
        },
        undefined,
        SLOWLY,
      );
      assert.deepEqual(
        payloads,
        Array.from({ length: COUNT }, (_, i) => i),
      );
    });

    it('loses none in a deploy that nobody announced (somebody pressed Deploy on the gateway)', async () => {
      const { payloads } = await redeployUnderLoad(4, (deploy) => deploy());
      assert.deepEqual(
        payloads,
        Array.from({ length: COUNT }, (_, i) => i),
      );
    });

    it("loses messages in the same test on a tab that is not ECHO's, as plain Node-RED does", async () => {
      const own = { id: TAB, type: 'tab', label: 'own' };
      const { payloads } = await redeployUnderLoad(5, (deploy) => deploy(), own, SLOWLY);
      assert.ok(payloads.length < COUNT, 'nothing was lost: the test shows nothing');
    });

    it('at level "sources" holds what sources send and lets the rest drain', async () => {
      const slow = node('slow', 'delay', [['sink']], {
        pauseType: 'delay',
        timeout: '100',
        timeoutUnits: 'milliseconds',
      });
      await gateway.deploy([echoTab(TAB), node('source', 'probe-source', [['slow']]), slow, SINK]);
      await gateway.call('send', { node: 'source', msgs: [{ payload: 'before' }] });
      assert.deepEqual((await close(gateway, 'sources')).busy, [{ node: 'slow', type: 'delay', count: 1 }]);
      await gateway.call('send', { node: 'source', msgs: [{ payload: 'held' }] });
      await waitFor(async () => (await count(gateway)) === 1, { what: 'the message on its way' });
      const { held, inFlight, level } = await gateway.gate<GateStatus>('status', 'd1');
      assert.deepEqual({ held, inFlight, level }, { held: 1, inFlight: 0, level: 'sources' });
      assert.deepEqual(await open(gateway), { delivered: 1, rerouted: 0, dropped: 0 });
      await waitFor(async () => (await count(gateway)) === 2, { what: 'the held message' });
      assert.deepEqual(
        (await gateway.sunk()).map(({ payload }) => payload),
        ['before', 'held'],
      );
    });

    it('at level "all" holds a pressed button too', async () => {
      const inject = node('inject', 'inject', [['sink']], {
        props: [{ p: 'payload' }],
        payload: 'pressed',
        payloadType: 'str',
      });
      await gateway.deploy([echoTab(TAB), inject, SINK]);
      await close(gateway, 'all');
      await gateway.call('receive', { node: 'inject', msg: {} });
      assert.equal((await gateway.gate<GateStatus>('status', 'd1')).held, 1);
      await open(gateway);
      await waitFor(async () => (await count(gateway)) === 1, { what: 'the message of the button' });
    });

    it('holds nothing of other tabs', async () => {
      const other = (n: TestNode): TestNode => ({ ...n, z: 't2' });
      await gateway.deploy([
        echoTab(TAB),
        { id: 't2', type: 'tab', label: 'own' },
        other(node('source', 'probe-source', [['sink']])),
        other(SINK),
      ]);
      await close(gateway, 'all');
      await gateway.call('send', { node: 'source', msgs: [{}] });
      await waitFor(async () => (await count(gateway)) === 1, { what: 'the message on the own tab' });
    });

    it('opens by itself when its lease ends, unless it is sealed', async () => {
      await gateway.deploy([echoTab(TAB), node('source', 'probe-source', [['sink']]), SINK]);
      await close(gateway, 'all', { leaseMs: 300 });
      await gateway.call('send', { node: 'source', msgs: [{}] });
      await waitFor(async () => (await count(gateway)) === 1, { what: 'the lease to end' });
      assert.deepEqual(await gateway.gate('openDeploys'), []);
      await close(gateway, 'all', { leaseMs: 1, sealed: true });
      await close(gateway, 'all', { leaseMs: 1 });
      await gateway.gate('close', 'd2', { tabs: [TAB], level: 'all', leaseMs: 50, sealed: false });
      await waitFor(async () => (await gateway.gate<string[]>('openDeploys')).length === 1, {
        what: 'the unsealed one to end',
      });
      assert.deepEqual(await gateway.gate('openDeploys'), ['d1']);
    });

    it('puts what is held for a task that moved away into its stream, once however many tasks moved', async () => {
      const source = (to: string[]): TestNode => node('source', 'probe-source', [to]);
      await gateway.deploy([echoTab(TAB), source(['sink', 'x', 'y']), fn('x', []), fn('y', []), SINK]);
      await close(gateway, 'all');
      await gateway.call('send', { node: 'source', msgs: [{ payload: 1 }, { payload: 2 }] });
      const out = node('out', 'echo out', [], {
        stream: 'app/source:0',
        level: 'at-least-once',
        consumers: [{ gateway: 'elsewhere', tasks: ['x', 'y'] }],
      });
      await gateway.deploy([echoTab(TAB), source(['sink', 'out']), SINK, out]);
      assert.deepEqual(await open(gateway), { delivered: 2, rerouted: 2, dropped: 0 });
      await waitFor(
        async () => {
          const { streams } = await gateway.gate<GateStatus>('status', 'd1');
          return streams.some((s) => s.role === 'out' && s.appended === 2);
        },
        { what: 'two records in the stream' },
      );
      assert.equal(await count(gateway), 2);
    });

    it('drops, or keeps when told so, what is held for a task that is gone', async () => {
      const flow = (to: string[]): TestNode[] => [echoTab(TAB), node('source', 'probe-source', [to])];
      await gateway.deploy([...flow(['x']), fn('x', ['sink']), SINK]);
      await close(gateway, 'all');
      await gateway.call('send', { node: 'source', msgs: [{}, {}] });
      await gateway.deploy([...flow([]), SINK]);
      assert.deepEqual(await open(gateway, 'keep'), { delivered: 0, rerouted: 0, dropped: 0 });
      await gateway.deploy([...flow(['x']), fn('x', ['sink']), SINK]);
      await close(gateway, 'all');
      assert.deepEqual(await open(gateway), { delivered: 2, rerouted: 0, dropped: 0 });
      await waitFor(async () => (await count(gateway)) === 2, { what: 'the kept messages' });
      await close(gateway, 'all');
      await gateway.call('send', { node: 'source', msgs: [{}] });
      await gateway.deploy([...flow([]), SINK]);
      assert.deepEqual(await open(gateway), { delivered: 0, rerouted: 0, dropped: 1 });
    });

    it('comes up gated after a crash in the middle of a deploy', async () => {
      await gateway.deploy(running(0, 3));
      await close(gateway, 'all', { sealed: true });
      await gateway.kill();
      await gateway.start();
      const status = () => gateway.gate<GateStatus>('status', 'd1');
      await waitFor(async () => (await status()).held > 100, { what: 'messages held after the restart' });
      assert.equal(await count(gateway), 0);
      await open(gateway);
      await waitFor(async () => (await count(gateway)) > 100, { what: 'messages after the opening' });
      const payloads = (await gateway.sunk()).map(({ payload }) => payload);
      assert.deepEqual(
        payloads,
        Array.from(payloads, (_, i) => i),
      );
      assert.equal(readFileSync(join(gateway.userDir, 'echo', 'gates.json'), 'utf8'), '[]');
    });
  });
}
