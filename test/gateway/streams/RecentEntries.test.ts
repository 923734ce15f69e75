import assert from 'node:assert/strict';
import { RecentEntries } from '../../../nodes/gateway/src/streams/RecentEntries.ts';
import { entryBytes } from '../../../nodes/gateway/src/streams/Segment.ts';

describe('recent entries of a log', () => {
  const payload = Buffer.alloc(92);
  const most = 10 * entryBytes(payload);

  it('are the latest without a hole, within the bytes there are at the time', () => {
    let share = most;
    const recent = new RecentEntries(() => share);
    const kept = (upTo: number): number[] =>
      Array.from({ length: upTo }, (_, i) => i + 1).filter((seq) => recent.at(seq) !== undefined);
    for (let seq = 1; seq <= 10; seq++) recent.add({ seq, to: seq, payload });
    assert.equal(kept(10).length, 10);
    share = most / 2;
    recent.add({ seq: 11, to: 11, payload });
    assert.deepEqual(kept(11), [7, 8, 9, 10, 11]);
  });
});
