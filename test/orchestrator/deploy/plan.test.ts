import assert from 'node:assert/strict';
import type { RawFlow, RawNode } from '../../../src/flow/types.ts';
import { changesOf } from '../../../src/orchestrator/deploy/changes.ts';
import { credentialsFor } from '../../../src/orchestrator/deploy/credentials.ts';
import { driftOf } from '../../../src/orchestrator/deploy/drift.ts';
import { carryOver, newApplication, readInput } from '../../../src/orchestrator/deploy/intake.ts';
import { ended, next, resume, type Step } from '../../../src/orchestrator/deploy/machine.ts';
import { adopt, giveBack } from '../../../src/orchestrator/deploy/ownership.ts';

const n = (id: string, more: object = {}): RawNode => ({
  id,
  type: 'function',
  z: 't',
  x: 1,
  y: 1,
  wires: [],
  ...more,
});
const t: RawNode = { id: 't', type: 'tab', label: 'T' };
const change = (before: RawFlow, after: RawFlow, id: string) =>
  changesOf(before, after, new Set()).changes.find((c) => c.node === id)?.change;
const restarts = (before: RawFlow, after: RawFlow) => changesOf(before, after, new Set()).restarts;

describe('changes', () => {
  it('tells add, change, rewire, move, remove and same apart', () => {
    const before = [t, n('a'), n('b'), n('c'), n('d'), n('e')];
    const after = [t, n('a'), n('b', { func: 'x' }), n('c', { wires: [['a']] }), n('d', { x: 9 }), n('f')];
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => change(before, after, id)),
      ['same', 'change', 'rewire', 'move', 'remove', 'add'],
    );
    assert.equal(restarts(before, after), 1);
  });

  it('moving and rewiring restart nothing', () => {
    assert.equal(restarts([t, n('a'), n('b')], [t, n('a', { x: 5, wires: [['b']] }), n('b')]), 0);
  });

  it('a changed config node restarts those that use it, directly or through another', () => {
    const cfg = (host: string): RawNode => ({ id: 'cfg', type: 'mqtt-broker', host, tls: 'x' });
    const nodes = [t, n('a', { broker: 'cfg' }), n('b', { via: 'a' }), n('c')];
    assert.equal(restarts([...nodes, cfg('1')], [...nodes, cfg('2')]), 3);
  });

  it('a changed tab env restarts its nodes; another tab property none', () => {
    const nodes = [n('a'), n('b')];
    assert.equal(restarts([t, ...nodes], [{ ...t, env: [{ name: 'A', value: '1' }] }, ...nodes]), 2);
    assert.equal(restarts([t, ...nodes], [{ ...t, locked: true }, ...nodes]), 0);
  });

  it('a change inside a subflow restarts its instances', () => {
    const def = { id: 's', type: 'subflow' };
    const before = [t, def, n('i', { z: 's' }), n('use', { type: 'subflow:s' })];
    const after = [t, def, n('i', { z: 's', wires: [['q']] }), n('use', { type: 'subflow:s' })];
    assert.equal(restarts(before, after), 1);
  });

  it('changed credentials are a change', () => {
    const { changes, restarts } = changesOf([t, n('a')], [t, n('a')], new Set(['a']));
    assert.equal(changes[1]?.change, 'change');
    assert.equal(restarts, 1);
  });
});

describe('drift', () => {
  it('names changed properties, missing and added nodes; layout, key order and credentials are none', () => {
    const deployed = [t, n('a'), n('b'), n('c')];
    const { id, ...rest } = n('c', { x: 99, credentials: { k: 1 } });
    const current = [
      t,
      n('a', { func: 'x', name: 'y' }),
      { ...rest, id },
      n('new'),
      n('own', { z: 'other' }),
    ];
    assert.deepEqual(driftOf({ deployed, current: current as RawFlow }), [
      { node: 'a', name: 'function', kind: 'changed', properties: ['func', 'name'] },
      { node: 'b', name: 'function', kind: 'missing' },
      { node: 'new', name: 'function', kind: 'added' },
    ]);
  });
});

describe('credentials', () => {
  const flows = [t, n('a'), n('b')];
  it('are sent for nodes the gateway does not have, and for changed ones so that they restart', () => {
    const put = credentialsFor(flows, [t, n('a')], flows, {
      before: { a: { k: '1', old: '2' } },
      after: { a: { k: '3' }, b: { k: '4' } },
    });
    assert.deepEqual(put.credentials, { a: { k: '3' }, b: { k: '4' } });
    assert.deepEqual(put.flows[1]?.credentials, { k: '3', old: '' });
    assert.equal(put.flows[2]?.credentials, undefined);
  });

  it('are not sent when the gateway has them', () => {
    const same = { a: { k: '1' } };
    const put = credentialsFor(flows, flows, flows, { before: same, after: same });
    assert.equal(put.credentials, undefined);
    assert.equal(put.flows, flows);
  });

  it('carry over to the next version unless brought anew; a stand-in keeps the old value', () => {
    const before = { a: { k: '1', l: '2' }, b: { k: '3' }, gone: { k: '4' } };
    assert.deepEqual(carryOver(flows, before, { a: { k: '__PWRD__', l: 'new' } }), {
      a: { k: '1', l: 'new' },
      b: { k: '3' },
    });
  });

  it('at a node of the submitted flow are taken out of it', () => {
    const { model, credentials } = readInput({
      flow: { flow: [t, n('a', { credentials: { k: 's3cret' } })] },
    });
    assert.deepEqual(credentials, { a: { k: 's3cret' } });
    assert.equal(JSON.stringify(model.raw).includes('s3cret'), false);
  });
});

