import assert from 'node:assert/strict';
import { parseFlow, parseFlowText } from '../../src/flow/parse.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { config, node, tab } from './kit.ts';

const refused = (input: unknown, code: string, where: string, message?: RegExp) =>
  assert.throws(
    () => parseFlow(input),
    (error) => {
      assert.ok(isEchoError(error), String(error));
      assert.deepEqual([error.code, error.where], [code, where], error.message);
      if (message) assert.match(error.message, message);
      return true;
    },
  );

describe('flow: what is not JSON', () => {
  const refusedText = (text: string, where: string) =>
    assert.throws(
      () => parseFlowText(text),
      (error) =>
        isEchoError(error, 'ECHO_FLOW_NOT_JSON') && error.where === where && error.message.startsWith(where),
    );
  it('is refused with line and column', () => refusedText('[\n  {"id": "a",\n   oops}]', 'line 3, column 4'));
  it('is refused at its end when it ends too early', () => refusedText('[{"id":\n"a"', 'line 2, column 4'));
  it('is refused when empty', () => refusedText('', 'line 1, column 1'));
  it('may begin with a byte order mark', () => assert.equal(parseFlowText('\uFEFF[]').tasks.size, 0));
  it('is refused however large', () => {
    assert.throws(
      () => parseFlowText('x'.repeat(10_000_000)),
      (e) => isEchoError(e, 'ECHO_FLOW_NOT_JSON'),
    );
  });
});

describe('flow: what is not a flow', () => {
  for (const [name, input] of Object.entries({ text: 'a', null: null, object: { nodes: [] }, number: 3 })) {
    it(`a ${name} is refused`, () => refused(input, 'ECHO_FLOW_NOT_A_FLOW', '/'));
  }
  it('an entry that is no object is refused with its index', () =>
    refused([tab('t'), 7], 'ECHO_FLOW_BAD_NODE', '/1'));
  it('a node without id is refused', () => refused([{ type: 'tab' }], 'ECHO_FLOW_BAD_NODE', '/0/id'));
  it('a node without type is refused', () => refused([{ id: 'a' }], 'ECHO_FLOW_BAD_NODE', '/0/type'));
  it('an id that objects have by themselves is refused', () => {
    refused(JSON.parse('[{"id":"__proto__","type":"tab"}]'), 'ECHO_FLOW_BAD_NODE', '/0/id');
    refused([{ id: 'constructor', type: 'tab' }], 'ECHO_FLOW_BAD_NODE', '/0/id');
  });
  it('wires that are no lists of ids are refused with the port', () => {
    refused([tab('t'), node('a', [], { wires: [[], [3]] })], 'ECHO_FLOW_BAD_NODE', '/1/wires/1');
    refused([tab('t'), node('a', [], { wires: 'b' })], 'ECHO_FLOW_BAD_NODE', '/1/wires');
  });
  it('a position that is no number is refused', () =>
    refused([tab('t'), node('a', [], { x: 'left' })], 'ECHO_FLOW_BAD_NODE', '/1/x'));
  it('endless nesting is refused and does not exhaust the stack', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    refused([tab('t'), node('a', [], { deep })], 'ECHO_FLOW_TOO_LARGE', '/1');
  });
  it('more entries than the limit are refused', () =>
    refused(
      Array.from({ length: 50_001 }, (_, i) => tab(`t${i}`)),
      'ECHO_FLOW_TOO_LARGE',
      '/',
    ));
  it('an object with "flows" is a flow, and paths say so', () => {
    assert.equal(parseFlow({ flows: [tab('t')] }).tabs.length, 1);
    refused({ flows: [tab('t'), tab('t')] }, 'ECHO_FLOW_DUPLICATE_ID', '/flows/1/id');
  });
});

