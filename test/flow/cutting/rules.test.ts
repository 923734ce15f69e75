import assert from 'node:assert/strict';
import { parseFlow } from '../../../src/flow/parse.ts';
import { config, node, tab } from '../kit.ts';

const found = (...entries: unknown[]) => {
  const { together, warnings } = parseFlow([tab('t'), tab('u'), ...entries]);
  return {
    ties: together.map((t) => [t.rule, ...[...t.tasks].sort()].join(' ')),
    warned: warnings.map((w) => `${w.code} ${w.where}`),
    together,
    warnings,
  };
};
const variable = (name: string) => `\${${name}}`;
const fn = (id: string, func: string, extra = {}) => node(id, [], { func, ...extra });

describe('cutting: requests and their answers', () => {
  it('http in, its responses and all between stay together; branches off the way may leave', () => {
    const { ties, warned } = found(
      node('in', ['m', 'log'], { type: 'http in' }),
      node('m', ['out']),
      node('out', [], { type: 'http response' }),
      node('log'),
      node('other', ['out']),
    );
    assert.deepEqual([ties, warned], [['http-pair in m out'], []]);
  });
  it('a function that answers through msg.res is an answer', () =>
    assert.deepEqual(found(node('in', ['f'], { type: 'http in' }), fn('f', 'msg.res.send("ok")')).ties, [
      'http-pair f in',
    ]));
  it('a request nobody answers is warned of', () =>
    assert.deepEqual(found(node('in', ['f'], { type: 'http in' }), fn('f', '// msg.res.send()')).warned, [
      'http-unanswered in',
    ]));
  it('websocket nodes stay with their listener, whatever lies between', () =>
    assert.deepEqual(
      found(
        config('l', 'websocket-listener'),
        node('in', ['m'], { type: 'websocket in', server: 'l' }),
        node('m', ['out']),
        node('out', [], { type: 'websocket out', server: 'l' }),
      ).ties,
      ['websocket-pair in out'],
    ));
  it('a replying tcp out stays with the tcp in that leads to it', () =>
    assert.deepEqual(
      found(
        node('in', ['m'], { type: 'tcp in' }),
        node('other', [], { type: 'tcp in' }),
        node('m', ['out']),
        node('out', [], { type: 'tcp out', beserver: 'reply' }),
        node('client', [], { type: 'tcp out', beserver: 'client' }),
      ).ties,
      ['tcp-pair in out'],
    ));
});

describe('cutting: link calls', () => {
  it('caller, link in and returning link outs stay together; the middle may leave', () =>
    assert.deepEqual(
      found(
        node('call', [], { type: 'link call', links: ['in'] }),
        node('in', ['m'], { type: 'link in', links: [], z: 'u' }),
        node('m', ['back'], { z: 'u' }),
        node('back', [], { type: 'link out', mode: 'return', links: [], z: 'u' }),
      ).ties,
      ['link-call back call in'],
    ));
  it('a call named at run time keeps its tab and every returning link, and says so', () => {
    const { ties, warned } = found(
      node('call', [], { type: 'link call', links: [], linkType: 'dynamic' }),
      node('a'),
      node('in', [], { type: 'link in', links: [], z: 'u' }),
      node('x', [], { z: 'u' }),
    );
    assert.deepEqual([ties, warned], [['link-call-dynamic a call in'], ['link-call-dynamic call']]);
  });
  it('so does a function that calls links', () =>
    assert.deepEqual(found(fn('f', 'await node.linkcall("x", msg)'), node('a')).ties, [
      'link-call-dynamic a f',
    ]));
});

