import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RawFlow } from '../../src/flow/types.ts';
import { type Message, referenceOf } from '../../src/orchestrator/fleet/reference.ts';
import { CITY, exampleFlow, fedByHttp, feed, readTap, tapped, withStations } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { sampleRows, sampleStations, seededRows } from '../kit/senml.ts';
import { waitFor } from '../kit/wait.ts';

/** What `node` sends for `rows`, by the reference. */
function expected(flow: RawFlow, rows: readonly string[], node: string): Message[] {
  const sent: Message[] = [];
  const reference = referenceOf(flow, (message, from, to) => {
    if (from === node && !to.endsWith('-line')) sent.push(message);
  });
  rows.forEach((payload, i) => {
    reference.send(CITY.parse, { run: 'test', row: i + 1, topic: 'city', payload });
  });
  return sent;
}

describe('city example', () => {
  const kit = disposables();
  const flow = exampleFlow('city-etl');

  it('makes the same rows as the seeded generator of the tests', () => {
    const made: unknown[] = [];
    const reference = referenceOf(flow, (message, _from, to) => {
      if (to === CITY.parse) made.push(message.payload);
    });
    for (let tick = 0; tick < 100; tick++) reference.send(CITY.sensors, {});
    assert.deepEqual(made, seededRows(1000));
  });

  it('makes rows of the form of RIoTBench, which the real sample has where it is at hand', () => {
    const form = (line: string) => {
      const { e, bt } = JSON.parse(line.slice(line.indexOf(',') + 1)) as {
        e: ({ n: string; u: string } & Record<string, string>)[];
        bt: number;
      };
      assert.equal(line.slice(0, line.indexOf(',')), String(bt));
      return e.map(({ n, u, ...value }) => `${n} ${u} ${Object.keys(value).join()}`);
    };
    const wanted = [
      ...['source string sv', 'longitude lon v', 'latitude lat v', 'temperature far v', 'humidity per v'],
      ...['light per v', 'dust per v', 'airquality_raw per v'],
    ];
    for (const line of [...seededRows(1000), ...(sampleRows() ?? [])]) assert.deepEqual(form(line), wanted);
  });

  it('filters, completes and annotates every row, and averages blocks of five', () => {
    const rows = seededRows(1000);
    const annotated = expected(flow, rows, CITY.annotate).filter((_, i) => i % 2 === 0);
    assert.equal(annotated.length, 1000);
    const last = annotated.at(-1)?.payload as Record<string, unknown>;
    assert.equal(typeof last.location, 'string');
    assert.ok(!('unknown' === last.location));
    for (const sensor of ['temperature', 'humidity', 'light', 'dust', 'airquality_raw']) {
      assert.equal(typeof last[sensor], 'number', `${sensor} is complete once the windows have filled`);
    }
    const blocks = expected(flow, rows, CITY.average).map(({ payload }) => payload as { rows: number[] });
    assert.ok(blocks.length > 150 && blocks.every((block) => block.rows.length === 5));
    const numbers = blocks.flatMap((block) => block.rows);
    assert.equal(new Set(numbers).size, numbers.length, 'no row stands in two blocks');
  });

  it('notices a row that is missing, twice or late', () => {
    const reference = referenceOf(flow);
    for (const row of [1, 2, 4, 5, 3, 5, 8]) reference.send(CITY.continuity, { run: 'r', row, payload: {} });
    const seen = reference.flow.get('seen') as Record<string, number>;
    assert.deepEqual(
      { rows: seen.rows, lost: seen.lost, repeated: seen.repeated, reordered: seen.reordered },
      { rows: 6, lost: 2, repeated: 1, reordered: 1 },
    );
  });

  for (const version of ['4.1', '5.0'] as const) {
    it(`gives the reference's output on a single Node-RED ${version}, message by message`, async function () {
      this.timeout(120_000);
      const folder = kit.folder();
      const gateway = await startRealGateway(kit, { version });
      const stations = sampleStations();
      const rows = sampleRows() ?? seededRows(1000);
      const base = stations === undefined ? flow : withStations(flow, stations);
      const [annotated, blocks] = [join(folder, 'annotated'), join(folder, 'blocks')];
      await deploy(
        gateway.url,
        tapped(tapped(fedByHttp(base), CITY.annotate, annotated), CITY.average, blocks),
      );
      await waitFor(() => fetch(`${gateway.url}/city?json`).then((r) => r.ok), { what: 'the flow to run' });

      await feed(gateway.url, rows.slice(0, 400));
      await feed(gateway.url, rows.slice(400), { first: 401 });
      const wanted = expected(base, rows, CITY.average);
      await waitFor(() => readTap(blocks).length >= wanted.length, { what: 'every block' });
      await waitFor(() => readTap(annotated).length >= rows.length, { what: 'every row' });

      const wantedRows = expected(base, rows, CITY.annotate).filter((_, i) => i % 2 === 0);
      const plain = ({ run, row, payload }: Message) => JSON.parse(JSON.stringify({ run, row, payload }));
      assert.deepEqual(readTap(annotated), wantedRows.map(plain));
      assert.deepEqual(readTap(blocks), wanted.map(plain));
    });
  }
});

async function deploy(url: string, flow: RawFlow): Promise<void> {
  const response = await fetch(`${url}/flows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(flow),
  });
  assert.ok(response.ok, await response.text());
}