describe('application id', () => {
  it('is the same for the same tabs and name, readable, and safe in a topic and a path', () => {
    const { model } = readInput({ flow: [t, n('a')] });
    const id = newApplication('Stadt-Sensoren Übersicht!', model);
    assert.match(id, /^stadt-sensoren-u-?bersicht-[0-9a-f]{6}$/);
    assert.equal(newApplication('Stadt-Sensoren Übersicht!', model), id);
    assert.match(newApplication('☃', model), /^app-[0-9a-f]{6}$/);
  });
});

describe('adopt', () => {
  const flow: RawFlow = [
    t,
    n('a', { broker: 'only' }),
    n('b', { broker: 'both' }),
    { id: 't2', type: 'tab' },
    n('c', { z: 't2', broker: 'both' }),
    { id: 'only', type: 'mqtt-broker' },
    { id: 'both', type: 'mqtt-broker' },
  ];
  it('takes a tab with what it uses, and leaves the gateway what something else uses too', () => {
    const { flow: taken, adopted } = adopt('edge-1', flow, new Set(), ['t']);
    assert.deepEqual(
      taken.map((x) => x.id),
      ['t', 'a', 'b', 'only', 'both'],
    );
    assert.deepEqual(
      adopted.map((x) => x.id),
      ['t', 'a', 'b', 'only'],
    );
    assert.deepEqual(taken[0]?.echo, { gateway: 'edge-1' });
  });
  it('gives back what it took as it was, with what a fragment leaves out and what was changed by hand', () => {
    const own: RawFlow = [{ ...t, label: 'Mine' }, n('a', { wires: [['b']] }), n('b', { d: true }), n('c')];
    const [tab, a, , c] = adopt('edge-1', own, new Set()).flow;
    const written = [{ ...tab!, locked: true }, { ...a!, wires: [[]] }, c!];
    const current = [
      { id: 'x', type: 'tab' },
      ...written.map((e) => (e.id === 'c' ? { ...e, func: 'by hand' } : e)),
    ];
    assert.deepEqual(giveBack(current, written, [tab!, ...own.slice(1)]), [
      { id: 'x', type: 'tab' },
      own[0],
      own[1],
      { ...own[3], func: 'by hand' },
      own[2],
    ]);
  });
  it('refuses a tab that is ECHO’s, not there or on which nothing runs', () => {
    const idle: RawFlow = [
      { id: 'i', type: 'tab' },
      { id: 'x', type: 'comment', z: 'i' },
      n('a', { z: 'i', d: true }),
    ];
    assert.throws(() => adopt('edge-1', idle, new Set()), { code: 'ECHO_IMPORT_NOTHING' });
    assert.throws(() => adopt('edge-1', flow, new Set(['t', 't2'])), { code: 'ECHO_IMPORT_NOTHING' });
    assert.throws(() => adopt('edge-1', flow, new Set(['t']), ['t']), { code: 'ECHO_IMPORT_NOTHING' });
  });
});

describe('the steps of a deploy', () => {
  const shapes = [
    { drains: true, running: true },
    { drains: false, running: true },
    { drains: false, running: false },
  ];
  const path = (shape: (typeof shapes)[number], fails?: Step): Step[] => {
    const steps: Step[] = ['preflight'];
    for (let at: Step = 'preflight'; !ended(at); ) {
      const following = next(at, at === fails ? 'failed' : 'ok', shape);
      if (following === at) break;
      at = following;
      steps.push(at);
    }
    return steps;
  };

  it('hold, drain and quiet what runs, and only what runs', () => {
    assert.deepEqual(path(shapes[0]!), [
      ...['preflight', 'close-sources', 'drain', 'close-all', 'quiesce', 'seal'],
      ...['write', 'commit', 'open', 'retire', 'done'],
    ]);
    assert.deepEqual(path(shapes[1]!).slice(0, 4), ['preflight', 'close-all', 'quiesce', 'seal']);
    assert.deepEqual(path(shapes[2]!).slice(0, 3), ['preflight', 'seal', 'write']);
  });

  it('end undone after any failure before the commit, and restore only what may have been written', () => {
    for (const shape of shapes) {
      for (const step of path(shape)) {
        const failed = path(shape, step);
        const before = ['preflight', 'close-sources', 'drain', 'close-all', 'quiesce', 'seal', 'write'];
        if (before.includes(step)) assert.equal(failed.at(-1), 'undone');
        assert.equal(failed.includes('restore'), step === 'write');
      }
    }
  });

  it('never turn round after the commit: what failed is left to be repeated', () => {
    for (const step of ['commit', 'open', 'retire', 'restore', 'release'] as const) {
      assert.equal(next(step, 'failed', shapes[0]!), step);
    }
  });

  it('go on after a restart at a step that leads to an end, and to the same end when asked twice', () => {
    const all = [...path(shapes[0]!), 'restore', 'release', 'undone'] as Step[];
    for (const step of all) {
      const at = resume(step);
      const repeatable = ['commit', 'open', 'retire', 'restore', 'release', 'done', 'undone'];
      assert.ok(repeatable.includes(at), `${step} resumes at ${at}`);
      assert.equal(resume(at), at);
    }
  });
});
