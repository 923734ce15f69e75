import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RawNode } from '../../src/flow/types.ts';
import { feed, readTap } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';
import { startEcho } from '../kit/echo.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { account, startFeeder } from '../kit/pace.ts';
import { waitFor } from '../kit/wait.ts';

const PER_SECOND = 2500;
const ROWS = 10_000;
const REDEPLOYS = 5;
const WAIT = 'await new Promise((after) => setTimeout(after, 5));';

/** `POST /feed` → rows → five functions → a file; `generation` is what a redeploy changes in the middle one. */
function chain(generation: number, tap: string, place: (node: string) => string): RawNode[] {
  const task = (id: string, type: string, wires: string[][], more: object): RawNode => ({
    ...{ id, type, z: 'chain', name: id, x: 200, y: 100, wires, echo: { gateway: place(id) } },
    ...more,
  });
  const code = (id: string, next: string, func: string) =>
    task(id, 'function', [[next]], {
      ...{ func, outputs: 1, timeout: 0, noerr: 0, initialize: '', finalize: '', libs: [] },
    });
  return [
    { id: 'chain', type: 'tab', label: 'Chain', disabled: false, info: '', env: [] },
    task('in', 'http in', [['rows']], { url: '/feed', method: 'post', upload: false }),
    task('rows', 'function', [['f1'], ['fed']], {
      func: 'const { first, lines } = msg.payload;\nreturn [lines.map((_, i) => ({ row: first + i, payload: 0 })), msg];',
      ...{ outputs: 2, timeout: 0, noerr: 0, initialize: '', finalize: '', libs: [] },
    }),
    task('fed', 'http response', [], { statusCode: '', headers: {} }),
    code('f1', 'f2', 'msg.payload += 1; return msg;'),
    // It takes its time, as a request does, so that a redeploy always comes upon messages in it.
    code('f2', 'f3', `msg.payload += 1; ${WAIT} msg.generation = ${generation}; return msg;`),
    code('f3', 'line', 'msg.payload += 1; return msg;'),
    code('line', 'file', 'return { payload: JSON.stringify({ row: msg.row, payload: msg.payload }) };'),
    task('file', 'file', [[]], {
      ...{ filename: tap, filenameType: 'str', appendNewline: true, createDir: false },
      ...{ overwriteFile: 'false', encoding: 'utf8' },
    }),
  ];
}

/** Feeds ROWS rows and redeploys while they flow; the rows that came out. */
async function underLoad(
  url: string,
  tap: string,
  redeploy: (generation: number) => Promise<void>,
): Promise<number[]> {
  await waitFor(() => feed(url, []).then(() => true), { what: 'the feed to be taken' });
  let refused = 0;
  const feeder = startFeeder(PER_SECOND, 25, async (first, count) => {
    const lines = Array.from({ length: count }, () => '');
    // A feed that is not answered counts as sent: what became of it is the question.
    await feed(url, lines, { first }).catch(() => refused++);
  });
  for (let generation = 1; generation <= REDEPLOYS; generation++) {
    await waitFor(() => feeder.sent >= (ROWS * generation) / (REDEPLOYS + 1), {
      timeout: 60_000,
      what: 'rows to flow',
    });
    await redeploy(generation);
  }
  await waitFor(() => feeder.sent >= ROWS, { timeout: 60_000, what: 'all rows to be sent' });
  await feeder.stop();
  assert.equal(refused, 0);
  return readTap<{ row: number }>(tap).map(({ row }) => row);
}

describe('a redeploy under 2,500 msg/s', function () {
  this.timeout(120_000);
  const kit = disposables();

  it('loses messages on a plain Node-RED, which proves the count', async () => {
    const tap = join(kit.folder(), 'plain.jsonl');
    const { url, stop } = await plain();
    const write = async (generation: number) => {
      const flows = chain(generation, tap, () => 'x').map(({ echo: _, ...node }) => node);
      const response = await fetch(`${url}/flows`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'node-red-deployment-type': 'nodes' },
        body: JSON.stringify(flows),
      });
      assert.equal(response.status, 204);
    };
    await write(0);
    const rows = await underLoad(url, tap, write);
    await stop();
    const { lost } = account(rows, ROWS);
    console.log(`      plain Node-RED: ${lost} of ${ROWS} lost in ${REDEPLOYS} redeploys`);
    assert.ok(lost > 0);
  });

  for (const broker of ['aedes', 'mosquitto'] as const) {
    it(`loses none of 10,000 over three gateways (${broker})`, async () => {
      const tap = join(kit.folder(), 'echo.jsonl');
      const echo = await startEcho(kit, { broker });
      const fog = new Set(['f1', 'f2', 'f3']);
      const place = (node: string) =>
        fog.has(node) ? 'fog-1' : node === 'line' || node === 'file' ? 'cloud-1' : 'edge-1';
      const write = async (generation: number) => {
        const flow = chain(generation, tap, place);
        const { plan } = await echo.service.deploy({ flow, name: 'Chain' });
        if (generation > 0)
          assert.ok(
            plan.gateways.some(({ restarts }) => restarts > 0),
            'a task restarts',
          );
      };
      await write(0);
      await underLoad(echo.gateway('edge-1').url, tap, write);
      await waitFor(() => readTap(tap).length >= ROWS, { timeout: 30_000, what: `${ROWS} rows` });
      const rows = readTap<{ row: number }>(tap).map(({ row }) => row);
      assert.deepEqual(account(rows, ROWS), { lost: 0, repeated: 0, reordered: 0 });
      console.log(`      ECHO: 0 of ${ROWS} lost in ${REDEPLOYS} redeploys`);
    });
  }

  it('loses none while tasks move between gateways', async () => {
    const tap = join(kit.folder(), 'moved.jsonl');
    const echo = await startEcho(kit);
    const places = ['fog-1', 'cloud-1', 'edge-1'];
    const write = async (generation: number) => {
      const place = (node: string) =>
        ['f1', 'f2', 'f3'].includes(node)
          ? places[(generation + Number(node[1])) % places.length]!
          : node === 'line' || node === 'file'
            ? 'cloud-1'
            : 'edge-1';
      await echo.service.deploy({ flow: chain(generation, tap, place), name: 'Chain' });
    };
    await write(0);
    await underLoad(echo.gateway('edge-1').url, tap, write);
    await waitFor(() => readTap(tap).length >= ROWS, { timeout: 30_000, what: `${ROWS} rows` });
    const rows = readTap<{ row: number }>(tap).map(({ row }) => row);
    assert.deepEqual(account(rows, ROWS), { lost: 0, repeated: 0, reordered: 0 });
  });

  async function plain(): Promise<{ url: string; stop: () => Promise<void> }> {
    const gateway = await startRealGateway(kit, { version: '5.0', name: 'plain' });
    return { url: gateway.url, stop: () => gateway.stop() };
  }
});
