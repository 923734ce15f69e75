import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GateStatus } from '../../../src/wire/control.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { type Desk, startDesk } from '../kit/desk.ts';
import { echoTab, node, type ProbedGateway, startProbedGateway, TAB, type TestNode } from '../kit/probed.ts';

const STREAM = 'app/source:0';
const COUNT = 5_000;

describe('gateway: a cut wire between two real Node-REDs', function () {
  this.timeout(90_000);
  const kit = disposables();
  let desk: Desk;
  let producer: ProbedGateway;
  let consumer: ProbedGateway;

  const producing = (run: number): TestNode[] => [
    echoTab(TAB),
    node('source', 'probe-source', [['out']], { rate: 1_000, count: COUNT, run }),
    node('out', 'echo out', [], {
      stream: STREAM,
      level: 'at-least-once',
      consumers: [{ gateway: 'edge-1', tasks: ['f'] }],
    }),
  ];
  const consuming = (version: number, file = ''): TestNode[] => [
    echoTab(TAB),
    node('in', 'echo in', [['f']], {
      stream: STREAM,
      level: 'at-least-once',
      producer: 'fog-1',
      from: { node: 'source', port: 0 },
    }),
    node('f', 'function', [['sink']], {
      // Asynchronous: some messages are always in the middle of it.
      func: `const send = () => { node.send({payload: msg.payload}); node.done(); }; setTimeout(send, 20 + 0 * ${version});`,
      outputs: 1,
      timeout: 0,
      libs: [],
    }),
    node('sink', 'probe-sink', [], { file }),
  ];
  const arrived = () => consumer.call<number>('sunk-count');
  const payloads = async () => (await consumer.sunk()).map(({ payload }) => payload as number);
  const all = Array.from({ length: COUNT }, (_, i) => i);

  before(async () => {
    desk = await startDesk(kit);
    const echo = { orchestrator: desk.url, token: 'once' };
    [producer, consumer] = await Promise.all([
      startProbedGateway(kit, '5.0', { echo: { ...echo, name: 'fog-1' } }),
      startProbedGateway(kit, '4.1', { echo: { ...echo, name: 'edge-1' } }),
    ]);
    await desk.heard('hello');
    await consumer.deploy(consuming(0));
  });

  it('loses, repeats and reorders nothing while its consumer is redeployed and the broker restarts', async () => {
    await producer.deploy(producing(1));
    await waitFor(async () => (await arrived()) > 500, { what: 'the first messages' });
    await consumer.gate('close', 'd1', { tabs: [TAB], level: 'all', leaseMs: 20_000, sealed: true });
    await waitFor(async () => (await consumer.gate<GateStatus>('status', 'd1')).inFlight === 0, {
      what: 'the consumer to come to rest',
    });
    await consumer.deploy(consuming(1));
    await consumer.gate('open', 'd1', 'drop');
    const before = await arrived();
    await waitFor(async () => (await arrived()) > before + 500, { what: 'messages after the deploy' });
    await desk.broker.restart();
    await waitFor(async () => (await arrived()) >= COUNT, { what: 'all messages', timeout: 30_000 });
    assert.deepEqual(await payloads(), all);
  });

  it('carries everything under other options, behind a channel', async () => {
    const stream = 'app/channel:0';
    const from = { node: 'channel', port: 0 };
    await consumer.deploy([
      echoTab(TAB),
      node('in-c', 'echo in', [['sink-c']], {
        ...{ stream, level: 'at-least-once' },
        producer: 'fog-1',
        from,
        credit: 'pull',
      }),
      node('sink-c', 'probe-sink', [], {}),
    ]);
    const before = await arrived();
    await producer.deploy([
      echoTab(TAB),
      node('source-c', 'probe-source', [['channel']], { rate: 1_000, count: 500, run: 100 }),
      node('channel', 'echo channel', [['out-c']], { name: 'Readings' }),
      node('out-c', 'echo out', [], {
        ...{ stream, level: 'at-least-once', durability: 'memory', whenFull: 'drop-oldest', priority: 1 },
        consumers: [{ gateway: 'edge-1', tasks: ['sink-c'] }],
      }),
    ]);
    await waitFor(async () => (await arrived()) >= before + 500, { what: 'all messages', timeout: 30_000 });
    assert.deepEqual((await payloads()).slice(before), all.slice(0, 500));
  });

  const ends: [string, () => Promise<void>][] = [
    ['killed', () => consumer.kill()],
    ['stopped in order', () => consumer.stop()],
  ];
  for (const [index, [how, end]] of ends.entries()) {
    it(`loses and reorders nothing when its consumer is ${how}, and repeats only what was not done`, async () => {
      const file = join(kit.folder(), 'sunk');
      await consumer.deploy(consuming(2 + index, file));
      const run = 2 + index;
      await producer.deploy(producing(run));
      const sunk = () => readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number);
      await waitFor(() => sunk().length > 500, { what: 'the first messages' });
      await end();
      const first = sunk();
      await consumer.start();
      await waitFor(
        async () => {
          const [status] = (await producer.gate<GateStatus>('status', 'none')).streams;
          return status?.role === 'out' && status.consumers['edge-1']?.stable === run * COUNT;
        },
        { what: 'all messages to be done with', timeout: 30_000 },
      );
      const then = sunk().slice(first.length);
      assert.deepEqual(first, all.slice(0, first.length));
      assert.deepEqual(then, all.slice(then[0]));
      assert.ok(then[0]! <= first.length, `${first.length} arrived, went on at ${then[0]}`);
      assert.ok(first.length - then[0]! < 500, `${first.length} arrived, repeated from ${then[0]}`);
    });
  }
});
