import assert from 'node:assert/strict';
import { TaskState } from '../../../nodes/gateway/src/checkpoint/taskState.ts';
import type { NodeContext, RedNode } from '../../../nodes/gateway/src/red.ts';

/** A context in memory; one that answers only later throws, as Node-RED's does. */
function contextOf(kept: Record<string, unknown>, later = false): NodeContext {
  const now = <T>(read: () => T): T => {
    if (later) throw new Error('the store needs a callback');
    return read();
  };
  return {
    keys: () => now(() => Object.keys(kept)),
    get: (key) => now(() => kept[key]),
    set: (key, value) =>
      now(() => {
        if (value === undefined) delete kept[key];
        else kept[key] = value;
      }),
  };
}
const task = (context: NodeContext, more: object = {}): RedNode =>
  ({ id: 'n', type: 'of another package', z: 't', context: () => context, ...more }) as unknown as RedNode;

describe('state of tasks', () => {
  const warnings: string[] = [];
  const state = new TaskState({ stores: [undefined], warn: (text) => warnings.push(text) });
  beforeEach(() => warnings.splice(0));

  it('a context that answers only later keeps nothing, is named once, and ends nothing', () => {
    const nodes = [task(contextOf({ n: 1 }, true))];
    assert.equal(state.isKept(nodes), false);
    const parts = new Map<string, Buffer>();
    state.capture(nodes, parts);
    state.restore(nodes, parts);
    assert.equal(parts.size, 0);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /context of node n in store default cannot be part of a checkpoint/);
  });

  it('brings context and members back, and takes away what came later', () => {
    const kept: Record<string, unknown> = { n: 1, at: new Date(5), of: new Map([[1, 2]]) };
    const member = { type: 'rbe', previous: { a: 1 } };
    const nodes = [task(contextOf(kept), member)];
    assert.equal(state.isKept(nodes), true);
    const parts = new Map<string, Buffer>();
    state.capture(nodes, parts);
    Object.assign(kept, { n: 2, later: true });
    const again = [task(contextOf(kept), { type: 'rbe', previous: {} })];
    state.restore(again, parts);
    assert.deepEqual(kept, { n: 1, at: new Date(5), of: new Map([[1, 2]]) });
    assert.deepEqual((again[0] as unknown as { previous: object }).previous, { a: 1 });
  });

  it('a value nobody can write is left out and named; the others are kept', () => {
    const parts = new Map<string, Buffer>();
    state.capture([task(contextOf({ n: 1, client: () => {} }))], parts);
    assert.deepEqual([...parts.keys()], ['context ["node n","","n"]']);
    assert.match(warnings[0]!, /client/);
  });
});
