import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { echoTab, node, type ProbedGateway, startProbedGateway, TAB, type TestNode } from '../kit/probed.ts';

const SOURCE = (to: string[]): TestNode => node('source', 'probe-source', [to]);
/** Slow, so that a cause which settles when it should not is seen to. */
const SINK = node('sink', 'probe-sink', [], { delay: 30 });
const fn = (id: string, func: string, wires: string[][]): TestNode =>
  node(id, 'function', wires, {
    func,
    outputs: wires.length,
    timeout: 0,
    initialize: '',
    finalize: '',
    libs: [],
  });

interface Case {
  readonly title: string;
  readonly nodes: (web: string) => TestNode[];
  /** Messages that reach sinks for one message sent. */
  readonly arrive: number;
  readonly msg?: object;
}

const cases: Case[] = [
  { title: 'a wire', nodes: () => [SOURCE(['sink'])], arrive: 1 },
  {
    title: 'a fan-out to three nodes',
    nodes: () => [
      SOURCE(['sink', 'b', 'c']),
      fn('b', 'return msg;', [['sink']]),
      fn('c', 'return msg;', [['sink']]),
    ],
    arrive: 3,
  },
  {
    title: 'a function that returns a message of its own making',
    nodes: () => [SOURCE(['f']), fn('f', 'return {payload: msg.payload + 1};', [['sink']])],
    arrive: 1,
  },
  {
    title: 'an asynchronous function with node.send and node.done',
    nodes: () => [
      SOURCE(['f']),
      fn(
        'f',
        'setTimeout(() => { node.send({payload: 1}); node.send({payload: 2}); node.done(); }, 40); return;',
        [['sink']],
      ),
    ],
    arrive: 2,
  },
  {
    title: 'a function that awaits',
    nodes: () => [
      SOURCE(['f']),
      fn('f', 'await new Promise((r) => setTimeout(r, 20)); return {payload: 1};', [['sink']]),
    ],
    arrive: 1,
  },
  {
    title: 'a change node',
    nodes: () => [
      SOURCE(['f']),
      node('f', 'change', [['sink']], { rules: [{ t: 'set', p: 'topic', pt: 'msg', to: 'x', tot: 'str' }] }),
    ],
    arrive: 1,
  },
  {
    title: 'a switch (which never says that it is done)',
    nodes: () => [
      SOURCE(['f']),
      node('f', 'switch', [['sink'], []], {
        property: 'payload',
        propertyType: 'msg',
        rules: [{ t: 'gte', v: '0', vt: 'num' }, { t: 'else' }],
        checkall: 'true',
        outputs: 2,
      }),
    ],
    arrive: 1,
  },
  {
    title: 'a switch whose rule is a JSONata expression',
    nodes: () => [
      SOURCE(['f']),
      node('f', 'switch', [['sink']], {
        property: '$number(payload)',
        propertyType: 'jsonata',
        rules: [{ t: 'gte', v: '0', vt: 'num' }],
        checkall: 'true',
        outputs: 1,
      }),
    ],
    arrive: 1,
  },
  {
    title: 'a filter (which never says that it is done)',
    nodes: () => [SOURCE(['f']), node('f', 'rbe', [['sink']], { func: 'rbe', property: 'payload' })],
    arrive: 1,
  },
  {
    title: 'a filter that drops the message',
    nodes: () => [SOURCE(['f']), node('f', 'rbe', [['sink']], { func: 'rbe', property: 'topic' })],
    arrive: 0,
  },
  {
    title: 'a delay',
    nodes: () => [
      SOURCE(['f']),
      node('f', 'delay', [['sink']], { pauseType: 'delay', timeout: '50', timeoutUnits: 'milliseconds' }),
    ],
    arrive: 1,
  },
  {
    title: 'a split into four',
    nodes: () => [
      SOURCE(['f']),
      node('f', 'split', [['sink']], { splt: '\\n', spltType: 'str', arraySplt: 1, arraySpltType: 'len' }),
    ],
    arrive: 4,
    msg: { payload: [1, 2, 3, 4] },
  },
  {
    title: 'an http request',
    nodes: (web) => [
      SOURCE(['f']),
      node('f', 'http request', [['sink']], { method: 'GET', ret: 'txt', url: web, paytoqs: 'ignore' }),
    ],
    arrive: 1,
  },
  {
    title: 'a subflow instance',
    nodes: () => [
      {
        id: 'sf',
        type: 'subflow',
        name: 'sf',
        in: [{ x: 0, y: 0, wires: [{ id: 'inner' }] }],
        out: [{ x: 0, y: 0, wires: [{ id: 'inner', port: 0 }] }],
      },
      { ...fn('inner', 'return {payload: 7};', [[]]), z: 'sf' },
      SOURCE(['inst']),
      node('inst', 'subflow:sf', [['sink']], { env: [] }),
    ],
    arrive: 1,
  },
  {
    title: 'link nodes',
    nodes: () => [
      SOURCE(['lo']),
      node('lo', 'link out', [], { mode: 'link', links: ['li'] }),
      node('li', 'link in', [['sink']], { links: ['lo'] }),
    ],
    arrive: 1,
  },
  {
    title: 'a link call and its return',
    nodes: () => [
      SOURCE(['call']),
      node('call', 'link call', [['sink']], { links: ['li'], linkType: 'static', timeout: '30' }),
      node('li', 'link in', [['f']], { links: [] }),
      fn('f', 'msg.payload = 1; return msg;', [['ret']]),
      node('ret', 'link out', [], { mode: 'return', links: [] }),
    ],
    arrive: 1,
  },
  {
    title: 'a catch node',
    nodes: () => [
      SOURCE(['f']),
      fn('f', 'throw new Error("broken")', [[]]),
      node('c', 'catch', [['sink']], { scope: null, uncaught: false }),
    ],
    arrive: 1,
  },
  {
    title: 'a complete node',
    nodes: () => [
      SOURCE(['f']),
      fn('f', 'return null;', [[]]),
      node('c', 'complete', [['sink']], { scope: ['f'], uncaught: false }),
    ],
    arrive: 1,
  },
];

