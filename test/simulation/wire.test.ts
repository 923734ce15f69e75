import assert from 'node:assert/strict';
import { type Mutation, runWire } from './wireWorld.ts';

/** `ECHO_SIM_SEEDS` seeds from `ECHO_SIM_FIRST` on; a seed that failed once is added to `remembered`. */
const seeds = Number(process.env.ECHO_SIM_SEEDS ?? 400);
const first = Number(process.env.ECHO_SIM_FIRST ?? 1);
const remembered: readonly number[] = [10, 92, 1692, 2888, 6103];

describe('a wire under random faults', function () {
  this.timeout(120_000 + seeds * 50);

  it(`completes every message in order and drains, whatever fails (${seeds} seeds)`, () => {
    for (const seed of [...remembered, ...Array.from({ length: seeds }, (_, i) => first + i)]) {
      const problems = runWire({ seed });
      assert.deepEqual(problems, [], `seed ${seed}`);
    }
  });

  const rules: readonly Mutation[] = [
    'dedupe',
    'sequence',
    'stable only when persisted',
    'ordered boots',
    'disk identity',
    'reserved numbers',
    'birth of a log',
    'probes',
  ];
  for (const without of rules) {
    it(`notices when the rule "${without}" is missing`, () => {
      let seed = 1;
      while (seed <= 400 && runWire({ seed, without }).length === 0) seed++;
      assert.ok(seed <= 400, 'no seed of 400 shows the difference');
    });
  }
});
