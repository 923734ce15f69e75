import assert from 'node:assert/strict';
import { parseFlow } from '../../src/flow/parse.ts';
import { split } from '../../src/flow/split.ts';
import type { RawNode } from '../../src/flow/types.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { byId, config, node, on, placed, tab } from './kit.ts';

const cut = (flow: unknown, places: Record<string, string>, epochs: Record<string, number> = {}) =>
  split(parseFlow(flow), placed(places), { application: 'app', epochs: new Map(Object.entries(epochs)) });
const ids = (nodes: readonly RawNode[]) => nodes.map((n) => n.id);

describe('split: a wire cut in two', () => {
  const flow = [
    tab('t', {
      label: 'City',
      env: [{ name: 'A', value: '1', type: 'str' }],
      info: 'why',
      echo: { tier: 'edge' },
    }),
    node('a', ['b', 'c'], { type: 'inject', name: 'read', x: 100, y: 200, echo: { tier: 'edge' } }),
    node('b', ['c'], { x: 300, y: 200 }),
    node('c', [], { type: 'debug', x: 500, y: 200, wires: [] }),
  ];
  const { fragments, streams } = cut(flow, { a: 'edge-1', b: 'edge-1', c: 'cloud-1' });

  it('gives each gateway an ordinary flow: the golden fragments', () => {
    const city = {
      id: 't',
      type: 'tab',
      label: 'City',
      env: [{ name: 'A', value: '1', type: 'str' }],
      info: 'why',
    };
    const marked = { ...city, locked: true, echo: { app: 'app' } };
    const consumers = [{ gateway: 'cloud-1', tasks: ['c'] }];
    const [outA, outB] = on(fragments, 'edge-1').filter((n) => n.type === 'echo out');
    assert.deepEqual(on(fragments, 'edge-1'), [
      marked,
      { id: 'a', type: 'inject', z: 't', x: 100, y: 200, wires: [['b', outA!.id]], name: 'read' },
      { id: 'b', type: 'function', z: 't', x: 300, y: 200, wires: [[outB!.id]] },
      {
        ...{
          id: outA!.id,
          type: 'echo out',
          z: 't',
          name: '→ cloud-1',
          stream: 'app/a:0',
          epoch: 1,
          level: 'at-least-once',
        },
        ...{ consumers, x: 320, y: 200, wires: [] },
      },
      {
        ...{
          id: outB!.id,
          type: 'echo out',
          z: 't',
          name: '→ cloud-1',
          stream: 'app/b:0',
          epoch: 1,
          level: 'at-least-once',
        },
        ...{ consumers, x: 520, y: 200, wires: [] },
      },
    ]);
    const [inA, inB] = on(fragments, 'cloud-1').filter((n) => n.type === 'echo in');
    const arriving = {
      type: 'echo in',
      z: 't',
      name: '← edge-1',
      epoch: 1,
      level: 'at-least-once',
      producer: 'edge-1',
      x: 280,
    };
    assert.deepEqual(on(fragments, 'cloud-1'), [
      marked,
      { id: 'c', type: 'debug', z: 't', x: 500, y: 200, wires: [] },
      { ...arriving, id: inA!.id, stream: 'app/a:0', from: { node: 'a', port: 0 }, y: 200, wires: [['c']] },
      { ...arriving, id: inB!.id, stream: 'app/b:0', from: { node: 'b', port: 0 }, y: 240, wires: [['c']] },
    ]);
  });
  it('inserts nodes whose ids are 16 hex digits, all different, the same every time', () => {
    const inserted = fragments.flatMap((f) => f.nodes.filter((n) => n.type.startsWith('echo ')));
    assert.equal(new Set(ids(inserted)).size, 4);
    for (const { id } of inserted) assert.match(id, /^[0-9a-f]{16}$/);
    assert.deepEqual(cut(flow, { c: 'cloud-1', b: 'edge-1', a: 'edge-1' }).fragments, fragments);
  });
  it('names each stream once, with its consumers', () => {
    assert.deepEqual(streams, [
      {
        ...{ stream: 'app/a:0', epoch: 1, level: 'at-least-once' },
        from: { node: 'a', port: 0, gateway: 'edge-1' },
        consumers: [{ gateway: 'cloud-1', tasks: ['c'] }],
      },
      {
        ...{ stream: 'app/b:0', epoch: 1, level: 'at-least-once' },
        from: { node: 'b', port: 0, gateway: 'edge-1' },
        consumers: [{ gateway: 'cloud-1', tasks: ['c'] }],
      },
    ]);
  });
  it('writes the epoch of a stream at both its ends, and changes nothing else', () => {
    const again = cut(flow, { a: 'edge-1', b: 'edge-1', c: 'cloud-1' }, { 'app/b:0': 7 });
    assert.deepEqual(
      again.streams.map(({ epoch }) => epoch),
      [1, 7],
    );
    const renewed = (node: Readonly<RawNode>) => (node.stream === 'app/b:0' ? { ...node, epoch: 7 } : node);
    assert.deepEqual(
      again.fragments,
      fragments.map((f) => ({ ...f, nodes: f.nodes.map(renewed) })),
    );
  });
  it('refuses a placement that leaves a task out', () =>
    assert.throws(
      () => cut(flow, { a: 'edge-1', b: 'edge-1' }),
      (e) => isEchoError(e, 'ECHO_FLOW_NOT_PLACED') && e.where === 'c',
    ));
});

