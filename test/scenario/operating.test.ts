import assert from 'node:assert/strict';
import type { RawNode } from '../../src/flow/types.ts';
import type { StreamView } from '../../src/orchestrator/api/streams.ts';
import { disposables } from '../kit/cleanup.ts';
import { type Echo, startEcho } from '../kit/echo.ts';
import { waitFor } from '../kit/wait.ts';
import { echoctl } from '../orchestrator/cli/echoctl.ts';

/** Two injects and a function on the edge, a function that may fail and a debug node on the cloud. */
function application(table: string): RawNode[] {
  const task = (id: string, type: string, wires: string[][], gateway: string, more: object): RawNode => ({
    ...{ id, type, z: 'app', name: id, x: 200, y: 100, wires, echo: { gateway } },
    ...more,
  });
  const code = { outputs: 1, timeout: 0, noerr: 0, initialize: '', finalize: '', libs: [] };
  const inject = (payload: string) => ({
    ...{ props: [{ p: 'payload' }], repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '' },
    ...{ payload, payloadType: 'str' },
  });
  return [
    { id: 'app', type: 'tab', label: 'App', disabled: false, info: '', env: [], echo: { attempts: 2 } },
    task('good', 'inject', [['read']], 'edge-1', inject('good')),
    task('bad', 'inject', [['read']], 'edge-1', inject('bad')),
    task('read', 'function', [['store']], 'edge-1', { ...code, func: 'return msg;' }),
    task('store', 'function', [['end']], 'cloud-1', { ...code, func: table }),
    task('end', 'debug', [], 'cloud-1', {
      ...{ active: true, tosidebar: true, console: false, tostatus: false, complete: 'payload' },
      ...{ targetType: 'msg', statusVal: '', statusType: 'auto' },
    }),
  ];
}

const FAILING = "if (msg.payload === 'bad') throw new Error('no such table');\nreturn msg;";
const MENDED = 'return msg;';

describe('operating streams on real gateways', function () {
  this.timeout(120_000);
  const kit = disposables();
  const stored: unknown[] = [];
  let echo: Echo;
  let app: string;
  const run = async (...args: string[]) => {
    const ran = await echoctl([...args, '--json'], { env: { ECHO_URL: echo.url } });
    return { code: ran.code, value: JSON.parse(ran.out) };
  };
  const view = async (): Promise<StreamView> => (await run('stream', 'ls')).value[0];

  before(async () => {
    const gateways = [
      { name: 'edge-1', tier: 'edge', version: '4.1' },
      { name: 'cloud-1', tier: 'cloud', version: '5.0' },
    ] as const;
    echo = await startEcho(kit, { gateways });
    echo.service.on('debug', (_gateway, _node, data) => stored.push((data as { msg?: unknown }).msg));
    app = (await echo.service.deploy({ flow: application(FAILING), name: 'App' })).application;
    await echo.service.inject('good');
    await waitFor(() => stored.length === 1, { what: 'the first message' });
  });

  it('a message whose task fails is set aside, seen by echoctl, and replayed when the task is mended', async () => {
    await echo.service.inject('bad');
    await waitFor(async () => (await view()).consumers[0]?.dead === 1, { what: 'a dead letter' });
    const [letter] = (await run('stream', 'dead', 'ls')).value;
    assert.deepEqual([letter.gateway, letter.attempts, letter.reason], ['cloud-1', 2, 'error']);
    assert.match(letter.error, /no such table/);
    const shown = (await run('stream', 'dead', 'show', 'cloud-1', letter.id)).value;
    assert.equal(JSON.parse(shown.body).payload, 'bad');

    const again = await run('stream', 'dead', 'replay', 'cloud-1', letter.id);
    assert.deepEqual([again.code, again.value.outcome], [1, 'error']);
    await echo.service.deploy({ application: app, flow: application(MENDED) });
    const mended = await run('stream', 'dead', 'replay', 'cloud-1', letter.id);
    assert.deepEqual([mended.code, mended.value.outcome], [0, 'done']);
    await waitFor(() => stored.includes('bad'), { what: 'the replayed message' });
    assert.deepEqual((await run('stream', 'dead', 'ls')).value, []);
  });

  it('what waits for a gateway that is away is shown, keeps a stop from losing it, and can be given up', async () => {
    await echo.gateway('cloud-1').stop();
    await waitFor(() => echo.service.gateway('cloud-1').health === 'down', { what: 'the cloud to be down' });
    const before = stored.length;
    for (let i = 0; i < 3; i++) await echo.service.inject('good');
    await waitFor(async () => (await view()).producer?.backlog === 3, { what: 'three records that wait' });
    const { producer } = await view();
    assert.ok(producer?.backlogBytes && producer.backlogAgeMs !== undefined);

    const { records, waiting } = (await run('stream', 'inspect', 'read')).value;
    assert.deepEqual(
      [waiting, records.map((r: { body: string }) => JSON.parse(r.body).payload)],
      [3, ['good', 'good', 'good']],
    );
    const refused = await run('stop', app);
    assert.deepEqual([refused.code, refused.value.error.code], [1, 'ECHO_STREAM_NOT_DRAINED']);
    assert.match(refused.value.error.detail, /holds 3 record\(s\) for cloud-1/);

    assert.deepEqual((await run('stream', 'purge', 'read', '--yes')).value.consumers, { 'cloud-1': 3 });
    await echo.service.inject('good');
    await echo.gateway('cloud-1').start();
    await waitFor(() => stored.length === before + 1, { what: 'the message after them', timeout: 30_000 });
    await waitFor(async () => (await view()).consumers[0]?.lost === 3, { what: 'the loss at the consumer' });
    assert.equal((await view()).producer?.lost, 3);
  });
});
