import assert from 'node:assert/strict';
import { UnloggedOut } from '../../../nodes/gateway/src/streams/UnloggedOut.ts';
import { decodeData } from '../../../src/wire/frames.ts';
import { rootLineage } from '../../../src/wire/lineage.ts';
import { MAX_RECORD_BYTES } from '../../../src/wire/stream.ts';

describe('the producer of an at-most-once stream', () => {
  const born = 1000;
  const large = { payload: 'x'.repeat(MAX_RECORD_BYTES) };

  function open(connected = true) {
    const frames: Buffer[] = [];
    const out = new UnloggedOut({
      ...{ stream: 's', epoch: 1, born },
      send: (_consumer, frame) => {
        if (connected) frames.push(frame);
        return connected;
      },
    });
    out.setConsumers(['c']);
    const records = () =>
      frames.flatMap((bytes) => {
        const decoded = decodeData(bytes);
        return decoded.ok ? decoded.frame.records : [];
      });
    return { out, records };
  }

  it('refuses a message larger than a wire carries; those around it go, named as if it had not been', async () => {
    const cause = rootLineage('r', 7, { pe: 1, born }, 1);
    const { out, records } = open();
    const small = [out.append({ payload: 1 }, cause), out.append({ payload: 2 }, cause)];
    await assert.rejects(out.append(large, cause), { code: 'ECHO_MESSAGE_TOO_LARGE', where: 's' });
    small.push(out.append({ payload: 3 }, cause));
    await Promise.all(small);
    const { out: other, records: expected } = open();
    await Promise.all([1, 2, 3].map((payload) => other.append({ payload }, cause)));
    const idsOf = (from: ReturnType<typeof records>) =>
      from.map(({ seq, record }) => [seq, record.kind === 'message' && record.lineage?.id]);
    assert.deepEqual(idsOf(records()), idsOf(expected()));
    assert.equal(records().length, 3);
  });

  it('counts what it could not send as lost', async () => {
    const { out } = open(false);
    await out.append({ payload: 1 }, undefined);
    assert.equal(out.status().lost, 1);
  });
});
