import assert from 'node:assert/strict';
import { StreamLog } from '../../../nodes/gateway/src/streams/StreamLog.ts';
import type { Durability } from '../../../src/wire/options.ts';
import { decodeRecord, encodeRecord } from '../../../src/wire/records.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';

const lineage = { origin: { stream: 'up', seq: 1 }, id: 7 };
const record = (n: number, caused: boolean): Buffer =>
  encodeRecord({ kind: 'message', ts: n, codec: 0, body: Buffer.alloc(20), ...(caused && { lineage }) });

describe('a log that is released', () => {
  const kit = disposables();
  interface Start {
    readonly released?: number;
    readonly host?: string;
    readonly durability?: Durability;
  }
  const open = (folder: string, { released, host = 'h1', durability = 'flush' }: Start = {}): StreamLog =>
    new StreamLog({
      ...{ folder, stream: 's', epoch: 1, host, durability, released },
      ...{ segmentBytes: 500, cacheBytes: () => 1_000, now: () => 1_000, onReserved: () => {} },
    });
  /** What the records are: m(essage), v(oid) or g(ap). */
  const kinds = (log: StreamLog, to = log.head): string =>
    log
      .read(1, to, Number.POSITIVE_INFINITY)
      .map(({ payload }) => ({ message: 'm', marker: 'v', gap: 'g' })[decodeRecord(payload)!.kind])
      .join('');
  const reserved = (log: StreamLog) =>
    waitFor(() => log.accepted === log.head, { what: 'the reserved block' });

  /** Two sent as in any log, two released, then one without and two with a cause; the process dies. */
  async function killed(durability: Durability = 'flush'): Promise<string> {
    const folder = kit.folder();
    const log = open(folder, { durability });
    const add = (n: number, caused: boolean) => {
      log.append(record(n, caused));
      log.commit();
    };
    add(1, true);
    add(2, true);
    log.hold();
    add(3, true);
    add(4, true);
    log.release(4);
    add(5, true);
    add(6, false);
    add(7, true);
    await reserved(log);
    assert.equal(log.sendable, 4);
    return folder;
  }

  it('sends nothing above what is released, and accepts it all the same', async () => {
    const log = open(await killed(), { released: 4 });
    log.hold();
    log.append(record(8, true));
    log.commit();
    await reserved(log);
    assert.equal(log.sendable, 7);
    log.release(8);
    assert.equal(log.sendable, 8);
    log.append(record(9, true));
    log.commit();
    assert.equal(log.sendable, 8);
    log.free();
    assert.equal(log.sendable, 9);
  });

  it('after a crash what has a cause and was not released is void, for ever; no number is used again', async () => {
    const folder = await killed();
    const log = open(folder, { released: 4 });
    assert.equal(kinds(log), 'mmmmvmv');
    assert.equal(log.append(record(8, true)), 8);
    log.commit();
    assert.equal(kinds(log), 'mmmmvmvm');
    await reserved(log);
    assert.equal(kinds(open(folder, { released: 8 })), 'mmmmvmvm');
  });

  it('what was sent before it was one that is released stays, whatever a checkpoint says', async () => {
    assert.equal(kinds(open(await killed(), { released: 0 })), 'mmvvvmv');
    assert.equal(kinds(open(await killed())), 'mmvvvmv');
  });

  it('a log that is none any more loses nothing to an old checkpoint', async () => {
    const folder = await killed();
    const log = open(folder, { released: 4 });
    log.free();
    log.append(record(8, true));
    log.commit();
    await reserved(log);
    assert.equal(kinds(open(folder, { released: 4 })), 'mmmmvmvm');
  });

  it('after a power cut that may have taken the last checkpoint nothing is void, also not after the next crash', async () => {
    const folder = await killed();
    const log = open(folder, { released: 4, host: 'h2' });
    assert.equal(kinds(log, 7), 'mmmmmmm');
    await reserved(log);
    assert.equal(kinds(open(folder, { released: 4, host: 'h2' }), 7), 'mmmmmmm');
  });

  it('after a power cut all is known where it was synced', async () => {
    assert.equal(
      kinds(open(await killed('fsync'), { released: 4, host: 'h2', durability: 'fsync' }), 7),
      'mmmmvmv',
    );
  });

  it('gives up no more than it has released', async () => {
    const log = open(await killed(), { released: 4 });
    log.hold();
    for (let n = 8; n < 60; n++) log.append(record(n, true));
    log.commit();
    for (let end = log.endOfOldest(); end !== undefined; end = log.endOfOldest()) log.trim(end);
    assert.ok(log.base <= 8, `gave up to ${log.base}`);
  });
});
