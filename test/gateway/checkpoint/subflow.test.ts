import assert from 'node:assert/strict';
import type { GateStatus } from '../../../src/wire/control.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { startDesk } from '../kit/desk.ts';
import { echoTab, node, type ProbedGateway, startProbedGateway, TAB, type TestNode } from '../kit/probed.ts';

const LEVEL = { level: 'effectively-once' };
const COUNTS = `
  const n = (context.get('n') ?? 0) + 1;
  context.set('n', n);
  flow.set('flow', n);
  return { payload: [msg.payload, n] };`;
const fn = (id: string, z: string, next: string[], func: string): TestNode =>
  node(id, 'function', [next], { z, func, outputs: 1, timeout: 0, libs: [], initialize: '', finalize: '' });
const subflow = (id: string, inner: string): TestNode => ({
  ...{ id, type: 'subflow', name: id, info: '', category: '', env: [] },
  in: [{ x: 0, y: 0, wires: [{ id: inner }] }],
  out: [{ x: 0, y: 0, wires: [{ id: inner, port: 0 }] }],
});
const GROUP = {
  ...{ mode: 'custom', build: 'array', property: 'payload', propertyType: 'msg', count: '4' },
  ...{ accumulate: false, timeout: '', joiner: '', joinerType: 'str' },
};
const TASKS: readonly TestNode[] = [
  subflow('inner', 'count'),
  fn('count', 'inner', [], COUNTS),
  subflow('outer', 'nested'),
  node('nested', 'subflow:inner', [[]], { z: 'outer' }),
  subflow('grouping', 'group'),
  node('group', 'join', [[]], { z: 'grouping', ...GROUP }),
];

describe('gateway: the state of tasks inside subflows', function () {
  this.timeout(90_000);
  const kit = disposables();
  let producer: ProbedGateway;
  let consumer: ProbedGateway;
  let run = 0;

  const send = (count: number) =>
    producer.deploy([
      echoTab(TAB),
      node('source', 'probe-source', [['out']], { rate: 500, count, run: ++run }),
      node('out', 'echo out', [], {
        ...{ ...LEVEL, stream: 'app/source:0' },
        consumers: [{ gateway: 'fog-1', tasks: ['task'] }],
      }),
    ]);
  /** So many of all there ever were. */
  const passed = (count: number) =>
    waitFor(
      async () => {
        const { streams } = await producer.gate<GateStatus>('status', 'none');
        const [out] = streams;
        const done = out?.role === 'out' && out.head === count && out.backlog?.records === 0;
        assert.ok(done, JSON.stringify([streams, await consumer.gate<GateStatus>('status', 'none')]));
        return done;
      },
      { what: 'all to be in a checkpoint' },
    );

  before(async () => {
    const desk = await startDesk(kit);
    const echo = { orchestrator: desk.url, token: 'once' };
    // The store named `default` is one of two.
    const contextStorage = {
      default: { module: 'memory' },
      disk: { module: 'localfilesystem', config: { cache: false } },
    };
    [producer, consumer] = await Promise.all([
      startProbedGateway(kit, '5.0', { echo: { ...echo, name: 'edge-1' } }),
      startProbedGateway(kit, '5.0', { echo: { ...echo, name: 'fog-1' }, settings: { contextStorage } }),
    ]);
    await desk.heard('hello');
    await consumer.deploy([
      echoTab(TAB),
      ...TASKS,
      node('in', 'echo in', [['task']], {
        ...{ ...LEVEL, stream: 'app/source:0', producer: 'edge-1', from: { node: 'source', port: 0 } },
      }),
      node('task', 'subflow:outer', [['grouped']]),
      node('grouped', 'subflow:grouping', [['sink']]),
      node('sink', 'probe-sink', []),
    ]);
  });

  it('is kept through one crash after another, in subflows of subflows too', async () => {
    await send(6);
    await passed(6);
    for (let deaths = 0; deaths < 2; deaths++) {
      await consumer.kill();
      await consumer.start();
    }
    await send(2);
    await passed(8);
    const groups = (await consumer.sunk()).map(({ payload }) => payload);
    assert.deepEqual(groups.at(-1), [
      [4, 5],
      [5, 6],
      [0, 7],
      [1, 8],
    ]);
    await consumer.told(/store disk cannot be part of a checkpoint/);
  });
});