describe('split: what stays together', () => {
  it('on one gateway gives the flow itself, without metadata and with junctions inlined', () => {
    const group = { id: 'g', type: 'group', z: 't', nodes: ['a', 'note'], x: 1, y: 2, w: 3, h: 4, style: {} };
    const flow = [
      tab('t'),
      { ...group, echo: { tier: 'edge' } },
      config('m', 'mqtt-broker', { broker: 'localhost', credentials: { user: 'x' } }),
      { ...node('note', [], { g: 'g' }), type: 'comment' },
      node('a', ['j'], { g: 'g', echo: { tier: 'edge' } }),
      node('j', ['b'], { type: 'junction' }),
      node('b', [], { type: 'mqtt out', broker: 'm', wires: [] }),
      node('o', [], { type: 'link out', mode: 'link', links: ['i'], wires: [] }),
      node('i', ['b'], { type: 'link in', links: ['o'] }),
    ];
    const { fragments, streams } = cut(flow, { a: 'x', b: 'x', o: 'x', i: 'x' });
    assert.deepEqual(streams, []);
    const { echo: _echo, ...bareA } = node('a', ['b'], { g: 'g' });
    assert.deepEqual(fragments[0]!.nodes, [
      { ...tab('t'), locked: true, echo: { app: 'app' } },
      group,
      config('m', 'mqtt-broker', { broker: 'localhost' }),
      flow[3],
      bareA,
      ...flow.slice(6),
    ]);
    assert.deepEqual(fragments[0]!.credentialIds, ['t', 'g', 'm', 'note', 'a', 'b', 'o', 'i']);
  });
});

describe('split: several outputs and fan-out', () => {
  const flow = [
    tab('t'),
    node('a', [], { wires: [['b', 'c'], [], ['c', 'd', 'c']] }),
    node('b'),
    node('c'),
    node('d'),
  ];
  const { fragments, streams } = cut(flow, { a: 'one', b: 'one', c: 'two', d: 'three' });
  it('one stream per output port, whatever the number of its ends', () => {
    assert.deepEqual(
      streams.map((s) => [s.stream, s.consumers]),
      [
        ['app/a:0', [{ gateway: 'two', tasks: ['c'] }]],
        [
          'app/a:2',
          [
            { gateway: 'three', tasks: ['d'] },
            { gateway: 'two', tasks: ['c'] },
          ],
        ],
      ],
    );
    const wires = byId(on(fragments, 'one'), 'a').wires!;
    assert.deepEqual([wires.length, wires[0]!.length, wires[1], wires[2]!.length], [3, 2, [], 1]);
  });
  it('fans out where it arrives, twice wired is twice delivered', () => {
    const ends = on(fragments, 'two').filter((n) => n.type === 'echo in');
    assert.deepEqual(
      ends.map((n) => [n.stream, n.wires]),
      [
        ['app/a:0', [['c']]],
        ['app/a:2', [['c', 'c']]],
      ],
    );
  });
});

