import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RawFlow } from '../../src/flow/types.ts';
import { CITY, exampleFlow, fedByHttp, feed, readTap, tapped, withStations } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';
import { type Echo, MIXED, startEcho } from '../kit/echo.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { placedBySeed } from '../kit/placing.ts';
import { sampleRows, sampleStations, seededRows } from '../kit/senml.ts';
import { waitFor } from '../kit/wait.ts';

const PLACEMENT_SEEDS = [1, 2, 3, 4];
const GATEWAYS = MIXED.map(({ name }) => name);

/** The real sample where it is at hand, rows of the same form made from a seed where it is not. */
function material(): { readonly rows: readonly string[]; readonly flow: RawFlow } {
  const flow = fedByHttp(exampleFlow('city-etl'));
  const rows = sampleRows();
  const stations = sampleStations();
  if (rows === undefined || stations === undefined) return { rows: seededRows(1000), flow };
  return { rows, flow: withStations(flow, stations) };
}

/** The flow with taps after the join and after the aggregate. */
function withTaps(flow: RawFlow, folder: string, run: string): { flow: RawFlow; taps: readonly string[] } {
  const annotated = join(folder, `${run}-annotated.jsonl`);
  const averaged = join(folder, `${run}-averaged.jsonl`);
  return {
    flow: tapped(tapped(flow, CITY.annotate, annotated), CITY.average, averaged),
    taps: [annotated, averaged],
  };
}

for (const broker of ['aedes', 'mosquitto'] as const) {
  describe(`one flow over three gateways (${broker})`, function () {
    this.timeout(120_000);
    const kit = disposables();
    const { rows, flow } = material();
    let echo: Echo;
    let single: unknown[][];

    before(async () => {
      const folder = kit.folder();
      const gateway = await startRealGateway(kit, { version: '5.0', name: 'single' });
      const alone = withTaps(flow, folder, 'single');
      const deployed = await fetch(`${gateway.url}/flows`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alone.flow.map(({ echo: _, ...node }) => node)),
      });
      assert.equal(deployed.status, 204);
      await waitFor(() => feed(gateway.url, rows).then(() => true), {
        what: 'the single Node-RED to take the feed',
      });
      const [annotated = '', averaged = ''] = alone.taps;
      await waitFor(() => readTap(annotated).length === rows.length, { what: 'every row on one Node-RED' });
      await gateway.stop();
      single = [readTap(annotated), readTap(averaged)];
      assert.ok(single[1]!.length > 50, 'the aggregate has something to compare');
      echo = await startEcho(kit, { broker });
    });

    for (const seed of PLACEMENT_SEEDS) {
      it(`gives the output of one Node-RED, message by message (placement seed ${seed})`, async () => {
        const run = withTaps(flow, kit.folder(), `seed-${seed}`);
        const placed = placedBySeed(run.flow, GATEWAYS, seed);
        const { application, plan } = await echo.service.deploy({ flow: placed, name: `seed ${seed}` });
        assert.ok(plan.cutWires.length > 0, 'the placement cuts something');
        const entry = echo.gateway(plan.placement[CITY.tick]!);
        await waitFor(() => feed(entry.url, rows).then(() => true), { what: 'the feed to be taken' });
        const counts = () => run.taps.map((tap) => readTap(tap).length);
        await waitFor(() => counts().every((count, i) => count >= single[i]!.length), {
          timeout: 30_000,
          what: `${single.map((all) => all.length)} messages in the taps`,
        });
        run.taps.forEach((tap, i) => {
          assert.deepEqual(readTap(tap), single[i]);
        });
        await echo.service.remove(application);
      });
    }
  });
}
