import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GateStatus } from '../../../src/wire/control.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { type Desk, startDesk } from '../kit/desk.ts';
import { echoTab, node, type ProbedGateway, startProbedGateway, TAB, type TestNode } from '../kit/probed.ts';

const LEVEL = 'at-least-once';
const sends = (level: string, run: number, count: number, rate: number): TestNode[] => [
  echoTab(TAB),
  node('source', 'probe-source', [['out']], { rate, count, run }),
  node('out', 'echo out', [], {
    ...{ stream: 'app/source:0', level },
    consumers: [{ gateway: 'fog-1', tasks: ['task'] }],
  }),
];
const takes = (level: string, ...tasks: TestNode[]): TestNode[] => [
  echoTab(TAB),
  node('in', 'echo in', [['task']], {
    ...{ stream: 'app/source:0', level },
    producer: 'edge-1',
    from: { node: 'source', port: 0 },
  }),
  ...tasks,
  node('sink', 'probe-sink', []),
];
const fn = (id: string, next: string[], func: string): TestNode =>
  node(id, 'function', [next], { func, outputs: 1, timeout: 0, libs: [], initialize: '', finalize: '' });
const join7 = (id: string, more: object = {}): TestNode =>
  node(id, 'join', [['sink']], {
    ...{ mode: 'custom', build: 'array', property: 'payload', propertyType: 'msg', count: '7' },
    ...{ accumulate: false, timeout: '', joiner: '', joinerType: 'str' },
    ...more,
  });
const TALLY = `
  const seen = context.get('seen') ?? {};
  seen[msg.payload] = (seen[msg.payload] ?? 0) + 1;
  context.set('seen', seen);
  return msg;`;

