import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseFlow } from '../../src/flow/parse.ts';
import { split } from '../../src/flow/split.ts';
import type { RawNode } from '../../src/flow/types.ts';
import { deliveries, nextInFlow, nextInFragments, node, tab } from './kit.ts';

const GATEWAYS = ['cloud-1', 'edge-1', 'edge-2', 'fog-1'];

interface Drawn {
  readonly flow: RawNode[];
  readonly places: [string, string][];
}

/** A few tabs of tasks, junctions without circles, links across tabs, nested groups, disabled parts. */
const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    tabs: fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
    nodes: fc.array(
      fc.record({
        kind: fc.constantFrom('task', 'task', 'task', 'junction', 'link in', 'link out'),
        tab: fc.nat(),
        group: fc.nat(5),
        off: fc.nat(9),
        wires: fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 3 }),
        links: fc.array(fc.nat(), { maxLength: 3 }),
        gateway: fc.nat(),
      }),
      { minLength: 1, maxLength: 14 },
    ),
  })
  .map(({ tabs, nodes }) => {
    const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % list.length];
    const z = nodes.map((n) => `t${n.tab % tabs.length}`);
    const id = (i: number) => `n${i}`;
    const groups = tabs.flatMap((_, t) => [
      { id: `g${t}`, type: 'group', z: `t${t}`, nodes: [`h${t}`] },
      {
        id: `h${t}`,
        type: 'group',
        z: `t${t}`,
        g: `g${t}`,
        nodes: nodes.flatMap((n, i) => (n.group === 0 && z[i] === `t${t}` ? [id(i)] : [])),
      },
    ]);
    const entries = nodes.map((n, i): RawNode => {
      const all = nodes.flatMap((other, j) =>
        z[j] === z[i] && (other.kind !== 'junction' || n.kind !== 'junction' || j > i) ? [id(j)] : [],
      );
      const ends = (kind: string) => nodes.flatMap((other, j) => (other.kind === kind ? [id(j)] : []));
      const linked = (kind: string) => n.links.flatMap((k) => pick(ends(kind), k) ?? []);
      const wires = n.wires.map((port) => port.flatMap((k) => pick(all, k) ?? []));
      return node(id(i), [], {
        type: n.kind === 'task' ? 'function' : n.kind,
        z: z[i]!,
        wires: n.kind === 'link out' ? [] : n.kind === 'task' ? wires : wires.slice(0, 1),
        ...(n.group === 0 && { g: `h${n.tab % tabs.length}` }),
        ...(n.off === 0 && { d: true }),
        ...(n.kind === 'link out' && { mode: 'link', links: linked('link in') }),
        ...(n.kind === 'link in' && { links: linked('link out') }),
      });
    });
    return {
      flow: [...tabs.map((on, t) => tab(`t${t}`, { disabled: !on && t > 0 })), ...groups, ...entries],
      places: nodes.map((n, i) => [id(i), pick(GATEWAYS, n.gateway)!]),
    };
  });

const cut = ({ flow, places }: Drawn) => {
  const model = parseFlow(flow);
  const result = split(model, new Map(places), { application: 'app' });
  return { model, result, tasks: new Set(model.tasks.keys()) };
};
const portsOf = (flow: readonly RawNode[]) => (id: string) => {
  const found = flow.find((n) => n.id === id)!;
  return found.type === 'link out' ? 1 : (found.wires?.length ?? 0);
};
const check = (holds: (drawing: Drawn) => void) => fc.assert(fc.property(drawn, holds), { numRuns: 400 });

describe('split, for any flow and placement', () => {
  it('every wire of the flow is realised exactly once, locally or by a stream', () =>
    check((drawing) => {
      const { model, result, tasks } = cut(drawing);
      const before = nextInFlow(drawing.flow);
      const after = nextInFragments(result.fragments, tasks);
      const ports = portsOf(drawing.flow);
      for (const id of model.tasks.keys()) {
        for (let port = 0; port < ports(id); port++)
          assert.deepEqual(after(id, port).sort(), before(id, port).sort());
      }
    }));
  it('a message injected anywhere is delivered as on one Node-RED', () =>
    check((drawing) => {
      const { model, result, tasks } = cut(drawing);
      const ports = portsOf(drawing.flow);
      const start = [...model.tasks.keys()][0];
      if (start === undefined) return;
      assert.deepEqual(
        deliveries(nextInFragments(result.fragments, tasks), ports, start, 4),
        deliveries(nextInFlow(drawing.flow), ports, start, 4),
      );
    }));
  it('the fragments together hold every task once, at its gateway', () =>
    check((drawing) => {
      const { model, result } = cut(drawing);
      const places = new Map(drawing.places);
      const found = result.fragments.flatMap((f) =>
        f.nodes.filter((n) => model.tasks.has(n.id)).map((n) => [n.id, f.gateway]),
      );
      assert.deepEqual(found.sort(), [...model.tasks.keys()].map((id) => [id, places.get(id)!]).sort());
    }));
  it('the result is byte-same whatever the order of the placement', () =>
    check((drawing) => {
      const again = { ...drawing, places: [...drawing.places].reverse() };
      const { result } = cut(drawing);
      assert.equal(JSON.stringify(cut(again).result), JSON.stringify(result));
      const gateways = result.fragments.map((f) => f.gateway);
      assert.deepEqual(gateways, [...gateways].sort());
    }));
  it('every fragment is a valid flow: nothing in it points at what is not there', () =>
    check((drawing) => {
      for (const { nodes } of cut(drawing).result.fragments) {
        const there = new Map(nodes.map((n) => [n.id, n]));
        assert.equal(there.size, nodes.length, 'ids are unique');
        for (const n of nodes) {
          for (const to of n.wires?.flat() ?? []) assert.equal(there.get(to)?.z, n.z, `${n.id} → ${to}`);
          for (const to of (n.links as string[] | undefined) ?? [])
            assert.ok(there.has(to), `${n.id} ⇒ ${to}`);
          for (const to of (n.nodes as string[] | undefined) ?? [])
            assert.ok(there.has(to), `${n.id} ∋ ${to}`);
          for (const up of [n.z, n.g]) assert.ok(!up || there.has(up), `${n.id} in ${up}`);
        }
      }
    }));
});