describe('flow: broken references', () => {
  it('two entries with one id are refused', () =>
    refused([tab('t'), node('a'), node('a')], 'ECHO_FLOW_DUPLICATE_ID', '/2/id', /\/1 and again at \/2/));
  it("a wire to nowhere is refused with the node's path", () =>
    refused([tab('t'), node('a', ['gone'])], 'ECHO_FLOW_DANGLING_WIRE', '/1/wires/0/0'));
  it('a wire to another tab is refused', () =>
    refused(
      [tab('t'), tab('u'), node('a', ['b']), node('b', [], { z: 'u' })],
      'ECHO_FLOW_DANGLING_WIRE',
      '/2/wires/0/0',
    ));
  it('a wire to a configuration node is refused', () =>
    refused([tab('t'), node('a', ['c']), config('c', 'x')], 'ECHO_FLOW_DANGLING_WIRE', '/1/wires/0/0'));
  it('a link to nowhere is refused', () =>
    refused(
      [tab('t'), node('a', [], { type: 'link out', links: ['gone'] })],
      'ECHO_FLOW_DANGLING_WIRE',
      '/1/links/0',
    ));
  it('a link to something else than a link node is refused', () =>
    refused(
      [tab('t'), node('a', [], { type: 'link out', links: ['b'] }), node('b')],
      'ECHO_FLOW_DANGLING_WIRE',
      '/1/links/0',
    ));
  it('a node on a tab that is not there is refused', () =>
    refused([node('a')], 'ECHO_FLOW_UNKNOWN_TAB', '/0/z'));
  it('a node on no tab is refused', () =>
    refused([node('a', [], { z: '' })], 'ECHO_FLOW_UNKNOWN_TAB', '/0/z'));
  it('a member of a group that is not there is refused', () =>
    refused([tab('t'), node('a', [], { g: 'g' })], 'ECHO_FLOW_BAD_GROUP', '/1/g'));
  it('a group that lists what is not there is refused', () =>
    refused(
      [tab('t'), { id: 'g', type: 'group', z: 't', nodes: ['gone'] }],
      'ECHO_FLOW_BAD_GROUP',
      '/1/nodes/0',
    ));
  it('groups inside each other are refused', () =>
    refused(
      [
        tab('t'),
        { id: 'g', type: 'group', z: 't', g: 'h', nodes: [] },
        { id: 'h', type: 'group', z: 't', g: 'g', nodes: [] },
      ],
      'ECHO_FLOW_BAD_GROUP',
      '/1/g',
    ));
  it('an instance without its subflow is refused', () =>
    refused([tab('t'), node('a', [], { type: 'subflow:s' })], 'ECHO_FLOW_BAD_SUBFLOW', '/1/type'));
  it('a subflow inside itself is refused', () =>
    refused(
      [{ id: 's', type: 'subflow', in: [], out: [] }, node('a', [], { z: 's', type: 'subflow:s' })],
      'ECHO_FLOW_BAD_SUBFLOW',
      '/0',
    ));
  it('junctions in a circle are refused', () => {
    const junction = (id: string, to: string) => node(id, [to], { type: 'junction' });
    refused([tab('t'), junction('j', 'k'), junction('k', 'j')], 'ECHO_FLOW_JUNCTION_LOOP', 'j');
  });
  it('junctions that multiply paths without end are refused', () => {
    const chain = Array.from({ length: 60 }, (_, i) =>
      node(`j${i}`, i < 59 ? [`j${i + 1}`, `j${i + 1}`] : ['a'], { type: 'junction' }),
    );
    assert.throws(
      () => parseFlow([tab('t'), ...chain, node('a')]),
      (e) => isEchoError(e, 'ECHO_FLOW_TOO_LARGE'),
    );
  });
  it('a chain of 20,000 junctions is no trouble', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      node(`j${i}`, [i < 19_999 ? `j${i + 1}` : 'b'], { type: 'junction' }),
    );
    assert.deepEqual(
      parseFlow([tab('t'), node('a', ['j0']), ...chain, node('b')]).wires.map((w) => w.to),
      ['b'],
    );
  });
  it("ECHO's own wire nodes are refused", () =>
    refused([tab('t'), node('a', [], { type: 'echo out' })], 'ECHO_FLOW_RESERVED_TYPE', '/1'));
});

