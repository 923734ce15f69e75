import assert from 'node:assert/strict';
import {
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { StreamLog } from '../../../nodes/gateway/src/streams/StreamLog.ts';
import type { Durability } from '../../../src/wire/options.ts';
import { decodeRecord, encodeRecord } from '../../../src/wire/records.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';

const record = (n: number, size = 20): Buffer =>
  encodeRecord({ kind: 'message', ts: n, codec: 0, body: Buffer.alloc(size, n) });

describe('stream log', () => {
  const kit = disposables();
  const open = (
    folder: string,
    host = 'h1',
    cacheBytes = 1_000,
    segmentBytes = 500,
    durability: Durability = 'flush',
  ): StreamLog =>
    new StreamLog({
      folder,
      stream: 's',
      epoch: 3,
      host,
      durability,
      segmentBytes,
      cacheBytes: () => cacheBytes,
      now: () => 1_000,
      onReserved: () => {},
    });

  function fill(log: StreamLog, from: number, to: number): void {
    for (let n = from; n <= to; n++) {
      assert.equal(log.append(record(n)), n);
      if (n % 3 === 0) log.commit();
    }
    log.commit();
  }
  const stamps = (log: StreamLog, from: number, to: number): number[] =>
    log.read(from, to, Number.POSITIVE_INFINITY).map((e) => {
      const r = decodeRecord(e.payload);
      return r?.kind === 'message' ? r.ts : -1;
    });
  const numbers = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const segments = (folder: string): string[] =>
    readdirSync(folder)
      .filter((f) => f.endsWith('.log'))
      .sort();
  const crashed = (log: StreamLog): Promise<unknown> =>
    waitFor(() => log.sendable === log.head, { what: 'the reserved block' });

  it('reads back what was appended, from memory and from disk', () => {
    const log = open(kit.folder());
    fill(log, 1, 200);
    assert.deepEqual(stamps(log, 1, 200), numbers(1, 200));
    assert.deepEqual(stamps(log, 57, 60), numbers(57, 60));
    assert.deepEqual(stamps(log, 30, 33), numbers(30, 33));
    assert.deepEqual(stamps(log, 199, 300), [199, 200]);
    assert.equal(log.read(1, 200, 1).length, 1);
  });

  it('readers at different places of a backlog each go on from their own', async () => {
    const log = open(kit.folder(), 'h1', 1_000, 100_000_000);
    for (let n = 1; n <= 60_000; n++) log.append(record(n, 100));
    log.commit();
    await crashed(log);
    log.read(59_000, 59_000, 1);
    const { user } = process.cpuUsage();
    for (let step = 0; step < 200; step++) {
      assert.equal(log.read(1 + step, 60_000, 1)[0]?.seq, 1 + step);
      assert.equal(log.read(50_000 + step, 60_000, 1)[0]?.seq, 50_000 + step);
      assert.ok(log.sendable === log.head);
    }
    const usedMs = (process.cpuUsage().user - user) / 1000;
    assert.ok(usedMs < 1_000, `a read looks through little of the log, used ${usedMs} ms`);
  });

  it('is found again after a clean end, with nothing declared lost', async () => {
    const folder = kit.folder();
    const log = open(folder);
    fill(log, 1, 50);
    await log.close();
    const again = open(folder, 'another host boot');
    assert.equal(again.head, 50);
    fill(again, 51, 60);
    assert.deepEqual(stamps(again, 1, 60), numbers(1, 60));
    assert.deepEqual(again.incarnation, log.incarnation);
  });

  it('a killed process loses nothing it had committed, and no GAP is made', async () => {
    const folder = kit.folder();
    const log = open(folder);
    fill(log, 1, 50);
    await crashed(log);
    const again = open(folder);
    assert.equal(again.head, 50);
    assert.deepEqual(stamps(again, 45, 60), numbers(45, 50));
  });

  it('after a restart of the machine the numbers that may have been sent are not used again', async () => {
    const folder = kit.folder();
    const log = open(folder);
    fill(log, 1, 50);
    await crashed(log);
    const { reserved } = JSON.parse(readFileSync(join(folder, 'log.json'), 'utf8'));
    const again = open(folder, 'h2');
    assert.ok(reserved >= 50);
    assert.equal(again.head, reserved);
    const gap = again.read(51, 51, 1_000)[0]!;
    assert.deepEqual(decodeRecord(gap.payload), {
      kind: 'gap',
      ts: 1_000,
      to: reserved,
      reason: 'lost-tail',
    });
    assert.equal(again.append(record(1)), reserved + 1);
  });

  it('a number is not sent before it is reserved durably', async () => {
    const log = open(kit.folder());
    log.append(record(1));
    log.commit();
    assert.equal(log.sendable, 0);
    await crashed(log);
    assert.equal(log.sendable, 1);
  });

  it('a GAP is not sent before all its numbers are reserved', async () => {
    const folder = kit.folder();
    const log = open(folder);
    fill(log, 1, 5);
    await crashed(log);
    const { reserved } = JSON.parse(readFileSync(join(folder, 'log.json'), 'utf8'));
    log.appendGap(reserved);
    log.append(record(1));
    log.commit();
    assert.equal(log.sendable, 5);
    await crashed(log);
    assert.equal(log.sendable, reserved + 6);
  });

  it('a process that starts again sends nothing that was not reserved before', async () => {
    const folder = kit.folder();
    const log = open(folder);
    fill(log, 1, 5);
    await crashed(log);
    const file = join(folder, 'log.json');
    const state = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...state, reserved: 2 }));
    const again = open(folder);
    assert.deepEqual([again.head, again.sendable], [5, 2]);
    await crashed(again);
  });

  it('a torn tail is cut off and its numbers are burnt', async () => {
    const folder = kit.folder();
    const log = open(folder, 'h1', 1_000, 1_000_000);
    fill(log, 1, 10);
    await crashed(log);
    const file = join(folder, segments(folder)[0]!);
    truncateSync(file, statSync(file).size - 5);
    const again = open(folder, 'h1', 1_000, 1_000_000);
    assert.deepEqual(stamps(again, 1, 9), numbers(1, 9));
    const burnt = decodeRecord(again.read(10, 10, 100)[0]!.payload);
    assert.ok(burnt?.kind === 'gap' && burnt.reason === 'lost-tail', 'written in the place of what was torn');
    assert.ok(again.head > 10);
  });

  it('an unreadable stretch in the middle is a GAP, what follows is read', async () => {
    const folder = kit.folder();
    const log = open(folder);
    fill(log, 1, 100);
    await log.close();
    const names = segments(folder);
    const damaged = openSync(join(folder, names[1]!), 'r+');
    writeSync(damaged, Buffer.alloc(10, 0xff), 0, 10, 100);
    const again = open(folder);
    const entries = again.read(1, 100, Number.POSITIVE_INFINITY);
    const gaps = entries.filter((e) => decodeRecord(e.payload)?.kind === 'gap');
    assert.equal(gaps.length, 1);
    assert.equal(gaps[0]!.to + 1, Number(names[2]!.slice(0, 15)));
    assert.equal(entries.at(-1)?.to, 100);
    let expected = 1;
    for (const entry of entries) {
      assert.equal(entry.seq, expected);
      expected = entry.to + 1;
    }
  });

  it('whole segments leave the disk when they are trimmed', () => {
    const folder = kit.folder();
    const log = open(folder);
    fill(log, 1, 200);
    const before = log.bytes;
    log.trim(150);
    assert.ok(log.bytes < before / 2);
    assert.equal(log.base, 151);
    assert.deepEqual(stamps(log, 151, 200), numbers(151, 200));
    log.trim(200);
    assert.equal(segments(folder).length, 1);
    const onDisk = segments(folder).reduce((sum, f) => sum + statSync(join(folder, f)).size, 0);
    assert.equal(log.bytes, onDisk);
  });

  it('a GAP for refused records takes their numbers', () => {
    const log = open(kit.folder());
    fill(log, 1, 3);
    log.appendGap(4);
    assert.equal(log.append(record(8)), 8);
    log.commit();
    const [gap, next] = log.read(4, 8, 1_000);
    assert.deepEqual([gap?.seq, gap?.to, next?.seq], [4, 7, 8]);
  });

  it('a write that fails takes nothing in and gives the number to the next', () => {
    const folder = kit.folder();
    const log = open(folder, 'h1', 1_000, 10);
    fill(log, 1, 3);
    const next = join(folder, '000000000000004.log');
    mkdirSync(next);
    log.append(record(4));
    assert.throws(() => log.commit());
    log.discard();
    assert.equal(log.head, 3);
    rmdirSync(next);
    fill(log, 4, 6);
    assert.deepEqual(stamps(log, 1, 6), numbers(1, 6));
  });

  it('in memory no record is written, and a clean end writes what is left', async () => {
    const folder = kit.folder();
    const log = open(folder, 'h1', 100, 500, 'memory');
    fill(log, 1, 50);
    assert.deepEqual(segments(folder), []);
    assert.deepEqual(stamps(log, 1, 50), numbers(1, 50));
    log.trim(30);
    await log.close();
    const again = open(folder, 'h1', 100, 500, 'memory');
    assert.deepEqual(stamps(again, 31, 50), numbers(31, 50));
    fill(again, 51, 55);
    assert.deepEqual(stamps(again, 31, 55), numbers(31, 55));
  });

  for (const [before, after] of [
    ['flush', 'memory'],
    ['memory', 'flush'],
  ] as const) {
    it(`what a crash takes of a log that went from ${before} to ${after} is a GAP, and no number is used again`, async () => {
      const folder = kit.folder();
      const log = open(folder, 'h1', 1_000, 500, before);
      fill(log, 1, 20);
      await crashed(log);
      log.configure({ durability: after, segmentBytes: 500 });
      fill(log, 21, 40);
      await crashed(log);
      const again = open(folder, 'h1', 1_000, 500, after);
      assert.ok(again.head >= 40);
      const entries = again.read(again.base, again.head, Number.POSITIVE_INFINITY);
      const kept = stamps(again, again.base, again.head).filter((n) => n > 0);
      assert.deepEqual(kept, before === 'flush' ? numbers(1, 20) : numbers(21, 40));
      assert.equal(entries.at(-1)?.to, again.head);
      await crashed(again);
    });
  }

  it('a state that is being written is not put over a later one', async () => {
    const folder = kit.folder();
    const log = open(folder);
    log.configure({ durability: 'memory', segmentBytes: 500 });
    fill(log, 1, 3);
    await crashed(log);
    assert.equal(JSON.parse(readFileSync(join(folder, 'log.json'), 'utf8')).memory, true);
  });

  it('a later birth is remembered', async () => {
    const folder = kit.folder();
    const log = open(folder);
    const reborn = log.rebirth({ pe: 3, born: 5_000 });
    assert.ok(reborn.pe === 3 && reborn.born > 5_000);
    await log.close();
    assert.deepEqual(open(folder).incarnation, reborn);
  });
});
