import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RawFlow } from '../../../src/flow/types.ts';
import {
  appOf,
  fingerprint,
  identities,
  replaceUnit,
  unitsOf,
} from '../../../src/orchestrator/editor/canvas.ts';

const tab = (id: string, app?: string) => ({
  id,
  type: 'tab',
  label: `Tab ${id}`,
  ...(app === undefined ? {} : { echo: { app } }),
});
const node = (id: string, z: string, extra: object = {}) => ({
  id,
  type: 'function',
  z,
  x: 10,
  y: 10,
  wires: [[]],
  ...extra,
});

describe('canvas: which tabs are one application', () => {
  it('a tab is an application of its own', () => {
    const units = unitsOf([tab('a'), tab('b'), node('n', 'a'), node('m', 'b')], {});
    assert.deepEqual(
      units.map(({ tabs }) => tabs),
      [['a'], ['b']],
    );
  });

  it('link nodes tie tabs, in tab order whichever way the link points', () => {
    const canvas = [
      tab('a'),
      tab('b'),
      tab('c'),
      node('in', 'a', { type: 'link in', links: ['out'] }),
      node('out', 'c', { type: 'link out', links: ['in'] }),
      node('m', 'b'),
    ];
    assert.deepEqual(
      unitsOf(canvas, {}).map(({ tabs }) => tabs),
      [['a', 'c'], ['b']],
    );
  });

  it('tabs one application owns stay together without a link', () => {
    const canvas = [tab('a'), tab('b'), node('n', 'a'), node('m', 'b')];
    const units = unitsOf(canvas, { city: { tabs: ['a', 'b'] } });
    assert.deepEqual(
      units.map(({ application, tabs }) => [application, tabs]),
      [['city', ['a', 'b']]],
    );
  });

  it('a copied tab does not steal the identity of the one it was copied from', () => {
    const canvas = [tab('copy', 'city'), tab('a', 'city'), node('n', 'copy'), node('m', 'a')];
    const units = unitsOf(canvas, { city: { tabs: ['a'] } });
    assert.deepEqual(
      units.map(({ application, tabs }) => [application, tabs]),
      [
        [undefined, ['copy']],
        ['city', ['a']],
      ],
    );
    assert.equal(appOf(units[0]!.flow[0]!), undefined);
  });

  it('of two imported tabs with the same unknown id the first keeps it', () => {
    const canvas = [tab('a', 'x'), tab('b', 'x'), node('n', 'a'), node('m', 'b')];
    assert.deepEqual([...identities(canvas, {})], [['a', 'x']]);
  });

  it('a tab with nothing to run is no application', () => {
    assert.deepEqual(unitsOf([tab('a'), node('c', 'a', { type: 'comment' })], {}), []);
  });

  it('an application takes along the config nodes and subflows it uses, and no others', () => {
    const canvas: RawFlow = [
      tab('a'),
      tab('b'),
      { id: 'sf', type: 'subflow', name: 'S', in: [], out: [] },
      node('inner', 'sf', { type: 'mqtt in', broker: 'broker1' }),
      node('inst', 'a', { type: 'subflow:sf' }),
      { id: 'broker1', type: 'mqtt-broker', tls: 'tls1' },
      { id: 'tls1', type: 'tls-config' },
      { id: 'broker2', type: 'mqtt-broker' },
      node('m', 'b', { type: 'mqtt out', broker: 'broker2' }),
    ];
    const [a, b] = unitsOf(canvas, {});
    assert.deepEqual(
      a!.flow.map(({ id }) => id),
      ['a', 'sf', 'inner', 'inst', 'broker1', 'tls1'],
    );
    assert.deepEqual(
      b!.flow.map(({ id }) => id),
      ['b', 'broker2', 'm'],
    );
  });
});

describe('canvas: fingerprints', () => {
  it('do not depend on the order of entries or keys, nor on the application id', () => {
    const flow = [tab('a', 'x'), node('n', 'a'), node('m', 'a')];
    fc.assert(
      fc.property(fc.shuffledSubarray(flow, { minLength: 3, maxLength: 3 }), (shuffled) => {
        const turned = shuffled.map((entry) => Object.fromEntries(Object.entries(entry).toReversed()));
        const renamed = turned.map((entry) => (entry.id === 'a' ? tab('a', 'y') : entry));
        assert.equal(fingerprint(renamed as unknown as RawFlow, {}), fingerprint(flow, {}));
      }),
    );
  });

  it('change with any property and with credentials', () => {
    const flow = [tab('a'), node('n', 'a')];
    const seen = new Set([
      fingerprint(flow, {}),
      fingerprint([tab('a'), node('n', 'a', { x: 11 })], {}),
      fingerprint([tab('a'), node('n', 'a', { echo: { tier: 'fog' } })], {}),
      fingerprint(flow, { n: { password: 'one' } }),
      fingerprint(flow, { n: { password: 'two' } }),
    ]);
    assert.equal(seen.size, 5);
  });
});

describe('canvas: an application replaced', () => {
  const canvas = [tab('a'), tab('b'), node('n', 'a'), node('m', 'b'), { id: 'c', type: 'mqtt-broker' }];

  it('stands where it stood, marked, and others are left alone', () => {
    const next = replaceUnit(canvas, ['a'], 'city', [tab('a'), node('n2', 'a')]);
    assert.deepEqual(
      next.filter(({ type }) => type === 'tab').map((entry) => [entry.id, appOf(entry)]),
      [
        ['a', 'city'],
        ['b', undefined],
      ],
    );
    assert.deepEqual(new Set(next.map(({ id }) => id)), new Set(['a', 'n2', 'b', 'm', 'c']));
  });

  it('an empty flow takes it off', () => {
    assert.deepEqual(
      replaceUnit(canvas, ['a'], 'city', []).map(({ id }) => id),
      ['b', 'm', 'c'],
    );
  });

  it('takes along what only it used: subflows, what is in them, config nodes', () => {
    const used = [
      ...canvas,
      { id: 's', type: 'subflow' },
      node('in', 's', { broker: 'inner' }),
      { id: 'inner', type: 'mqtt-broker' },
      { id: 'both', type: 'mqtt-broker' },
      node('x', 'a', { type: 'subflow:s', broker: 'both' }),
      node('y', 'b', { broker: 'both' }),
    ];
    const left = replaceUnit(used, ['a'], 'city', []).map(({ id }) => id);
    assert.deepEqual(left, ['b', 'm', 'c', 'both', 'y']);
  });

  it('never leaves an id twice', () => {
    const next = replaceUnit(canvas, [], 'city', [
      tab('b'),
      node('m', 'b'),
      { id: 'c', type: 'mqtt-broker' },
    ]);
    assert.equal(new Set(next.map(({ id }) => id)).size, next.length);
  });
});