describe('flow: the model', () => {
  it('leaves disabled nodes and tabs out, with their wires', () => {
    const model = parseFlow([
      tab('t'),
      tab('u', { disabled: true }),
      node('a', ['b', 'c']),
      node('b', [], { d: true }),
      node('c'),
      node('x', [], { z: 'u' }),
    ]);
    assert.deepEqual([...model.tasks.keys()], ['a', 'c']);
    assert.deepEqual(model.wires, [{ from: { node: 'a', port: 0 }, to: 'c', kind: 'wire' }]);
    assert.deepEqual(
      model.tabs.map((t) => t.id),
      ['t'],
    );
  });
  it('does not touch its input and freezes its own copy', () => {
    const input = [tab('t'), node('a')];
    const before = structuredClone(input);
    const model = parseFlow(input);
    assert.deepEqual(input, before);
    assert.ok(
      !Object.isFrozen(input[1]) && Object.isFrozen(model.raw[1]) && Object.isFrozen(model.raw[1]!.wires),
    );
  });
  it('passes unknown properties through, `__proto__` as plain data', () => {
    const model = parseFlow(
      JSON.parse('[{"id":"t","type":"tab","__proto__":{"polluted":1},"odd":{"a":[1]}}]'),
    );
    assert.deepEqual(model.raw[0]!.odd, { a: [1] });
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });
  it('gives a wired node without position one, since Node-RED would take it for a configuration node', () => {
    const { x: _x, y: _y, ...bare } = node('a');
    const task = parseFlow([tab('t'), bare]).tasks.get('a');
    assert.ok(Number.isFinite(task?.raw.x) && Number.isFinite(task?.raw.y));
  });
  it('inlines junctions, once per path', () => {
    const model = parseFlow([
      tab('t'),
      node('a', ['j', 'b']),
      node('j', ['b', 'k'], { type: 'junction' }),
      node('k', ['b'], { type: 'junction' }),
      node('b'),
    ]);
    assert.deepEqual(
      model.wires.map((w) => w.to),
      ['b', 'b', 'b'],
    );
    assert.deepEqual([...model.tasks.keys()], ['a', 'b']);
  });
  it('joins links named at either end, once', () => {
    const model = parseFlow([
      tab('t'),
      node('o', [], { type: 'link out', links: ['i'] }),
      node('i', [], { type: 'link in', links: ['o'] }),
      node('k', [], { type: 'link in', links: ['o'] }),
    ]);
    assert.deepEqual(
      model.wires.map((w) => [w.kind, w.from.node, w.to]),
      [
        ['link', 'o', 'i'],
        ['link', 'o', 'k'],
      ],
    );
  });
  it('knows sources: nothing wired in, and not only answering others', () => {
    const model = parseFlow([
      tab('t'),
      node('a', ['b'], { type: 'inject' }),
      node('b'),
      node('c', [], { type: 'catch', scope: ['b'] }),
      node('l', [], { type: 'link call', links: ['i'] }),
      node('i', [], { type: 'link in', links: [] }),
    ]);
    assert.deepEqual(
      [...model.tasks.values()].filter((t) => t.source).map((t) => t.id),
      ['a', 'l'],
    );
  });
  it('knows every node type a task needs: inside its subflow and of its configuration nodes', () => {
    const model = parseFlow([
      tab('t'),
      {
        id: 's',
        type: 'subflow',
        in: [{ wires: [{ id: 'p' }] }],
        out: [],
        env: [{ name: 'B', type: 'conf-type', value: 'c2' }],
      },
      node('p', [], { z: 's', type: 'mqtt out', broker: 'c1' }),
      node('q', [], { z: 's', type: 'junction' }),
      node('a', [], { type: 'subflow:s' }),
      config('c1', 'mqtt-broker', { tls: 'c3' }),
      config('c2', 'http proxy'),
      config('c3', 'tls-config'),
      config('c4', 'unused'),
    ]);
    const task = model.tasks.get('a')!;
    assert.deepEqual(task.types, ['http proxy', 'mqtt out', 'mqtt-broker', 'tls-config']);
    assert.deepEqual(task.configs, ['c1', 'c2', 'c3']);
  });
  it('makes tabs one unit when links or static link calls tie them, and reads whose they are', () => {
    const model = parseFlow([
      tab('t', { echo: { app: 'mine' } }),
      tab('u'),
      tab('v'),
      tab('w'),
      node('o', [], { type: 'link out', links: ['i'] }),
      node('i', [], { type: 'link in', links: ['o'], z: 'u' }),
      node('c', [], { type: 'link call', links: ['k'], z: 'v' }),
      node('k', [], { type: 'link in', links: [], z: 't' }),
    ]);
    assert.deepEqual(model.units, [{ tabs: ['t', 'u', 'v'], application: 'mine' }, { tabs: ['w'] }]);
  });
});
