import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shareCredit, windowsWithin } from '../../src/wire/credit.ts';
import { defaultOf, distinct, quotaBytesOf, readOption, windowOf } from '../../src/wire/options.ts';
import { WINDOW_RECORDS } from '../../src/wire/stream.ts';

describe('wire options', () => {
  it('numbers may be text, and must be whole and within bounds', () => {
    assert.deepEqual(
      ['64', 64, ' 7 ', '-1', '0', 0.5, '1e3', '', true, null].map((given) => readOption('window', given)),
      [64, 64, 7, ...Array(7).fill(undefined)],
    );
    assert.equal(readOption('priority', '-3'), -3);
  });
  it('one of a list is itself', () => {
    assert.equal(readOption('whenFull', 'sample'), 'sample');
    assert.equal(readOption('whenFull', 'Sample'), undefined);
  });
  it('a log in memory has a quota of its own', () => {
    assert.equal(defaultOf('quotaMB', { durability: 'memory' }), 16);
    assert.equal(quotaBytesOf({ durability: 'memory' }), 16 * 1024 * 1024);
    assert.equal(quotaBytesOf({ durability: 'memory', quotaMB: 2 }), 2 * 1024 * 1024);
    assert.deepEqual(distinct({ durability: 'memory', quotaMB: 256 }), {
      durability: 'memory',
      quotaMB: 256,
    });
    assert.deepEqual(distinct({ quotaMB: 256, window: WINDOW_RECORDS, priority: 1 }), { priority: 1 });
  });
  it('pull takes one record at a time, whatever the window', () => {
    assert.equal(windowOf({ credit: 'pull', window: 64 }), 1);
    assert.equal(windowOf({ window: 64 }), 64);
    assert.equal(windowOf({}), WINDOW_RECORDS);
  });
});

describe('windows within what a broker queues', () => {
  it('are as large as wanted while there is room for the frames of each stream, then shares', () => {
    const twelve = Array.from({ length: 12 }, () => WINDOW_RECORDS);
    assert.deepEqual(windowsWithin(twelve), twelve);
    assert.deepEqual(windowsWithin([...twelve, 1]), [...twelve.map((_, i) => (i === 0 ? 63 : 64)), 1]);
  });
});

describe('shares of the credit budget', () => {
  it('windows that fit are given whole; else the large ones share what the small leave over', () => {
    assert.deepEqual(shareCredit([256, 1, 500], 768), [256, 1, 500]);
    assert.deepEqual(shareCredit([256, 256, 256, 256], 768), [192, 192, 192, 192]);
    assert.deepEqual(shareCredit([500, 10, 500, 1], 111), [50, 10, 50, 1]);
    assert.deepEqual(shareCredit([], 768), []);
  });
  it('never add up past the budget, unless one each does, and are fair', () => {
    const wanted = fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 50 });
    fc.assert(
      fc.property(wanted, fc.integer({ min: 50, max: 1_000 }), (wants, budget) => {
        const shares = shareCredit(wants, budget);
        assert.ok(shares.reduce((sum, s) => sum + s, 0) <= budget);
        const least = Math.min(...shares.filter((s, i) => s < wants[i]!), Number.POSITIVE_INFINITY);
        for (const [i, share] of shares.entries()) {
          assert.ok(share >= 1 && share <= wants[i]!);
          assert.ok(share <= least + 1, 'whoever gets less than it wants gets as much as any');
        }
      }),
    );
  });
});
