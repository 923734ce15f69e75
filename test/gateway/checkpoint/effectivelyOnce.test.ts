import assert from 'node:assert/strict';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { type Desk, startDesk } from '../kit/desk.ts';
import { echoTab, node, type ProbedGateway, startProbedGateway, TAB, type TestNode } from '../kit/probed.ts';

const COUNT = 4_000;
const RATE = 500;
const LEVEL = { level: 'effectively-once' };

const out = (id: string, from: string, consumer: string, task: string): TestNode =>
  node(id, 'echo out', [], {
    ...LEVEL,
    stream: `app/${from}:0`,
    consumers: [{ gateway: consumer, tasks: [task] }],
  });
const into = (id: string, from: string, producer: string, task: string): TestNode =>
  node(id, 'echo in', [[task]], {
    ...LEVEL,
    stream: `app/${from}:0`,
    producer,
    from: { node: from, port: 0 },
  });
const fn = (id: string, next: string[], func: string): TestNode =>
  node(id, 'function', [next], { func, outputs: 1, timeout: 0, libs: [], initialize: '', finalize: '' });

/** Numbers and adds up what it gets, in node context. */
const NUMBERING = `
  const n = (context.get('n') ?? 0) + 1;
  const sum = (context.get('sum') ?? 0) + msg.payload;
  context.set('n', n);
  context.set('sum', sum);
  return { payload: msg.payload, n, sum };`;

/** Keeps whether each came once, in order, with the state of the task before it. */
const FOLDING = `
  const seen = context.get('seen') ?? { n: 0, wrong: [] };
  const sum = msg.payload * (msg.payload + 1) / 2;
  if (msg.n !== seen.n + 1 || msg.payload !== seen.n || msg.sum !== sum) seen.wrong.push([seen.n, msg.n, msg.payload, msg.sum]);
  seen.n = msg.n;
  context.set('seen', seen);
  return msg;`;
/** The same of what came in groups. */
const GROUPS = `
  const next = flow.get('next') ?? 0;
  const wrong = flow.get('wrong') ?? [];
  if (!msg.payload.every((value, i) => value === next + i)) wrong.push([next, msg.payload]);
  flow.set('next', next + msg.payload.length);
  flow.set('wrong', wrong);
  return msg;`;

describe('gateway: effectively-once', function () {
  this.timeout(120_000);
  const kit = disposables();
  let desk: Desk;
  let producer: ProbedGateway;
  let middle: ProbedGateway;
  let consumer: ProbedGateway;

  const context = async <T>(gateway: ProbedGateway, scope: string): Promise<T> =>
    (await (await fetch(`${gateway.url}/context/${scope}?store=memory`)).json()) as T;
  const value = async <T>(gateway: ProbedGateway, scope: string, key: string): Promise<T | undefined> => {
    const kept = await context<{ memory?: Record<string, { msg: string }> }>(gateway, scope);
    const text = kept.memory?.[key]?.msg;
    return text === undefined ? undefined : (JSON.parse(text) as T);
  };

  before(async () => {
    desk = await startDesk(kit);
    const echo = { orchestrator: desk.url, token: 'once' };
    [producer, middle, consumer] = await Promise.all([
      startProbedGateway(kit, '5.0', { echo: { ...echo, name: 'edge-1' } }),
      startProbedGateway(kit, '4.1', { echo: { ...echo, name: 'fog-1' } }),
      startProbedGateway(kit, '5.0', { echo: { ...echo, name: 'cloud-1' } }),
    ]);
    await desk.heard('hello');
    await consumer.deploy([
      echoTab(TAB),
      into('in-n', 'number', 'fog-1', 'fold'),
      fn('fold', ['sink'], FOLDING),
      into('in-g', 'group', 'fog-1', 'groups'),
      fn('groups', ['sink'], GROUPS),
      node('sink', 'probe-sink', []),
    ]);
    await middle.deploy([
      echoTab(TAB),
      into('in', 'source', 'edge-1', 'number'),
      fn('number', ['out-n', 'group'], NUMBERING),
      out('out-n', 'number', 'cloud-1', 'fold'),
      node('group', 'join', [['out-g']], {
        mode: 'custom',
        build: 'array',
        property: 'payload',
        propertyType: 'msg',
        count: '7',
        accumulate: false,
        timeout: '',
        joiner: '',
        joinerType: 'str',
      }),
      out('out-g', 'group', 'cloud-1', 'groups'),
    ]);
  });

  it('each message takes effect once in the state of every task, though their gateways are killed again and again', async () => {
    await producer.deploy([
      echoTab(TAB),
      node('source', 'probe-source', [['out']], { rate: RATE, count: COUNT }),
      out('out', 'source', 'fog-1', 'number'),
    ]);
    const folded = async () => (await value<{ n: number }>(consumer, 'node/fold', 'seen'))?.n ?? 0;
    for (const victim of [middle, consumer, middle, middle, consumer]) {
      const before = await folded();
      await waitFor(async () => (await folded()) > before + 150, {
        what: 'messages to come through',
        timeout: 30_000,
      });
      await victim.kill();
      await victim.start();
    }
    await waitFor(async () => (await folded()) >= COUNT, { what: 'all messages', timeout: 60_000 });
    await waitFor(async () => ((await value<number>(consumer, 'flow/t1', 'next')) ?? 0) >= COUNT - 7, {
      what: 'all groups',
    });
    assert.deepEqual(await value(consumer, 'node/fold', 'seen'), { n: COUNT, wrong: [] });
    assert.deepEqual(await value(consumer, 'flow/t1', 'wrong'), []);
    assert.equal(await value(middle, 'node/number', 'n'), COUNT);
    const { streams } = await consumer.gate<{ streams: { repeated?: number; lost?: number }[] }>(
      'status',
      'none',
    );
    assert.deepEqual(
      streams.map(({ repeated, lost }) => [repeated, lost]),
      [
        [0, 0],
        [0, 0],
      ],
    );
  });
});
