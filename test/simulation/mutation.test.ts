/** A rule whose removal the simulation does not notice is missing a scenario. */
import assert from 'node:assert/strict';
import { loadMutant } from './mutant.ts';
import { mutations } from './mutations.ts';

const MOST_SEEDS = 5_000;

describe('the simulation notices within 5,000 seeds when a rule is missing', function () {
  this.timeout(120_000);

  for (const mutation of mutations) {
    it(mutation.rule, async function () {
      const { simulate } = await loadMutant(mutation);
      let seed = 1;
      while (seed <= MOST_SEEDS && simulate(seed).violations.length === 0) seed++;
      assert.ok(seed <= MOST_SEEDS, 'no seed shows the difference');
      this.test!.title += ` (seed ${seed})`;
    });
  }
});