describe('split: links between tabs', () => {
  const flow = [
    tab('t'),
    tab('u'),
    node('a', ['o']),
    node('o', [], { type: 'link out', mode: 'link', links: ['i', 'k', 'l'], wires: [] }),
    node('l', [], { type: 'link in', links: ['o'] }),
    node('i', ['b'], { type: 'link in', links: ['o'], z: 'u' }),
    node('b', [], { z: 'u' }),
    node('k', [], { type: 'link in', links: ['o'] }),
  ];
  const { fragments, streams } = cut(flow, { a: 'one', o: 'one', l: 'one', i: 'two', b: 'two', k: 'two' });
  it('leave by a link in that feeds the stream', () => {
    const here = on(fragments, 'one');
    const out = here.find((n) => n.type === 'echo out')!;
    const helper = here.find((n) => n.type === 'link in' && n.id !== 'l')!;
    assert.deepEqual(byId(here, 'o').links, ['l', helper.id]);
    assert.deepEqual([helper.links, helper.wires, helper.z], [['o'], [[out.id]], 't']);
  });
  it('arrive by one stream end and a link out to every tab that listens', () => {
    const here = on(fragments, 'two');
    const into = here.find((n) => n.type === 'echo in')!;
    const helper = here.find((n) => n.type === 'link out')!;
    assert.deepEqual([into.wires, helper.links, helper.mode], [[[helper.id]], ['i', 'k'], 'link']);
    assert.deepEqual([byId(here, 'i').links, byId(here, 'k').links], [[helper.id], [helper.id]]);
    assert.deepEqual(
      streams.map((s) => [s.stream, s.consumers]),
      [['app/o:0', [{ gateway: 'two', tasks: ['i', 'k'] }]]],
    );
  });
});

