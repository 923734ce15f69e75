/**
 * Fragments on real Node-RED of both supported versions: each stream is replaced by a link between two fragments in
 * one runtime, and the messages that arrive are compared with the undivided flow's.
 */
import assert from 'node:assert/strict';
import { parseFlow } from '../../src/flow/parse.ts';
import { split } from '../../src/flow/split.ts';
import type { Fragment, RawNode } from '../../src/flow/types.ts';
import type { NodeRedLine } from '../../src/orchestrator/fleet/installs.ts';
import { disposables } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { waitFor } from '../kit/wait.ts';
import { node, placed, tab } from './kit.ts';

/** Writes its name and the environment it sees to the path of the message, and the path to global context. */
const FUNC = `msg.path = (msg.path ?? '') + '>' + node.name + (env.get('WHERE') ?? '');
const got = global.get('got') ?? []; got.push(msg.path); global.set('got', got);
return [msg, { path: msg.path + '#2' }];`;

const step = (id: string, wires: string[][], extra: Record<string, unknown> = {}): RawNode =>
  node(id, [], { name: `step ${id}`, func: FUNC, outputs: 2, libs: [], wires, ...extra });

const FLOW: RawNode[] = [
  tab('t', { env: [{ name: 'WHERE', value: '@tab', type: 'str' }] }),
  tab('u'),
  {
    id: 's',
    type: 'subflow',
    name: 'S',
    in: [{ x: 1, y: 1, wires: [{ id: 'p' }] }],
    out: [{ x: 9, y: 1, wires: [{ id: 'p', port: 0 }] }],
    env: [],
  },
  step('p', [[], []], { z: 's' }),
  {
    id: 'g',
    type: 'group',
    z: 't',
    nodes: ['b', 'c'],
    env: [{ name: 'WHERE', value: '@group', type: 'str' }],
    x: 0,
    y: 0,
    w: 9,
    h: 9,
  },
  node('start', ['a'], { type: 'inject', props: [], repeat: '', once: false }),
  step('a', [['j', 'b'], ['c']]),
  node('j', ['b', 'sub', 'out'], { type: 'junction' }),
  step('b', [['out'], []], { g: 'g' }),
  step('c', [['d', 'd'], []], { g: 'g' }),
  step('d', [[], []]),
  node('sub', ['d'], { type: 'subflow:s', name: 'sub', env: [] }),
  node('out', [], { type: 'link out', mode: 'link', links: ['in1', 'in2', 'in3'], wires: [] }),
  node('in1', ['e'], { type: 'link in', links: ['out'] }),
  node('in2', ['f'], { type: 'link in', links: ['out'], z: 'u' }),
  node('in3', ['f'], { type: 'link in', links: ['out'], z: 'u' }),
  step('e', [[], []]),
  step('f', [[], []], { z: 'u' }),
];

const PLACEMENTS: Record<string, string>[] = [
  {
    a: 'one',
    b: 'two',
    c: 'one',
    d: 'three',
    sub: 'two',
    out: 'one',
    in1: 'two',
    in2: 'two',
    in3: 'three',
    e: 'three',
    f: 'two',
  },
  {
    a: 'two',
    b: 'one',
    c: 'three',
    d: 'three',
    sub: 'one',
    out: 'three',
    in1: 'three',
    in2: 'one',
    in3: 'one',
    e: 'one',
    f: 'one',
  },
];

/** All fragments in one runtime: ids made distinct, streams replaced by links. */
function joined(fragments: readonly Fragment[]): RawNode[] {
  const at = (id: string, gateway: string) => `${id}.${gateway}`;
  return fragments.flatMap(({ gateway, nodes }) => {
    const ids = new Set(nodes.map((n) => n.id));
    const renamed = (value: unknown): unknown => {
      if (typeof value === 'string') {
        if (ids.has(value)) return at(value, gateway);
        return value.startsWith('subflow:') ? at(value, gateway) : value;
      }
      if (Array.isArray(value)) return value.map(renamed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renamed(inner)]));
    };
    return nodes.map((n) => {
      const copy = renamed(n) as RawNode;
      if (n.type === 'echo in') return { ...copy, type: 'link in', links: [] };
      if (n.type !== 'echo out') return copy;
      const ends = fragments.flatMap((f) =>
        f.nodes.filter((e) => e.type === 'echo in' && e.stream === n.stream).map((e) => at(e.id, f.gateway)),
      );
      return { ...copy, type: 'link out', mode: 'link', links: ends };
    });
  });
}

for (const version of ['4.1', '5.0'] as const satisfies NodeRedLine[]) {
  describe(`split, on real Node-RED ${version}`, function () {
    this.timeout(120_000);
    const kit = disposables();

    it('the fragments deliver what the undivided flow delivers', async () => {
      const gateway = await startRealGateway(kit, { version });
      const json = { 'content-type': 'application/json' };
      const run = async (flow: readonly RawNode[], start: string, count: number): Promise<string[]> => {
        const body = JSON.stringify(flow);
        const deployed = await fetch(`${gateway.url}/flows`, { method: 'POST', headers: json, body });
        assert.equal(deployed.status, 204);
        await fetch(`${gateway.url}/context/global/got`, { method: 'DELETE' });
        const pressed = await waitFor(
          () => fetch(`${gateway.url}/inject/${start}`, { method: 'POST' }).then((r) => r.ok),
          {
            what: 'the inject button',
          },
        );
        assert.ok(pressed);
        let before = -1;
        return waitFor(
          async () => {
            const reply = (await (await fetch(`${gateway.url}/context/global/got?store=memory`)).json()) as {
              msg?: string;
            };
            const got = JSON.parse(reply.msg ?? '[]') as string[];
            // All are there, and nothing more has come between two looks.
            const settled = got.length >= count && got.length === before;
            before = got.length;
            return settled && got.sort();
          },
          { what: `${count} messages`, every: 100 },
        );
      };
      const model = parseFlow(FLOW);
      const whole = await run(FLOW, 'start', 17);
      assert.equal(whole.length, 17);
      for (const places of PLACEMENTS) {
        const { fragments, streams } = split(model, placed({ start: places.a!, ...places }), {
          application: 'app',
        });
        assert.ok(streams.length > 4);
        const parts = await run(joined(fragments), `start.${places.a}`, whole.length);
        assert.deepEqual(parts, whole);
      }
    });
  });
}