describe('gateway: the state of tasks', function () {
  this.timeout(90_000);
  const kit = disposables();
  let desk: Desk;
  let producer: ProbedGateway;
  let consumer: ProbedGateway;
  let run = 0;

  const seen = async (): Promise<Record<string, number>> => {
    const response = await fetch(`${consumer.url}/context/node/task?store=memory`);
    const kept = (await response.json()) as { memory?: { seen?: { msg: string } } };
    return JSON.parse(kept.memory?.seen?.msg ?? '{}') as Record<string, number>;
  };
  const arrived: number[] = [];
  const arrivals = async () => {
    arrived.push(...(await consumer.sunk()).map(({ payload }) => payload as number));
    return arrived;
  };
  const backlog = async () => {
    const [status] = (await producer.gate<GateStatus>('status', 'none')).streams;
    return status?.role === 'out' ? status.backlog?.records : undefined;
  };
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

  before(async () => {
    desk = await startDesk(kit);
    const echo = { orchestrator: desk.url, token: 'once' };
    [producer, consumer] = await Promise.all([
      startProbedGateway(kit, '4.1', { echo: { ...echo, name: 'edge-1' } }),
      startProbedGateway(kit, '5.0', { echo: { ...echo, name: 'fog-1' } }),
    ]);
    await desk.heard('hello');
  });
  beforeEach(async () => {
    await consumer.sunk();
    arrived.splice(0);
  });

  it('is kept when Node-RED is killed: nothing is missing in it, and little is there twice', async () => {
    await consumer.deploy(takes(LEVEL, fn('task', ['sink'], TALLY)));
    await producer.deploy(sends(LEVEL, ++run, 1_500, 500));
    await waitFor(async () => Object.keys(await seen()).length > 700, { what: 'half of the messages' });
    await consumer.kill();
    await consumer.start();
    await waitFor(async () => Object.keys(await seen()).length === 1_500, {
      what: 'all messages',
      timeout: 20_000,
    });
    const twice = Object.values(await seen()).filter((times) => times > 1).length;
    assert.ok(twice < 400, `${twice} messages took effect twice`);
  });

  it('goes on where it was after a planned end: groups half full, messages on their way through a delay', async () => {
    await consumer.deploy(
      takes(
        LEVEL,
        node('task', 'delay', [['group']], {
          pauseType: 'delay',
          timeout: '300',
          timeoutUnits: 'milliseconds',
          rate: '1',
          nbRateUnits: '1',
          rateUnits: 'second',
          randomFirst: '1',
          randomLast: '5',
          randomUnits: 'seconds',
          drop: false,
          allowrate: false,
          outputs: 1,
        }),
        join7('group'),
      ),
    );
    await producer.deploy(sends(LEVEL, ++run, 1_400, 500));
    await waitFor(async () => (await arrivals()).length > 50, { what: 'the first groups' });
    await consumer.stop();
    const before = [...arrived];
    await consumer.start();
    await waitFor(async () => (await arrivals()).flat().includes(1_399), {
      what: 'the last group',
      timeout: 20_000,
    });
    // What the sink had between the last look and the end went with the process.
    const all = arrived.flat();
    assert.deepEqual(all.slice(0, before.flat().length), numbers(before.flat().length));
    const then = all.slice(before.flat().length);
    assert.deepEqual(then, numbers(1_400).slice(then[0]));
    assert.equal(then[0]! % 7, 0);
  });

  it('a task that is replaced hands what it held to its successor', async () => {
    await consumer.deploy(takes(LEVEL, join7('task')));
    await producer.deploy(sends(LEVEL, ++run, 703, 500));
    await waitFor(async () => (await arrivals()).length === 100, { what: 'a hundred groups' });
    await consumer.deploy(takes(LEVEL, join7('task', { name: 'successor' })));
    await producer.deploy(sends(LEVEL, ++run, 4, 100));
    await waitFor(async () => (await arrivals()).length === 101, { what: 'the last group' });
    assert.deepEqual(arrived.flat(), [...numbers(703), ...numbers(4)]);
  });

  it('the level of a wire may change while it carries messages', async () => {
    const plain = fn('task', ['sink'], 'return msg;');
    await consumer.deploy(takes('effectively-once', plain));
    await producer.deploy(sends('effectively-once', ++run, 300, 500));
    await waitFor(async () => (await arrivals()).length === 300, { what: 'the first' });
    await consumer.deploy(takes(LEVEL, plain));
    await producer.deploy(sends(LEVEL, ++run, 300, 500));
    await waitFor(async () => (await arrivals()).length === 600, { what: 'those after the change' });
    await waitFor(async () => (await backlog()) === 0, { what: 'all to be in a checkpoint' });
    await consumer.kill();
    await consumer.start();
    await consumer.deploy(takes('effectively-once', plain));
    await producer.deploy(sends('effectively-once', ++run, 300, 500));
    await waitFor(async () => (await arrivals()).length >= 900, { what: 'those after the change back' });
    assert.deepEqual(arrived, [...numbers(300), ...numbers(300), ...numbers(300)]);
  });

  it('where nothing needs them no checkpoints are taken, and none is left for later', async () => {
    const file = join(consumer.userDir, 'echo', 'checkpoints', 'app.log');
    const [tab, into] = takes(LEVEL);
    const debug = node('task', 'debug', [], { active: false, complete: 'payload' });
    await waitFor(() => existsSync(file), { what: 'the checkpoints of before' });
    await consumer.deploy([tab!, into!, debug]);
    assert.ok(!existsSync(file));
  });

  it('a contributed task is kept once it is seen to use context', async () => {
    const file = join(consumer.userDir, 'echo', 'checkpoints', 'app.log');
    const counted = async () => {
      const kept = (await (await fetch(`${consumer.url}/context/node/task?store=memory`)).json()) as {
        memory?: { n?: { msg: string } };
      };
      return Number(kept.memory?.n?.msg ?? 0);
    };
    await consumer.deploy(takes(LEVEL, node('task', 'probe-sink', [], { counts: true })));
    await producer.deploy(sends(LEVEL, ++run, 200, 500));
    await waitFor(async () => (await counted()) === 200 && existsSync(file), { what: 'a checkpoint' });
    await waitFor(async () => (await backlog()) === 0, { what: 'all to be in a checkpoint' });
    await consumer.kill();
    await consumer.start();
    assert.equal(await counted(), 200);
  });
});
