import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CITY, exampleFlow, fedByHttp, feed, readTap, tapped } from '../kit/city.ts';
import { disposables, freePort } from '../kit/cleanup.ts';
import { type Echo, startEcho } from '../kit/echo.ts';
import { account, type Feeder, startFeeder } from '../kit/pace.ts';
import { pinned } from '../kit/placing.ts';
import { seededRows } from '../kit/senml.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { waitFor } from '../kit/wait.ts';

const PER_SECOND = 500;
const ROWS = seededRows(1000);
const EDGE: readonly string[] = [CITY.tick, CITY.sensors, 'city-fed'];
const FOG: readonly string[] = [CITY.parse, CITY.range, `${CITY.range}-line`, `${CITY.range}-file`];

/** Edge and fog gateway stand in one site, whose broker the fog gateway offers; the cloud gateway stands elsewhere. */
describe('a site whose wide-area link is cut', function () {
  this.timeout(180_000);
  const kit = disposables();
  let echo: Echo;
  let feeder: Feeder;
  let site: string;
  let cloud: string;
  /** The way of each gateway of the site to the orchestrator; that to the shared broker is `echo.link`. */
  const ways = new Map<string, TcpProxy>();

  const rows = (tap: string) => readTap(tap).map(({ row }) => row);
  const comeOut = async (tap: string, count: number) => {
    const before = rows(tap).length;
    await waitFor(() => rows(tap).length >= before + count, {
      timeout: 60_000,
      what: `${count} more rows`,
      every: 200,
    });
  };
  const wideArea = (what: 'cut' | 'heal') => {
    for (const [name, way] of ways) {
      way[what]();
      echo.link(name)[what]();
    }
  };

  before(async () => {
    echo = await startEcho(kit, { links: true, gateways: [] });
    const add = async (name: string, tier: 'edge' | 'fog', version: '4.1' | '5.0', more: object) => {
      const way = await startTcpProxy(kit, { port: Number(new URL(echo.url).port) });
      ways.set(name, way);
      const reach = { orchestrator: `http://127.0.0.1:${way.port}`, site: 'hall' };
      await echo.add({ name, tier, version, echo: { ...reach, ...more } });
    };
    await Promise.all([
      add('edge-1', 'edge', '4.1', {}),
      add('fog-1', 'fog', '5.0', { siteBroker: { port: await freePort(), host: '127.0.0.1' } }),
      echo.add({ name: 'cloud-1', tier: 'cloud', version: '5.0' }),
    ]);
    const folder = kit.folder();
    [site, cloud] = [join(folder, 'site.jsonl'), join(folder, 'cloud.jsonl')];
  });

  it('is in the reachability map, declared and probed', async () => {
    const hall = () => echo.service.brokers().find(({ name }) => name === 'site/hall');
    await waitFor(() => hall()?.gateways.filter(({ probed }) => probed).length === 2, {
      what: 'both gateways to reach the broker of their site',
    });
    assert.equal(hall()?.from, 'fog-1');
  });

  it('has its own wires over its own broker, and the others over the shared one', async () => {
    const drawn = tapped(tapped(fedByHttp(exampleFlow('city-etl')), CITY.range, site), CITY.annotate, cloud);
    const bare = drawn.map(({ echo: _, ...node }) => ({ ...node, id: node.id, type: node.type }));
    const tasks = bare.filter(({ type }) => !['tab', 'group', 'comment'].includes(type));
    const place = ({ id }: { id: string }) =>
      EDGE.includes(id) ? 'edge-1' : FOG.includes(id) ? 'fog-1' : 'cloud-1';
    const flow = pinned(bare, Object.fromEntries(tasks.map((task) => [task.id, place(task)])));
    const { plan } = await echo.service.deploy({ flow, name: 'city' });
    const brokers = plan.cutWires.map(({ from, broker }) => `${from.gateway} ${broker}`);
    assert.deepEqual(brokers.sort(), ['edge-1 site/hall', 'fog-1 shared']);
    const edge = echo.gateway('edge-1').url;
    await waitFor(() => feed(edge, []).then(() => true), { what: 'the feed to be taken' });
    feeder = startFeeder(PER_SECOND, 50, (first, count) => {
      const lines = Array.from({ length: count }, (_, i) => ROWS[(first + i - 1) % ROWS.length]!);
      return feed(edge, lines, { first });
    });
    await comeOut(cloud, 1000);
  });

  it('goes on by itself, also when its gateways start anew meanwhile', async () => {
    wideArea('cut');
    await waitFor(() => ['edge-1', 'fog-1'].every((id) => echo.service.gateway(id).health !== 'up'), {
      what: 'the cut to be noticed',
    });
    const [there] = [rows(cloud).length, await comeOut(site, 3000)];
    assert.ok(rows(site).length - rows(cloud).length > 1000, 'the cloud gateway gets nothing');
    assert.ok(rows(cloud).length - there < 500);
    await echo.gateway('fog-1').kill();
    await echo.gateway('fog-1').start();
    await comeOut(site, 2000);
  });

  it('loses nothing: what was held comes out when the link is back', async () => {
    wideArea('heal');
    await echo.allUp();
    await comeOut(cloud, 2000);
    const sent = await feeder.stop();
    for (const tap of [site, cloud]) {
      await waitFor(() => new Set(rows(tap)).size >= sent, {
        timeout: 60_000,
        what: `all ${sent} rows`,
        every: 200,
      });
      const { lost, repeated, reordered } = account(rows(tap), sent);
      console.log(
        `      ${sent} rows, ${repeated} repeated by the kill, ${lost} lost, ${reordered} out of order`,
      );
      assert.deepEqual({ lost, reordered }, { lost: 0, reordered: 0 });
    }
  });
});
