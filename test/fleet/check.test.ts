import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { checkExample, digestAfter, RESULT_TASK } from '../../src/orchestrator/fleet/check.ts';
import type { TrafficService } from '../../src/orchestrator/fleet/traffic.ts';
import { exampleFlow } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';

describe('check of the example', () => {
  const kit = disposables();
  const flow = exampleFlow('city-etl');
  const good = { run: 'r', first: 1, rows: 1200, lost: 0, repeated: 0, reordered: 0 };

  /** The verdict on an example that says `report` of itself while both its wires have carried 1,100 records. */
  const verdictOn = async (report: object) => {
    const server = createServer((_request, response) => response.end(JSON.stringify(report)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    kit.add(server, () => server.close());
    const { port } = server.address() as { port: number };
    const arrived = ['a', 'b'].map((stream) => ({ role: 'in', stream, done: 1100, lost: 0, repeated: 0 }));
    const cloud = {
      id: 'cloud-1',
      health: 'up',
      nodeRedVersion: '5.0.7',
      adminUrl: `http://127.0.0.1:${port}`,
    };
    const wire = (stream: string) => ({ stream, from: { gateway: 'cloud-1' }, to: [{ gateway: 'cloud-1' }] });
    const service = {
      gateways: () => [cloud],
      gateway: () => ({ ...cloud, heartbeat: { streams: arrived } }),
      application: () => ({ placement: { [RESULT_TASK]: 'cloud-1' }, streams: [wire('a'), wire('b')] }),
    } as unknown as TrafficService;
    return checkExample(service, 'app', flow, () => {});
  };
  const published = (digest: number | undefined) => ({ run: 'r', blocks: 200, digest });

  it('passes when every row arrived once, in order, and the blocks are those of one place', async () => {
    const verdict = await verdictOn({ ...good, published: published(digestAfter(flow, 200)) });
    assert.deepEqual(verdict, {
      ...{ ok: true, gateways: 1, nodeRedVersions: ['5.0.7'], cutWires: 2, records: 1100, rows: 1200 },
      ...{ blocks: 200, lost: 0, repeated: 0, reordered: 0, sameOutput: true },
    });
  });

  for (const [what, wrong] of Object.entries({
    lost: { lost: 1 },
    repeated: { repeated: 1 },
    late: { reordered: 1 },
  })) {
    it(`fails when a row is ${what}`, async () => {
      const verdict = await verdictOn({ ...good, ...wrong, published: published(digestAfter(flow, 200)) });
      assert.equal(verdict.ok, false);
    });
  }

  it('counts rows before the first that arrived as lost', async () => {
    const verdict = await verdictOn({ ...good, first: 4, published: published(digestAfter(flow, 200)) });
    assert.partialDeepStrictEqual(verdict, { ok: false, lost: 3 });
  });

  it('fails when the published blocks are others than in one place', async () => {
    const verdict = await verdictOn({ ...good, published: published(digestAfter(flow, 199)) });
    assert.partialDeepStrictEqual(verdict, { ok: false, sameOutput: false });
  });
});