describe('cutting: nodes that listen to others', () => {
  it('catch, status and complete stay with the nodes in their scope', () =>
    assert.deepEqual(
      found(
        node('a'),
        node('b'),
        node('c', [], { type: 'catch', scope: ['a'] }),
        node('s', [], { type: 'status', scope: ['b'] }),
        node('d', [], { type: 'complete', scope: ['a', 'b'] }),
      ).ties,
      ['catch-scope a c', 'status-scope b s', 'complete-scope a b d'],
    ));
  it('a catch for the whole tab keeps the tab together, and its reason says how to narrow it', () => {
    const { ties, together } = found(
      node('a'),
      node('c', [], { type: 'catch', uncaught: true }),
      node('x', [], { z: 'u' }),
    );
    assert.deepEqual(ties, ['catch-scope a c']);
    assert.match(together[0]!.reason, /scope to narrow/);
  });
  it('a catch for its group hears the groups inside it too', () => {
    const group = (id: string, nodes: string[], extra = {}) => ({
      id,
      type: 'group',
      z: 't',
      nodes,
      ...extra,
    });
    const { ties } = found(
      group('g', ['h', 'c']),
      group('h', ['a'], { g: 'g' }),
      node('a', [], { g: 'h' }),
      node('b'),
      node('c', [], { g: 'g', type: 'catch', scope: 'group' }),
    );
    assert.deepEqual(ties, ['catch-scope a c']);
  });
});

describe('cutting: flow and global context', () => {
  it('tasks that share a key somebody writes stay together, per tab for flow, over tabs for global', () =>
    assert.deepEqual(
      found(
        fn('a', 'flow.set("n.count", 1); global.set("g", 2)'),
        fn('b', "return flow.get('n')"),
        fn('c', 'return flow.get("n")', { z: 'u' }),
        fn('d', 'return context.global.get("g[0]")', { z: 'u' }),
        fn('e', 'flow.set("other", 1)'),
      ).ties,
      ['context-key a b', 'context-key a d'],
    ));
  it('typed inputs, JSONata and templates count', () =>
    assert.deepEqual(
      found(
        node('w', [], {
          type: 'change',
          rules: [{ t: 'set', p: '#:(file)::k', pt: 'flow', to: 'payload', tot: 'msg' }],
        }),
        node('r', [], { type: 'switch', property: 'k', propertyType: 'flow', rules: [] }),
        node('j', [], {
          type: 'change',
          rules: [{ t: 'set', p: 'x', pt: 'msg', to: '$flowContext("k").a', tot: 'jsonata' }],
        }),
        node('m', [], { type: 'template', template: 'Hi {{{flow.k}}}', field: 'payload', fieldType: 'msg' }),
        node('i', [], { type: 'inject', props: [{ p: 'payload', v: 'k', vt: 'flow' }] }),
      ).ties,
      ['context-key i j m r w'],
    ));
  it('a key known only at run time keeps every user of that context, and says so', () => {
    const { ties, warned } = found(fn('a', 'flow.set(msg.topic, 1)'), fn('b', 'flow.get("k")'), node('c'));
    assert.deepEqual([ties, warned], [['context-dynamic a b'], ['context-dynamic a']]);
  });
  it('a key known only at run time that nobody could have written ties nobody', () =>
    assert.deepEqual(found(fn('a', 'flow.get(msg.topic)'), fn('b', 'flow.get("k")')).ties, []));
  it('context handed on whole is a key known only at run time', () =>
    assert.deepEqual(found(fn('a', 'const g = global; g.set("k", 1)'), fn('b', 'global.get("k")')).ties, [
      'context-dynamic a b',
    ]));
  it('keys nobody writes tie nobody; a global one is warned of', () => {
    const { ties, warned } = found(
      fn('a', 'flow.get("k"); global.get("os")'),
      fn('b', 'flow.get("k"); global.get("os")'),
    );
    assert.deepEqual([ties, warned], [[], ['context-unwritten a']]);
  });
  it('comments, texts, regular expressions and variables of that name do not count', () =>
    assert.deepEqual(
      found(
        fn(
          'a',
          '// flow.set("k", 1)\n/* global.set("k") */ const s = "flow.set(\'k\')"; return s.replace(/flow.set("k")/, `x`)',
        ),
        fn('b', 'const flow = msg.payload.flow; if (flow > 3) return { flow: 1 };'),
        fn('c', 'flow.set("k", 1)'),
      ).ties,
      [],
    ));
  it('inside a subflow only $parent reaches the tab', () =>
    assert.deepEqual(
      found(
        { id: 's', type: 'subflow', in: [], out: [] },
        fn('p', 'flow.set("k", 1); flow.set("$parent.up", 1)', { z: 's' }),
        node('a', [], { type: 'subflow:s' }),
        fn('b', 'flow.get("k")'),
        fn('c', 'flow.get("up")'),
      ).ties,
      ['context-key a c'],
    ));
});

