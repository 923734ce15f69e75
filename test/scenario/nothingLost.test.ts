import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { InStreamStatus } from '../../src/wire/control.ts';
import { CITY, exampleFlow, fedByHttp, feed, readTap, tapped } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';
import { type Echo, startEcho } from '../kit/echo.ts';
import { account, type Feeder, startFeeder } from '../kit/pace.ts';
import { pinned } from '../kit/placing.ts';
import { seededRows } from '../kit/senml.ts';
import { waitFor } from '../kit/wait.ts';

const PER_SECOND = 1000;
const CUT_MS = 20_000;
const ROWS = seededRows(1000);

/** Stateless tasks on the fog gateway, which is the one that gets killed; all state on the cloud gateway. */
const PLACEMENT = {
  [CITY.tick]: 'edge-1',
  [CITY.sensors]: 'edge-1',
  'city-fed': 'edge-1',
  [CITY.parse]: 'fog-1',
  [CITY.range]: 'fog-1',
};

for (const broker of ['aedes', 'mosquitto'] as const) {
  describe(`nothing is lost at 1,000 msg/s (${broker})`, function () {
    this.timeout(180_000);
    const kit = disposables();
    let echo: Echo;
    let feeder: Feeder;
    let tap: string;

    const rows = () => readTap(tap).map(({ row }) => row);
    /** Rows that came out since now, once there are `count` more. */
    const flowsAgain = async (count: number) => {
      const before = rows().length;
      await waitFor(() => rows().length >= before + count, {
        timeout: 60_000,
        what: `${count} more rows`,
        every: 200,
      });
    };
    /** What has come out so far has no hole, no repetition and is in order. */
    const assertWhole = () => {
      const out = rows();
      assert.deepEqual(account(out, out.length), { lost: 0, repeated: 0, reordered: 0 });
    };
    const repeatedSeen = () =>
      ['fog-1', 'cloud-1'].map((gateway) =>
        (echo.service.gateway(gateway).heartbeat?.streams ?? [])
          .filter((stream): stream is InStreamStatus => stream.role === 'in')
          .reduce((sum, { repeated }) => sum + repeated, 0),
      );

    before(async () => {
      echo = await startEcho(kit, { broker, links: true });
      tap = join(kit.folder(), 'annotated.jsonl');
      const drawn = tapped(fedByHttp(exampleFlow('city-etl')), CITY.annotate, tap);
      const bare = drawn.map(({ echo: _, ...node }) => ({ ...node, id: node.id, type: node.type }));
      const cloud = Object.fromEntries(
        bare
          .filter(({ type }) => type !== 'tab' && type !== 'group' && type !== 'comment')
          .map(({ id }) => [id, 'cloud-1']),
      );
      const { plan } = await echo.service.deploy({
        flow: pinned(bare, { ...cloud, ...PLACEMENT }),
        name: 'city',
      });
      assert.equal(plan.cutWires.length, 2);
      const edge = echo.gateway('edge-1').url;
      await waitFor(() => feed(edge, []).then(() => true), { what: 'the feed to be taken' });
      feeder = startFeeder(PER_SECOND, 50, (first, count) => {
        const lines = Array.from({ length: count }, (_, i) => ROWS[(first + i - 1) % ROWS.length]!);
        return feed(edge, lines, { first });
      });
      await flowsAgain(1000);
    });

    it('while the broker is restarted', async () => {
      // The embedded broker goes down and up with its orchestrator.
      await (echo.broker ?? echo).restart();
      await flowsAgain(2000);
      assertWhole();
    });

    it('while the link of a gateway is cut for 20 seconds', async () => {
      const link = echo.link('fog-1');
      const since = performance.now();
      link.cut();
      await waitFor(() => echo.service.gateway('fog-1').health !== 'up', { what: 'the cut to be noticed' });
      await waitFor(() => performance.now() - since >= CUT_MS, {
        timeout: CUT_MS + 5000,
        what: 'the time of the cut',
      });
      const held = feeder.sent - rows().length;
      assert.ok(held > (PER_SECOND * CUT_MS) / 2000, `the edge holds what it cannot send (${held} rows)`);
      link.heal();
      await flowsAgain(held);
      assertWhole();
    });

    it('while a gateway with stateless tasks is killed and started again; what is done again is counted', async () => {
      const fog = echo.gateway('fog-1');
      for (let kills = 0; kills < 3; kills++) {
        // In the middle of a backlog, so that work under way is cut off.
        echo.link('fog-1').cut();
        const { sent } = feeder;
        await waitFor(() => feeder.sent >= sent + 1000, { what: 'a backlog' });
        const before = statSync(tap).size;
        echo.link('fog-1').heal();
        await waitFor(() => statSync(tap).size > before, {
          what: 'the backlog to start moving',
          every: 1,
          timeout: 30_000,
        });
        await fog.kill();
        await fog.start();
        await echo.allUp();
        await flowsAgain(1000);
      }
      const sent = await feeder.stop();
      await waitFor(() => new Set(rows()).size >= sent, {
        timeout: 60_000,
        what: `all ${sent} rows`,
        every: 200,
      });
      const { lost, repeated, reordered } = account(rows(), sent);
      console.log(
        `      ${sent} rows, ${repeated} repeated by the kill, ${lost} lost, ${reordered} out of order`,
      );
      assert.deepEqual({ lost, reordered }, { lost: 0, reordered: 0 });
      await waitFor(() => repeatedSeen()[1] === repeated, {
        what: `the cloud gateway to show the ${repeated} repeated rows, shown: ${repeatedSeen()}`,
      });
    });
  });
}