describe('split: what travels with a task', () => {
  it('groups come with their members there, nested ones with their outer ones', () => {
    const group = (id: string, nodes: string[], extra = {}) => ({
      id,
      type: 'group',
      z: 't',
      nodes,
      ...extra,
    });
    const flow = [
      tab('t'),
      group('h', ['g', 'b'], { env: [{ name: 'A', value: '1', type: 'str' }] }),
      group('g', ['a'], { g: 'h' }),
      group('docs', ['note']),
      node('a', ['b'], { g: 'g' }),
      node('b', [], { g: 'h' }),
      { ...node('note', [], { g: 'docs' }), type: 'comment' },
    ];
    const { fragments } = cut(flow, { a: 'one', b: 'two' });
    assert.deepEqual(byId(on(fragments, 'one'), 'h').nodes, ['g']);
    assert.deepEqual(byId(on(fragments, 'two'), 'h').nodes, ['b']);
    assert.ok(!ids(on(fragments, 'two')).includes('g'));
    for (const gateway of ['one', 'two'])
      assert.deepEqual(byId(on(fragments, gateway), 'docs').nodes, ['note']);
  });
  it('subflow definitions and configuration nodes go where they are used, and nowhere else', () => {
    const flow = [
      tab('t'),
      {
        id: 's',
        type: 'subflow',
        name: 'S',
        in: [{ wires: [{ id: 'p' }] }],
        out: [{ wires: [{ id: 'q', port: 0 }] }],
      },
      { id: 'r', type: 'subflow', name: 'R', in: [], out: [] },
      node('p', ['q'], { z: 's', echo: { tier: 'edge' } }),
      node('q', [], { z: 's', type: 'subflow:r' }),
      node('x', [], { z: 'r', type: 'mqtt out', broker: 'm' }),
      config('m', 'mqtt-broker', { tls: 'tls', credentials: { user: 'u' } }),
      config('tls', 'tls-config'),
      config('other', 'tls-config'),
      node('a', ['b'], { type: 'subflow:s' }),
      node('b'),
    ];
    const { fragments } = cut(flow, { a: 'one', b: 'two' });
    const here = on(fragments, 'one');
    assert.deepEqual(ids(here).slice(0, -1), ['t', 's', 'r', 'p', 'q', 'x', 'm', 'tls', 'a']);
    assert.ok(!('echo' in byId(here, 'p')) && !('credentials' in byId(here, 'm')));
    assert.deepEqual(ids(on(fragments, 'two')).slice(0, 2), ['t', 'b']);
    assert.ok(fragments.find((f) => f.gateway === 'one')!.credentialIds.includes('x'));
  });
  it('scopes lose what is disabled', () => {
    const flow = [
      tab('t'),
      node('a'),
      node('b', [], { d: true }),
      node('c', [], { type: 'catch', scope: ['a', 'b'] }),
    ];
    const { fragments } = cut(flow, { a: 'one', c: 'one' });
    assert.deepEqual(byId(on(fragments, 'one'), 'c').scope, ['a']);
  });
  it('a changed hint changes no fragment', () => {
    const flow = (tier: string) => [
      tab('t', { echo: { tier } }),
      node('a', ['b'], { echo: { tier } }),
      node('b'),
    ];
    const places = { a: 'one', b: 'two' };
    assert.equal(JSON.stringify(cut(flow('edge'), places)), JSON.stringify(cut(flow('fog'), places)));
  });
  it('options of a wire stand at the end they concern, and what is default nowhere', () => {
    const echo = {
      durability: 'fsync',
      whenFull: 'sample',
      quotaMB: 9,
      priority: 2,
      window: 64,
      credit: 'push',
    };
    const flow = [tab('t', { echo }), node('a', ['b']), node('b')];
    const { fragments, streams } = cut(flow, { a: 'one', b: 'two' });
    const { credit: _, ...chosen } = echo;
    assert.deepEqual(streams[0]!.options, chosen);
    const said = (gateway: string) => {
      const wire = on(fragments, gateway).find((n) => n.stream)!;
      return Object.fromEntries(Object.keys(echo).flatMap((k) => (k in wire ? [[k, wire[k]]] : [])));
    };
    assert.deepEqual(said('one'), { durability: 'fsync', whenFull: 'sample', quotaMB: 9, priority: 2 });
    assert.deepEqual(said('two'), { durability: 'fsync', window: 64 });
  });
  it('a channel names the wire it stands on and says its options; the stream is its own', () => {
    const channel = { type: 'echo channel', name: 'Readings', credit: 'pull', delivery: '' };
    const flow = [tab('t'), node('a', ['ch']), node('ch', ['b'], channel), node('b')];
    const { fragments, streams } = cut(flow, { a: 'one', ch: 'one', b: 'two' });
    assert.deepEqual(
      streams.map(({ stream, name, options }) => [stream, name, options]),
      [['app/ch:0', 'Readings', { credit: 'pull' }]],
    );
    const wires = fragments.flatMap((f) => f.nodes.filter((n) => n.stream));
    assert.deepEqual(
      wires.map((n) => [n.name, n.credit]),
      [
        ['Readings → two', undefined],
        ['Readings ← one', 'pull'],
      ],
    );
    const together = cut(flow, { a: 'one', ch: 'one', b: 'one' });
    assert.deepEqual(together.streams, []);
  });
  it('the delivery level of a stream is that of the task that sends', () => {
    const flow = [tab('t'), node('a', ['b'], { echo: { delivery: 'at-most-once' } }), node('b')];
    const { fragments, streams } = cut(flow, { a: 'one', b: 'two' });
    const levels = fragments.flatMap((f) => f.nodes.filter((n) => n.stream).map((n) => n.level));
    assert.deepEqual([streams[0]!.level, ...levels], ['at-most-once', 'at-most-once', 'at-most-once']);
  });
});