describe('cutting: configuration nodes and environment', () => {
  it('users of a broker with a fixed MQTT client id stay together', () => {
    const users = [
      node('a', [], { type: 'mqtt out', broker: 'm' }),
      node('b', [], { type: 'mqtt in', broker: 'm' }),
    ];
    assert.deepEqual(found(config('m', 'mqtt-broker', { clientid: 'plant' }), ...users).ties, [
      'mqtt-client-id a b',
    ]);
    assert.deepEqual(found(config('m', 'mqtt-broker', { clientid: '' }), ...users).ties, []);
  });
  it('what is not deployed is warned of, unless nothing is in it', () => {
    const global = (env: object[]) => config('y', 'global-config', { env });
    const variable = { name: 'A', value: '1', type: 'str' };
    assert.deepEqual(found(config('x', 'tls-config'), global([variable]), node('a')).warned, [
      'config-unused x',
      'global-config y',
    ]);
    assert.deepEqual(found(global([]), node('a')).warned, []);
  });
  it('environment variables that nothing in the flow sets are warned of, once', () => {
    const group = {
      id: 'g',
      type: 'group',
      z: 't',
      nodes: ['a'],
      env: [{ name: 'SET', value: '1', type: 'str' }],
    };
    const { warnings } = found(
      group,
      node('a', [], {
        type: 'x',
        g: 'g',
        url: variable('SET'),
        host: variable('HOST'),
        rules: [{ to: 'PORT', tot: 'env' }],
      }),
      fn('b', 'return env.get("HOST") + env.get("NR_NODE_ID")'),
    );
    assert.deepEqual(
      warnings.map((w) =>
        w.message
          .match(/variable (\w+) .* runs ([\w, ]+) must/)!
          .slice(1)
          .join(' '),
      ),
      ['PORT a', 'HOST a, b'],
    );
  });
});

describe('cutting: code from anybody', () => {
  const hostile: Record<string, string> = {
    'white space without end': `context${' '.repeat(1_000_000)}let${' '.repeat(1_000_000)}`,
    slashes: 'a/b'.repeat(500_000),
    'declarations without end': 'let a, '.repeat(200_000),
    'a list that never closes': `flow.get([${'"a" '.repeat(200_000)}`,
    'templates inside templates': '`${'.repeat(200_000),
    'texts that never close': '"\\'.repeat(500_000),
  };
  for (const [name, func] of Object.entries(hostile)) {
    it(`${name} is read in a moment`, () => {
      const started = performance.now();
      found(fn('a', `${func}; flow.set("k")`), fn('b', 'flow.get("k")'));
      assert.ok(performance.now() - started < 2_000);
    });
  }
  it('JSONata without end is read in a moment', () => {
    const started = performance.now();
    found(
      node('a', [], {
        type: 'x',
        to: `$flowContext("k" ${"$flowContext('".repeat(100_000)}`,
        tot: 'jsonata',
      }),
    );
    assert.ok(performance.now() - started < 2_000);
  });
});

describe('cutting: channels', () => {
  it('a channel stands where its wires begin; what is behind it may be elsewhere', () => {
    const { ties } = found(
      node('a', ['ch', 'other']),
      node('other'),
      node('ch', ['next'], { type: 'echo channel' }),
      node('next', ['b'], { type: 'echo channel' }),
      node('b'),
      node('alone', ['b'], { type: 'echo channel' }),
    );
    assert.deepEqual(ties, ['channel a ch', 'channel ch next']);
  });
});