for (const version of ['5.0', '4.1'] as const) {
  describe(`follow: messages on Node-RED ${version}`, function () {
    this.timeout(90_000);
    const kit = disposables();
    let gateway: ProbedGateway;
    let web = '';

    before(async () => {
      const server = createServer((_req, res) => setTimeout(() => res.end('ok'), 20));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      kit.add(server, () => server.close());
      web = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
      gateway = await startProbedGateway(kit, version, { echo: { followLimitMs: 2_000 } });
    });

    for (const { title, nodes, arrive, msg } of cases) {
      it(`settles after all that descends from a message has completed: ${title}`, async () => {
        await gateway.deploy([echoTab(TAB), SINK, ...nodes(web)]);
        await gateway.sunk();
        const [followed] = await gateway.follow('source', msg ?? { payload: 3 });
        assert.equal(followed?.outcome.kind, title === 'a catch node' ? 'error' : 'done');
        assert.equal(followed?.completed, arrive);
        const causes = (await gateway.sunk()).map((sunk) => sunk.cause);
        assert.deepEqual(causes, Array(arrive).fill(followed?.id));
      });
    }

    it('keeps the causes of messages apart that are at work at the same time', async () => {
      const f = fn(
        'f',
        'setTimeout(() => { node.send({payload: msg.payload}); node.done(); }, 20 - msg.payload);',
        [['sink']],
      );
      const rate = node('r', 'delay', [['sink']], {
        pauseType: 'rate',
        rate: '200',
        nbRateUnits: '1',
        rateUnits: 'second',
      });
      await gateway.deploy([echoTab(TAB), SINK, SOURCE(['f', 'r']), f, rate]);
      await gateway.sunk();
      const all = await gateway.follow(
        'source',
        ...Array.from({ length: 20 }, (_, payload) => ({ payload })),
      );
      const sunk = await gateway.sunk();
      assert.equal(sunk.length, 40);
      for (const { cause, payload } of sunk) assert.equal(all[payload as number]?.id, cause);
      assert.ok(all.every(({ outcome, completed }) => outcome.kind === 'done' && completed === 2));
    });

    it('counts what each task received, sent, completed and failed, and measures service times', async () => {
      const f = fn('counted', 'if (msg.payload < 0) throw new Error("no"); return msg;', [['sink']]);
      await gateway.deploy([echoTab(TAB), node('sink', 'probe-sink', []), SOURCE(['counted']), f]);
      const before =
        (await gateway.call<Record<string, { received: number }>>('counters')).sink?.received ?? 0;
      const msgs = Array.from({ length: 130 }, (_, i) => ({ payload: i < 128 ? 1 : -1 }));
      await gateway.follow('source', ...msgs);
      const counters = await gateway.call<Record<string, Record<string, number>>>('counters');
      const { serviceUs, ...counted } = counters.counted ?? {};
      assert.deepEqual(counted, { received: 130, sent: 128, completed: 130, errors: 2 });
      assert.ok(serviceUs !== undefined && serviceUs > 0);
      assert.equal(counters.sink?.received, before + 128);
    });

    it('gives up a message that a node never completes, and no longer waits for that node', async () => {
      const never = fn('never', 'node.send(msg); return new Promise(() => {});', [['sink']]);
      await gateway.deploy([echoTab(TAB), SINK, SOURCE(['never']), never]);
      const [first] = await gateway.follow('source', { payload: 1 });
      assert.deepEqual(first?.outcome, { kind: 'unfollowed', nodes: ['never'] });
      const [second] = await gateway.follow('source', { payload: 1 });
      assert.deepEqual(second?.outcome, { kind: 'done' });
      assert.equal(second?.completed, 1);
      const log = await gateway.told(/ECHO_MESSAGE_UNFOLLOWED: node never/);
      assert.equal(log.match(/ECHO_MESSAGE_UNFOLLOWED: node never/g)?.length, 1);
    });

    it('gives up a message at a node that was replaced, and says so', async () => {
      const replaced = async (id: string): Promise<boolean> => {
        const gone = fn(id, 'return new Promise(() => {});', [['sink']]);
        await gateway.deploy([echoTab(TAB), SINK, SOURCE([id]), gone]);
        const followed = gateway.follow('source', { payload: 1 });
        await waitFor(
          async () => (await gateway.call<unknown[]>('in-flight', { tabs: [TAB] })).length === 1,
          {
            what: 'the message to be there',
          },
        );
        await gateway.deploy([echoTab(TAB), SINK, SOURCE([id]), { ...gone, func: 'return msg;' }]);
        assert.deepEqual((await followed)[0]?.outcome, { kind: 'unfollowed', nodes: [id] });
        const log = await gateway.told(new RegExp(`ECHO_MESSAGE_UNFOLLOWED: node ${id} `));
        return new RegExp(`ECHO_MESSAGE_UNFOLLOWED: node ${id} .*was replaced`).test(log);
      };
      // On a busy machine a deploy may take longer than the limit.
      assert.ok((await replaced('gone')) || (await replaced('gone-2')) || (await replaced('gone-3')));
    });

    it('settles at once a message at which a handler throws, and goes on waiting for that node', async () => {
      const throwing = node('thrower', 'probe-sink', [], { throws: true });
      const late = node('late', 'probe-sink', [], { completes: true, throws: true });
      await gateway.deploy([echoTab(TAB), SINK, SOURCE(['thrower', 'late', 'sink']), throwing, late]);
      await gateway.sunk();
      const all = await gateway.follow('source', { payload: 1 }, { payload: 2 });
      for (const { outcome, completed } of all) {
        assert.deepEqual(outcome, { kind: 'error', message: 'made to fail' });
        assert.equal(completed, 1);
      }
      const counters = await gateway.call<Record<string, Record<string, number>>>('counters');
      assert.deepEqual(counters.thrower, { received: 2, sent: 0, completed: 2, errors: 2 });
      assert.equal(counters.late?.completed, 2);
      assert.doesNotMatch(gateway.log(), /ECHO_MESSAGE_UNFOLLOWED: node thrower/);
    });

    it('does not give up a message that waits its turn in a rate limit', async () => {
      const rate = node('r', 'delay', [['sink']], {
        pauseType: 'rate',
        rate: '5',
        nbRateUnits: '1',
        rateUnits: 'second',
      });
      await gateway.deploy([echoTab(TAB), SINK, SOURCE(['r']), rate]);
      const all = await gateway.follow('source', ...Array.from({ length: 6 }, () => ({ payload: 1 })));
      assert.ok(all.every(({ outcome, completed }) => outcome.kind === 'done' && completed === 1));
    });

    it('knows what is in flight, and forgets it when the node is replaced', async () => {
      const slow = node('slow', 'delay', [['sink']], {
        pauseType: 'delay',
        timeout: '1',
        timeoutUnits: 'hours',
      });
      await gateway.deploy([echoTab(TAB), SINK, SOURCE(['slow']), slow]);
      await gateway.call('send', { node: 'source', msgs: [{}, {}, {}] });
      const busy = () => gateway.call<unknown[]>('in-flight', { tabs: [TAB] });
      assert.deepEqual(await busy(), [{ node: 'slow', type: 'delay', count: 3 }]);
      await gateway.deploy([echoTab(TAB), SINK, SOURCE(['slow']), { ...slow, timeout: '2' }]);
      assert.deepEqual(await busy(), []);
    });
  });
}
