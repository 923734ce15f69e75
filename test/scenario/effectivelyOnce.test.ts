import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RawFlow, RawNode } from '../../src/flow/types.ts';
import { CITY, exampleFlow, fedByHttp, feed, readTap, tapped } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';
import { type Echo, startEcho } from '../kit/echo.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { startFeeder } from '../kit/pace.ts';
import { pinned } from '../kit/placing.ts';
import { seededRows } from '../kit/senml.ts';
import { waitFor } from '../kit/wait.ts';

const PER_SECOND = 500;
const KILLS = 3;
const ROWS = seededRows(1000);
const rowsFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => ROWS[(first + i - 1) % ROWS.length]!);

const DELIVERY = { name: 'ECHO_DELIVERY', value: 'effectively-once', type: 'str' };
/** Ids of what is added behind the average: a count in context, and groups. */
const COUNT = 'city-count';
const GROUP = 'city-group';

/** State in context (the average, its count) and in messages (the groups). */
function drawn(): RawFlow {
  const flow = fedByHttp(exampleFlow('city-etl')).map(({ echo: _, ...node }) => node as RawNode);
  const average = flow.find(({ id }) => id === CITY.average)!;
  const place = { z: CITY.tab, x: 900, y: 500, ...(average.g === undefined ? {} : { g: average.g }) };
  const count: RawNode = {
    ...{ id: COUNT, type: 'function', name: 'count', ...place, outputs: 1, timeout: 0, noerr: 0 },
    ...{ initialize: '', finalize: '', libs: [], wires: [[GROUP]] },
    func: `const count = (context.get('count') ?? 0) + 1;
context.set('count', count);
return { run: msg.run, row: msg.row, payload: [count, msg.payload] };`,
  };
  const group: RawNode = {
    ...{ id: GROUP, type: 'join', name: 'group', ...place, mode: 'custom', build: 'array', count: '7' },
    ...{ property: 'payload', propertyType: 'msg', accumulate: false, timeout: '', wires: [[]] },
    ...{ joiner: '', joinerType: 'str', key: 'topic' },
  };
  const wired = flow.map((node) => {
    if (node.id === CITY.average) return { ...node, wires: [[...(node.wires?.[0] ?? []), COUNT]] };
    if (node.id === CITY.tab) return { ...node, env: [DELIVERY] };
    if (node.id !== average.g) return node;
    return { ...node, nodes: [...(node.nodes as string[]), COUNT, GROUP] };
  });
  return [...wired, count, group];
}

describe('effectively-once through the whole of ECHO', function () {
  this.timeout(180_000);
  const kit = disposables();
  let echo: Echo;

  /** The flow with a tap on each result. */
  const withTaps = (run: string): { flow: RawFlow; taps: readonly string[] } => {
    const folder = kit.folder();
    const taps = [CITY.annotate, CITY.average, GROUP].map((id) => join(folder, `${run}-${id}.jsonl`));
    const [annotated = '', averaged = '', grouped = ''] = taps;
    const flow = tapped(
      tapped(tapped(drawn(), CITY.annotate, annotated), CITY.average, averaged),
      GROUP,
      grouped,
    );
    return { flow, taps };
  };

  /** All on one Node-RED that nobody kills. */
  async function reference(rows: number): Promise<unknown[][]> {
    const gateway = await startRealGateway(kit, { version: '5.0', name: 'single' });
    const { flow, taps } = withTaps('single');
    const deployed = await fetch(`${gateway.url}/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(flow),
    });
    assert.equal(deployed.status, 204);
    await waitFor(() => feed(gateway.url, []).then(() => true), { what: 'the feed to be taken' });
    for (let first = 1; first <= rows; first += 500)
      await feed(gateway.url, rowsFrom(first, Math.min(500, rows - first + 1)), { first });
    await waitFor(() => readTap(taps[0]!).length === rows, { what: 'every row on one Node-RED' });
    await gateway.stop();
    return taps.map((tap) => readTap(tap));
  }

  before(async () => {
    echo = await startEcho(kit);
  });

  it('a gateway with state is killed three times, and the output is that of one Node-RED, message by message', async () => {
    const { flow, taps } = withTaps('cut');
    const middle = [CITY.interpolate, CITY.annotate, CITY.average, COUNT, GROUP];
    const tasks = flow.filter(({ z, type }) => z === CITY.tab && type !== 'group' && type !== 'comment');
    const placement = Object.fromEntries(
      tasks.map(({ id }) => {
        if (middle.includes(id)) return [id, 'fog-1'];
        return [
          id,
          [CITY.tick, CITY.sensors, 'city-fed', CITY.parse].some((at) => at === id) ? 'edge-1' : 'cloud-1',
        ];
      }),
    );
    const { plan, application } = await echo.service.deploy({ flow: pinned(flow, placement), name: 'once' });
    assert.ok(plan.cutWires.length > 3);
    assert.deepEqual([...new Set(plan.cutWires.map(({ level }) => level))], ['effectively-once']);
    const edge = echo.gateway('edge-1').url;
    await waitFor(() => feed(edge, []).then(() => true), { what: 'the feed to be taken' });
    const feeder = startFeeder(PER_SECOND, 10, (first, count) =>
      feed(edge, rowsFrom(first, count), { first }),
    );
    const out = () => readTap(taps[0]!).length;
    const fog = echo.gateway('fog-1');
    for (let kills = 0; kills < KILLS; kills++) {
      const before = out();
      await waitFor(() => out() > before + PER_SECOND, { what: 'a second of rows', timeout: 30_000 });
      await fog.kill();
      await fog.start();
      await echo.allUp();
    }
    const sent = await feeder.stop();
    const single = await reference(sent);
    const counts = () => taps.map((tap) => readTap(tap).length);
    await waitFor(() => counts().every((count, i) => count >= single[i]!.length), {
      timeout: 30_000,
      what: `${single.map(({ length }) => length)} messages in the taps`,
    });
    taps.forEach((tap, i) => {
      assert.deepEqual(readTap(tap), single[i]);
    });
    const metrics = await (await fetch(`${echo.url}/metrics`)).text();
    const taken = metrics.match(/^echo_checkpoints\{.*gateway="fog-1".*\} (\d+)$/m);
    assert.ok(Number(taken?.[1]) > 0, 'checkpoints are in the metrics');
    await echo.service.remove(application);
  });
});
