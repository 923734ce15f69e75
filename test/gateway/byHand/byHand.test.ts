import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HandFacts } from '../../../nodes/gateway/src/byHand/facts.ts';
import { findMosquitto, startAedes, startMosquitto, type TestBroker } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { account } from '../../kit/pace.ts';
import { waitFor } from '../../kit/wait.ts';
import { node, type ProbedGateway, startProbedGateway, TAB, type TestNode } from '../kit/probed.ts';

const STREAM = 'readings';
const COUNT = 3_000;

describe('gateway: wires by hand between plain Node-REDs', function () {
  this.timeout(120_000);
  const kit = disposables();
  let broker: TestBroker;
  let sender: ProbedGateway;
  let receiver: ProbedGateway;

  const echoBroker = (gateway = ''): TestNode => ({
    id: 'broker',
    type: 'echo broker',
    name: 'Hall',
    url: broker.url,
    gateway,
  });
  const sending = (run: number, more: object = {}, count = COUNT): TestNode[] => [
    { id: TAB, type: 'tab', label: 'Sends' },
    echoBroker('hall-a'),
    node('source', 'probe-source', [['out']], { rate: 1_000, count, run }),
    node('out', 'echo out', [], { broker: 'broker', stream: STREAM, ...more }),
  ];
  const receiving = (file: string, version = 0): TestNode[] => [
    { id: TAB, type: 'tab', label: 'Receives' },
    echoBroker('hall-b'),
    node('in', 'echo in', [['f']], { broker: 'broker', stream: STREAM }),
    node('f', 'function', [['sink']], {
      func: `return {payload: msg.payload + 0 * ${version}};`,
      ...{ outputs: 1, timeout: 0, libs: [] },
    }),
    // Takes its time to close, while messages for it are on their way.
    node('sink', 'probe-sink', [], { file, version, closeMs: 200 }),
  ];
  const facts = async ({ url }: ProbedGateway): Promise<HandFacts> => {
    const [first] = (await (await fetch(`${url}/echo/wires`)).json()) as HandFacts[];
    assert.ok(first !== undefined, 'no echo broker');
    return first;
  };
  const operate = async ({ url }: ProbedGateway, operation: object) => {
    const response = await fetch(`${url}/echo/wires/broker`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(operation),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  const wire = async (gateway: ProbedGateway) => (await facts(gateway)).wires[0];
  const passed = (file: string) => () => numbers(file).length;
  const numbers = (file: string) => {
    try {
      return readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((text) => Number(text) + 1);
    } catch {
      return [];
    }
  };
  const left = () =>
    waitFor(
      async () => (await facts(sender)).wires.every((w) => w.role === 'in' || !('hall-b' in w.consumers)),
      { what: 'the receiver to leave' },
    );
  const joined = () =>
    waitFor(async () => (await wire(receiver))?.standing === 'joined', { what: 'the receiver to join' });

  before(async () => {
    broker = await (findMosquitto() === undefined ? startAedes : startMosquitto)(kit);
    [sender, receiver] = await Promise.all([
      startProbedGateway(kit, '4.1', { echo: null }),
      startProbedGateway(kit, '5.0', { echo: null }),
    ]);
  });

  it('find each other by the name of the stream, whoever comes first', async () => {
    const file = join(kit.folder(), 'sunk');
    await receiver.deploy(receiving(file));
    assert.equal((await wire(receiver))?.standing, 'seeking');
    await sender.deploy(sending(0, {}, 0));
    await joined();
    const { gateway, wires } = await facts(sender);
    assert.equal(gateway, 'hall-a');
    assert.equal(wires[0]?.standing, 'granted');
    assert.deepEqual(Object.keys(wires[0]!.role === 'out' ? wires[0].consumers : {}), ['hall-b']);
  });

  it('lose, repeat and reorder nothing while the broker restarts and the receiver is redeployed', async () => {
    const file = join(kit.folder(), 'sunk');
    await receiver.deploy(receiving(file));
    await sender.deploy(sending(1));
    await waitFor(() => passed(file)() > 500, { what: 'the first messages' });
    await receiver.deploy(receiving(file, 1));
    const before = passed(file)();
    await waitFor(() => passed(file)() > before + 500, { what: 'messages after the deploy' });
    await broker.restart();
    await waitFor(() => passed(file)() >= COUNT, { what: 'all messages', timeout: 30_000 });
    assert.deepEqual(account(numbers(file), COUNT), { lost: 0, repeated: 0, reordered: 0 });
  });

  for (const [who, victim] of [
    ['receiver', () => receiver],
    ['sender', () => sender],
  ] as const) {
    it(`lose and reorder nothing when the ${who} is killed, and repeat only what was not done`, async () => {
      const file = join(kit.folder(), 'sunk');
      await receiver.deploy(receiving(file, 2));
      const run = who === 'receiver' ? 2 : 3;
      await sender.deploy(sending(run));
      await waitFor(() => passed(file)() > 500, { what: 'the first messages' });
      await victim().kill();
      const first = numbers(file);
      await victim().start();
      await waitFor(
        async () => {
          const state = await wire(sender);
          return state?.role === 'out' && state.consumers['hall-b']?.stable === state.head && state.head! > 0;
        },
        { what: 'all messages to be done with', timeout: 40_000 },
      );
      const all = numbers(file);
      if (who === 'receiver') {
        const then = all.slice(first.length);
        assert.deepEqual(first, range(1, first.length));
        assert.deepEqual(then, range(then[0]!, COUNT));
        assert.ok(then[0]! <= first.length + 1 && first.length - then[0]! < 500, `went on at ${then[0]}`);
      } else {
        // The source of a sender that starts again begins anew.
        const again = all.indexOf(1, 1);
        assert.deepEqual(all.slice(0, again), range(1, again));
        assert.deepEqual(all.slice(again), range(1, COUNT));
      }
    });
  }

  it('a receiver stopped in order and started again is given nothing twice', async () => {
    const file = join(kit.folder(), 'sunk');
    await receiver.deploy(receiving(file, 3));
    await sender.deploy(sending(4));
    await waitFor(() => passed(file)() > 500, { what: 'the first messages' });
    await receiver.stop();
    await receiver.start();
    await waitFor(() => passed(file)() >= COUNT, { what: 'all messages', timeout: 30_000 });
    assert.deepEqual(account(numbers(file), COUNT), { lost: 0, repeated: 0, reordered: 0 });
  });

  it('a message whose flow fails is set aside, seen in the status and the facts, and delivered again when asked', async () => {
    const failing = (broken: boolean): TestNode[] => [
      { id: TAB, type: 'tab', label: 'Receives' },
      echoBroker('hall-b'),
      node('in', 'echo in', [['f']], { broker: 'broker', stream: STREAM }),
      node('f', 'function', [['sink']], {
        func: broken ? 'throw new Error("broken");' : 'return msg;',
        ...{ outputs: 1, timeout: 0, libs: [] },
      }),
      node('status', 'status', [['seen']], { scope: ['in'] }),
      node('seen', 'change', [['sink']], {
        rules: [{ t: 'set', p: 'payload', pt: 'msg', to: 'status.text', tot: 'msg' }],
      }),
      node('sink', 'probe-sink', [], {}),
    ];
    const seen = async (what: unknown) => (await receiver.sunk()).some(({ payload }) => payload === what);
    await receiver.deploy(failing(true));
    await sender.deploy(sending(5, { attempts: '2' }, 1));
    await waitFor(async () => (await facts(receiver)).dead.length === 1, { what: 'the dead letter' });
    await waitFor(() => seen('1 set aside'), { what: 'the status' });
    const [letter] = (await facts(receiver)).dead;
    assert.equal(letter?.stream, STREAM);
    assert.match(letter.error, /broken/);
    await receiver.told(/is set aside: .*broken/);
    await receiver.deploy(failing(false));
    const { body } = await operate(receiver, { method: 'dead.replay', params: { id: letter.id } });
    assert.deepEqual(body, { outcome: 'done' });
    await waitFor(() => seen(0), { what: 'the message' });
    assert.deepEqual((await facts(receiver)).dead, []);
  });

  it('what waits can be looked at and given up, and a receiver taken off', async () => {
    await receiver.stop();
    await sender.deploy(sending(6, {}, 5));
    const inspect = { method: 'streams.inspect', params: { stream: STREAM, limit: 2, preview: 100 } };
    const waiting = async () => ((await operate(sender, inspect)).body as { waiting: number }).waiting;
    await waitFor(async () => (await waiting()) === 5, { what: 'messages to wait' });
    const purged = await operate(sender, { method: 'streams.purge', params: { stream: STREAM } });
    assert.deepEqual((purged.body as { consumers: object }).consumers, { 'hall-b': 5 });
    assert.equal(await waiting(), 0);
    const forget = { method: 'consumers.forget', params: { stream: STREAM, consumer: 'hall-b' } };
    assert.deepEqual((await operate(sender, forget)).body, { forgotten: 1 });
    assert.deepEqual((await operate(sender, forget)).body, { forgotten: 0 });
    assert.equal(
      (await operate(sender, { method: 'streams.skip', params: { stream: STREAM, count: 1 } })).status,
      404,
    );
    assert.equal((await operate(sender, { method: 'nonsense' })).status, 422);
    await receiver.start();
    await joined();
  });

  it('go on at most once when told so', async () => {
    const file = join(kit.folder(), 'sunk');
    await receiver.deploy(receiving(file, 4));
    await joined();
    await sender.deploy(sending(7, { level: 'at-most-once' }, 100));
    await waitFor(() => passed(file)() === 100, { what: 'the messages' });
    assert.deepEqual(numbers(file), range(1, 100));
    const state = await wire(sender);
    assert.deepEqual(state?.role === 'out' && state.consumers, { 'hall-b': null });
  });

  it('a second sender of the stream is refused, with an error a catch node gets', async () => {
    // One that is a gateway of a fleet as well.
    const other = await startProbedGateway(kit, '5.0');
    await other.deploy([
      { id: TAB, type: 'tab', label: 'Sends too' },
      echoBroker('hall-c'),
      node('out', 'echo out', [], { broker: 'broker', stream: STREAM }),
      node('catch', 'catch', [['caught']], { scope: null, uncaught: false }),
      node('caught', 'probe-sink', [], {}),
    ]);
    await waitFor(async () => (await wire(other))?.standing === 'refused', { what: 'the refusal' });
    const refused = await wire(other);
    assert.equal(refused?.role === 'out' && refused.rival, 'hall-a');
    assert.equal((await wire(sender))?.standing, 'granted');
    await other.call('receive', { node: 'out', msg: { payload: 1 } });
    await waitFor(async () => (await other.call<number>('sunk-count')) === 1, { what: 'the caught error' });
    await other.stop();
  });

  it('a receiver whose node is disabled or deleted is owed nothing any more', async () => {
    const file = join(kit.folder(), 'sunk');
    const disabled = receiving(file).map((each) => (each.id === 'in' ? { ...each, d: true } : each));
    await receiver.deploy(disabled);
    await left();
    await receiver.deploy(receiving(file));
    await joined();
    await receiver.deploy([{ id: TAB, type: 'tab', label: 'Empty' }, echoBroker('hall-b')]);
    await left();
  });
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
