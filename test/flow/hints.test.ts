import assert from 'node:assert/strict';
import { parseFlow } from '../../src/flow/parse.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { WINDOW_RECORDS } from '../../src/wire/stream.ts';
import { node, tab } from './kit.ts';

const env = (values: Record<string, string>) =>
  Object.entries(values).map(([name, value]) => ({ name, value, type: 'str' }));
type Extra = Record<string, unknown>;
const group = (id: string, extra: Record<string, unknown>) => ({
  id,
  type: 'group',
  z: 't',
  nodes: [],
  ...extra,
});
const hints = (entries: Parameters<typeof parseFlow>[0]) => parseFlow(entries).tasks.get('a')!.hints;

describe('flow: placement hints', () => {
  it('come from the nearest level that says where: node, group, outer group, tab', () => {
    const levels = (own: Extra, inner: Extra, outer: Extra, top: Extra) =>
      hints([
        tab('t', top),
        group('h', outer),
        group('g', { g: 'h', ...inner }),
        node('a', [], { g: 'g', ...own }),
      ]);
    const [n, g, h, t] = [{ tier: 'edge' }, { tier: 'fog' }, { tier: 'cloud' }, { tier: 'fog' }].map(
      (echo) => ({ echo }),
    );
    assert.deepEqual(levels(n!, g!, h!, t!).tier, { value: 'edge', from: { kind: 'node', id: 'a' } });
    assert.deepEqual(levels({}, g!, h!, t!).tier, { value: 'fog', from: { kind: 'group', id: 'g' } });
    assert.deepEqual(levels({}, {}, h!, t!).tier, { value: 'cloud', from: { kind: 'group', id: 'h' } });
    assert.deepEqual(levels({}, {}, {}, t!).tier, { value: 'fog', from: { kind: 'tab', id: 't' } });
    assert.equal(levels({}, {}, {}, {}).tier, undefined);
  });
  it('a gateway named on a node replaces the tier of its tab', () => {
    const found = hints([
      tab('t', { echo: { tier: 'edge' } }),
      node('a', [], { echo: { gateway: 'fog-1' } }),
    ]);
    assert.equal(found.tier, undefined);
    assert.equal(found.gateway?.value, 'fog-1');
  });
  it('required capabilities of all levels add up, each once', () => {
    const found = hints([
      tab('t', { echo: { requires: ['gpu', 'camera'] }, env: env({ ECHO_REQUIRES: 'disk, camera' }) }),
      node('a', [], { echo: { requires: 'camera' } }),
    ]);
    assert.deepEqual(
      found.requires.map((r) => [r.value, r.from.kind]),
      [
        ['camera', 'node'],
        ['gpu', 'tab'],
        ['disk', 'tab-env'],
      ],
    );
  });
  it('environment variables of group and tab serve where echo says nothing', () => {
    const found = hints([
      tab('t', { env: env({ ECHO_TIER: 'cloud', ECHO_DELIVERY: 'at-most-once' }) }),
      group('g', { env: env({ ECHO_GATEWAY: 'fog-1' }) }),
      node('a', [], { g: 'g' }),
    ]);
    assert.deepEqual(found.gateway, { value: 'fog-1', from: { kind: 'group-env', id: 'g' } });
    assert.equal(found.tier, undefined);
    assert.equal(found.delivery, 'at-most-once');
  });
  it('each option of the wires comes from the nearest level that says it, text or number', () => {
    const found = hints([
      tab('t', {
        echo: { durability: 'fsync', window: 64 },
        env: env({ ECHO_WINDOW: '32', ECHO_CREDIT: 'pull', ECHO_QUOTA_MB: '8', ECHO_WHEN_FULL: 'sample' }),
      }),
      group('g', { echo: { durability: 'memory', priority: '7' }, env: env({ ECHO_PRIORITY: '3' }) }),
      node('a', [], { g: 'g', echo: { whenFull: 'drop-oldest' } }),
    ]);
    assert.deepEqual(found.wire, {
      durability: 'memory',
      window: 64,
      credit: 'pull',
      whenFull: 'drop-oldest',
      quotaMB: 8,
      priority: 7,
    });
  });
  it('an option that is set to its default is as if nothing had been said', () => {
    const found = hints([
      tab('t', { echo: { durability: 'fsync' } }),
      node('a', [], {
        echo: { durability: 'flush', quotaMB: 256, window: WINDOW_RECORDS, whenFull: 'block' },
      }),
    ]);
    assert.equal(found.wire, undefined);
  });
  it('a channel says the options in properties of its own, and nothing of where it runs', () => {
    const found = hints([
      tab('t', { echo: { tier: 'cloud', window: 8 } }),
      node('a', [], {
        ...{ type: 'echo channel', delivery: 'at-most-once', durability: '', window: '16' },
        echo: { gateway: 'fog-1', requires: ['gpu'] },
      }),
    ]);
    assert.deepEqual(found, { requires: [], delivery: 'at-most-once', wire: { window: 16 } });
  });
  it('a bad option of a channel is refused at that property', () =>
    assert.throws(
      () => parseFlow([tab('t'), node('a', [], { type: 'echo channel', quotaMB: 'much' })]),
      (e) => isEchoError(e, 'ECHO_FLOW_BAD_HINT') && e.where === '/1/quotaMB',
    ));
  it('empty fields say nothing; delivery is at least once by default', () => {
    const found = hints([
      tab('t'),
      node('a', [], { echo: { tier: '', gateway: '', requires: '', delivery: '' } }),
    ]);
    assert.deepEqual(found, { requires: [], delivery: 'at-least-once' });
  });
  for (const [echo, where] of [
    [{ tier: 'space' }, '/1/echo/tier'],
    [{ gateway: 'Not A Gateway' }, '/1/echo/gateway'],
    [{ delivery: 'exactly-once' }, '/1/echo/delivery'],
    [{ requires: [3] }, '/1/echo/requires'],
    [{ durability: 'paper' }, '/1/echo/durability'],
    [{ window: 0 }, '/1/echo/window'],
    [{ window: '12.5' }, '/1/echo/window'],
    [{ credit: true }, '/1/echo/credit'],
    [{ whenFull: 'panic' }, '/1/echo/whenFull'],
    [{ quotaMB: -1 }, '/1/echo/quotaMB'],
    [{ priority: 1000 }, '/1/echo/priority'],
    ['edge', '/1/echo'],
  ] as const) {
    it(`${JSON.stringify(echo)} is refused at ${where}`, () =>
      assert.throws(
        () => parseFlow([tab('t'), node('a', [], { echo })]),
        (e) => isEchoError(e, 'ECHO_FLOW_BAD_HINT') && e.where === where,
      ));
  }
  it('a bad value in the environment is refused at that entry', () =>
    assert.throws(
      () => parseFlow([tab('t', { env: env({ OTHER: '1', ECHO_TIER: 'space' }) }), node('a')]),
      (e) => isEchoError(e, 'ECHO_FLOW_BAD_HINT') && e.where === '/0/env/1/value',
    ));
});
