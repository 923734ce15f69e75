import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RawFlow, RawNode } from '../../../src/flow/types.ts';
import { type MergeInput, merge } from '../../../src/orchestrator/deploy/merge.ts';

const tab = (id: string): RawNode => ({ id, type: 'tab', label: id });
const task = (id: string, z: string, more: object = {}): RawNode => ({
  id,
  type: 'function',
  z,
  x: 1,
  y: 1,
  wires: [],
  ...more,
});
const config = (id: string, more: object = {}): RawNode => ({ id, type: 'mqtt-broker', ...more });

const own: RawFlow = [tab('own'), task('own-1', 'own', { broker: 'cfg' }), config('cfg', { host: 'a' })];
const fragment: RawFlow = [tab('e'), task('e-1', 'e'), task('e-2', 'e')];

const put = (input: Partial<MergeInput>) =>
  merge({
    current: own,
    before: [],
    after: [],
    others: new Map(),
    shared: new Set(),
    gateway: 'edge-1',
    ...input,
  });
const ids = (flow: RawFlow) => flow.map((n) => n.id);

describe('merge', () => {
  it('appends a new fragment and hands everything else through as the same objects', () => {
    const { flows } = put({ after: fragment });
    assert.deepEqual(ids(flows), ['own', 'own-1', 'cfg', 'e', 'e-1', 'e-2']);
    assert.ok(own.every((n, i) => flows[i] === n));
  });

  it('replaces changed nodes in place, adds beside their neighbour, removes what left', () => {
    const current = [tab('e'), task('e-1', 'e'), task('e-2', 'e'), ...own];
    const after = [tab('e'), task('e-1', 'e', { func: 'new' }), task('e-3', 'e')];
    const { flows } = put({ current, before: fragment, after });
    assert.deepEqual(ids(flows), ['e', 'e-1', 'e-3', 'own', 'own-1', 'cfg']);
    assert.equal(flows[1]?.func, 'new');
  });

  it('removes what was put into its tabs by hand, and nothing in other tabs', () => {
    const current = [...own, ...fragment, task('hand', 'e')];
    const { flows } = put({ current, before: fragment, after: fragment });
    assert.deepEqual(ids(flows), ids([...own, ...fragment]));
  });

  it('a config node equal to the gateway’s own is shared, and stays when the application leaves', () => {
    const after = [...fragment, config('cfg', { host: 'a' })];
    const there = put({ after });
    assert.deepEqual(there.shared, ['cfg']);
    const { flows } = put({ current: there.flows, before: after, shared: new Set(there.shared) });
    assert.deepEqual(flows, own);
  });

  it('a config node that differs from the gateway’s own is a conflict', () => {
    const after = [...fragment, config('cfg', { host: 'b' })];
    assert.throws(() => put({ after }), { code: 'ECHO_ID_CONFLICT', where: 'cfg' });
  });

  it('a task with the id of the gateway’s own is a conflict, even an equal one', () => {
    assert.throws(() => put({ after: [tab('e'), own[1] as RawNode] }), { code: 'ECHO_ID_CONFLICT' });
  });

  it('a task of another application is a conflict', () => {
    const others = new Map([['x', task('x', 'o')]]);
    const current = [...own, tab('o'), task('x', 'o')];
    assert.throws(() => put({ current, others, after: [tab('e'), task('x', 'e')] }), {
      code: 'ECHO_ID_CONFLICT',
      message: /another application/,
    });
  });

  it('a config node of two applications stays until the last one leaves', () => {
    const shared = config('c2', { host: 'x' });
    const a = [...fragment, shared];
    const b = [tab('b'), task('b-1', 'b', { broker: 'c2' }), shared];
    const others = new Map(b.map((n) => [n.id, n]));
    const current = [...own, ...a, tab('b'), task('b-1', 'b', { broker: 'c2' })];
    const first = put({ current, before: a, others });
    assert.deepEqual(ids(first.flows), ['own', 'own-1', 'cfg', 'c2', 'b', 'b-1']);
    const last = put({ current: first.flows, before: b });
    assert.deepEqual(last.flows, own);
  });

  it('a config node that the gateway’s own nodes came to use stays', () => {
    const after = [...fragment, config('c2')];
    const current = [...own, ...after, task('own-2', 'own', { broker: 'c2' })];
    const { flows } = put({ current, before: after });
    assert.deepEqual(ids(flows), ['own', 'own-1', 'cfg', 'c2', 'own-2']);
  });

  it('a subflow definition that is used elsewhere stays with all that is drawn in it', () => {
    const definition = [{ id: 's', type: 'subflow' }, task('s-1', 's', { broker: 'c2' }), config('c2')];
    const after = [...fragment, ...definition];
    const current = [...own, ...after, { id: 'use', type: 'subflow:s', z: 'own' }];
    const { flows } = put({ current, before: after });
    assert.deepEqual(ids(flows), ['own', 'own-1', 'cfg', 's', 's-1', 'c2', 'use']);
  });

  /** Gateways with own nodes, another application, and a fragment that changes arbitrarily. */
  const name = (prefix: string) => fc.integer({ min: 0, max: 6 }).map((n) => `${prefix}${n}`);
  const nodes = (prefix: string) =>
    fc
      .uniqueArray(fc.record({ id: name(`${prefix}-`), func: fc.constantFrom('a', 'b', 'c') }), {
        selector: (n) => n.id,
      })
      .map((list): RawNode[] =>
        list.length === 0 ? [] : [tab(prefix), ...list.map((n) => task(n.id, prefix, { func: n.func }))],
      );
  const world = fc
    .record({ own: nodes('own'), other: nodes('other'), before: nodes('e'), after: nodes('e') })
    .chain((w) =>
      fc.record({
        ...Object.fromEntries(Object.entries(w).map(([k, v]) => [k, fc.constant(v)])),
        current: fc.shuffledSubarray([...w.own, ...w.other, ...w.before], {
          minLength: w.own.length + w.other.length + w.before.length,
        }),
      }),
    ) as fc.Arbitrary<Record<'own' | 'other' | 'before' | 'after' | 'current', RawNode[]>>;

  it('property: own and other nodes stay byte for byte in their order; the fragment is exactly there', () => {
    fc.assert(
      fc.property(world, ({ other, before, after, current }) => {
        const others = new Map(other.map((n) => [n.id, n]));
        const { flows } = put({ current, before, after, others });
        const foreign = (flow: RawFlow) => flow.filter((n) => !n.id.startsWith('e'));
        assert.equal(JSON.stringify(foreign(flows)), JSON.stringify(foreign(current)));
        const mine = flows.filter((n) => n.id.startsWith('e'));
        assert.deepEqual(new Map(mine.map((n) => [n.id, n])), new Map(after.map((n) => [n.id, n])));
        assert.equal(mine.length, after.length);
      }),
    );
  });

  it('property: an undo restores the flows byte for byte, order included', () => {
    fc.assert(
      fc.property(world, ({ other, before, after, current }) => {
        const others = new Map(other.map((n) => [n.id, n]));
        const { flows } = put({ current, before, after, others });
        const undone = put({
          current: flows,
          before: [...after, ...before],
          after: current.filter((n) => n.id.startsWith('e')),
          others,
          order: ids(current),
        });
        assert.equal(JSON.stringify(undone.flows), JSON.stringify(current));
      }),
    );
  });
});
