import assert from 'node:assert/strict';
import fc from 'fast-check';
import { childLineage, hashText, RepeatDetector, rootLineage } from '../../src/wire/lineage.ts';

describe('lineage', () => {
  const s = hashText('app/a:0');
  const t = hashText('app/b:0');

  it('the same path gives the same id, a safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(100), (seq, ordinal) => {
        const path = () => childLineage(rootLineage('app/a:0', s, { pe: 1, born: 1 }, seq), t, ordinal);
        assert.deepEqual(path(), path());
        assert.ok(Number.isSafeInteger(path().id) && path().id >= 0);
        assert.deepEqual(path().origin, { stream: 'app/a:0', seq });
      }),
    );
  });

  it('another sequence, log, stream or ordinal gives another id', () => {
    const ids = new Set<number>();
    for (let seq = 1; seq <= 20_000; seq++) {
      const root = rootLineage('app/a:0', s, { pe: 1, born: 1 }, seq);
      for (const l of [
        root,
        rootLineage('app/a:0', s, { pe: 1, born: 2 }, seq),
        rootLineage('app/a:0', s, { pe: 2, born: 1 }, seq),
        childLineage(root, s, 0),
        childLineage(root, t, 0),
        childLineage(root, t, 1),
      ])
        ids.add(l.id);
    }
    assert.equal(ids.size, 120_000);
  });

  it('a repeated id is recognised while it is remembered, and memory is bounded', () => {
    const detector = new RepeatDetector(100);
    assert.equal(detector.seen(1), false);
    assert.equal(detector.seen(1), true);
    for (let id = 2; id < 100; id++) detector.seen(id);
    assert.equal(detector.seen(1), true, 'among the last hundred');
    for (let id = 100; id < 400; id++) detector.seen(id);
    assert.equal(detector.seen(1), false, 'forgotten after two hundred others');
  });
});
