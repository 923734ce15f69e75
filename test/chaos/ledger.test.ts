import assert from 'node:assert/strict';
import { fedOnce, type Story, settle } from './ledger.ts';
import type { ChaosWire } from './wires.ts';

describe('chaos: the ledger of a wire', () => {
  const flush: ChaosWire = { name: 'w', level: 'at-least-once', durability: 'flush' };
  const memory: ChaosWire = { ...flush, durability: 'memory' };
  const exact: ChaosWire = { ...flush, level: 'effectively-once' };

  function settled(wire: ChaosWire, story: Partial<Story>) {
    const whole = { rows: 5, arrivals: [], refused: new Set<number>(), kills: [], mayRepeat: 3, ...story };
    const { wire: _, ...report } = settle(wire, whole);
    return report;
  }
  const fine = { lost: 0, reordered: 0, repeated: 0, repeatedAllowed: 3, declared: 0 };

  it('finds what was lost, repeated and reordered', () => {
    assert.deepEqual(settled(flush, { arrivals: [1, 2, 3, 4, 5] }), fine);
    assert.deepEqual(settled(flush, { arrivals: [1, 2, 2, 5, 4] }), {
      ...{ ...fine, lost: 1, reordered: 1, repeated: 1 },
    });
  });

  it('takes a refusal as declared, and what is done again of it as neither repeated nor late', () => {
    const refused = new Set([2, 3]);
    assert.deepEqual(settled(flush, { arrivals: [1, 4, 5, 3], refused }), { ...fine, declared: 1 });
  });

  it('takes as declared what a killed memory may have held, and nothing else', () => {
    const kills = [{ arrived: 1, fed: 3 }];
    assert.deepEqual(settled(memory, { arrivals: [1, 3, 5], kills }), { ...fine, lost: 1, declared: 1 });
    assert.deepEqual(settled(flush, { arrivals: [1, 3, 5], kills }), { ...fine, lost: 2 });
  });

  it('allows no repetition where the effect is to be once', () => {
    assert.equal(settled(exact, {}).repeatedAllowed, 0);
  });

  it('leaves out as many arrivals as a repeated feed explains', () => {
    const attempts = new Map([[2, 3]]);
    assert.deepEqual(fedOnce([1, 2, 2, 2, 2, 1], attempts), [1, 2, 2, 1]);
  });
});
