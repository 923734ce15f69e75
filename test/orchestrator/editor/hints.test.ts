import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  effective,
  fitting,
  type Hints,
  inherit,
  sameHints,
  tidy,
} from '../../../nodes/gateway/src/editor/hints.ts';

const group = (echo: Hints) => ({ echo, title: 'group' });
const tab = (echo: Hints) => ({ echo, title: 'tab' });

describe('placement hints in the editor', () => {
  it('the innermost carrier decides, and says so', () => {
    const inherited = inherit([group({ tier: 'fog' }), tab({ tier: 'edge', delivery: 'at-most-once' })]);
    assert.deepEqual(inherited.tier, { value: 'fog', from: 'group' });
    assert.deepEqual(inherited.delivery, { value: 'at-most-once', from: 'tab' });
  });

  it('tier and gateway are one question: who answers either ends it', () => {
    const inherited = inherit([group({ tier: 'fog' }), tab({ gateway: 'g1' })]);
    assert.equal(inherited.gateway, undefined);
    const own = effective({ gateway: 'g2' }, inherited);
    assert.deepEqual([own.gateway?.value, own.tier], ['g2', undefined]);
    assert.equal(effective({ requires: ['gpu'] }, inherited).tier?.value, 'fog');
  });

  it('required capabilities add up, each once', () => {
    const inherited = inherit([
      group({ requires: ['gpu', 'camera'] }),
      tab({ requires: ['camera', 'gpio'] }),
    ]);
    assert.deepEqual(
      inherited.requires.map(({ value, from }) => `${value} ${from}`),
      ['gpu group', 'camera group', 'gpio tab'],
    );
  });

  it('env names stand in where no echo property survived', () => {
    const env = [
      { name: 'ECHO_TIER', value: 'cloud' },
      { name: 'ECHO_REQUIRES', value: 'gpu, camera' },
      { name: 'ECHO_GATEWAY', value: '' },
    ];
    const inherited = inherit([{ env, title: 'tab' }]);
    assert.equal(inherited.tier?.value, 'cloud');
    assert.equal(inherited.gateway, undefined);
    assert.deepEqual(
      inherited.requires.map(({ value }) => value),
      ['gpu', 'camera'],
    );
  });

  it('each option of the wires comes from the innermost carrier that says it', () => {
    const env = [
      { name: 'ECHO_PRIORITY', value: '3' },
      { name: 'ECHO_WINDOW', value: 'many' },
    ];
    const inherited = inherit([
      group({ window: 8, credit: 'pull' }),
      { echo: { window: 64, durability: 'fsync' }, env, title: 'tab' },
    ]);
    assert.deepEqual(inherited.wire, {
      window: { value: 8, from: 'group' },
      credit: { value: 'pull', from: 'group' },
      durability: { value: 'fsync', from: 'tab' },
      priority: { value: 3, from: 'tab' },
    });
    const own = effective({ durability: 'memory' }, inherited, 'node').wire;
    assert.deepEqual([own?.durability, own?.window?.value], [{ value: 'memory', from: 'node' }, 8]);
  });

  it('an untouched pane leaves no echo property', () => {
    assert.equal(tidy({ tier: undefined as never, gateway: '', requires: [] }), undefined);
    assert.deepEqual(tidy({ gateway: 'g', requires: [], app: 'x' }), { gateway: 'g', app: 'x' });
  });

  it('the order of keys is no change', () => {
    const keys = fc.uniqueArray(fc.constantFrom('tier', 'gateway', 'delivery'), { minLength: 1 });
    fc.assert(
      fc.property(keys, (names) => {
        const one = Object.fromEntries(names.map((name) => [name, name])) as Hints;
        const other = Object.fromEntries(names.toReversed().map((name) => [name, name])) as Hints;
        assert.ok(sameHints(one, other));
        assert.ok(!sameHints(one, { ...other, gateway: 'else' }));
      }),
    );
  });

  it('gateways fit by tier, name and every capability', () => {
    const fleet = [
      { id: 'e', tier: 'edge', capabilities: ['camera'] },
      { id: 'f', tier: 'fog', capabilities: ['camera', 'gpu'] },
    ];
    const fits = (hints: Hints) => fitting(effective(hints, { requires: [] }), fleet);
    assert.deepEqual(fits({}), ['e', 'f']);
    assert.deepEqual(fits({ tier: 'fog' }), ['f']);
    assert.deepEqual(fits({ requires: ['camera', 'gpu'] }), ['f']);
    assert.deepEqual(fits({ gateway: 'e', requires: ['gpu'] }), []);
  });
});
