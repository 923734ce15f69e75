import assert from 'node:assert/strict';
import { drainBacklog } from '../bench/backlogDrain.ts';
import { disposables } from '../kit/cleanup.ts';

/** The whole of it: `npm run -s bench -- backlog`. */
describe('a backlog after an outage of the broker', function () {
  this.timeout(60_000);
  const kit = disposables();

  it('drains in order and without loss or repetition, while new messages arrive', async () => {
    const drained = await drainBacklog(kit, {
      ...{ records: 20_000, fresh: 2_000, freshRate: 2_000, bytes: 200, quotaMB: 64 },
    });
    const { lost, repeated, reordered } = drained;
    assert.deepEqual({ lost, repeated, reordered }, { lost: 0, repeated: 0, reordered: 0 });
    assert.ok(drained.drainSeconds > 0, 'it was drained');
  });
});
