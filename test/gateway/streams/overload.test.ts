import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { folderName } from '../../../nodes/gateway/src/files.ts';
import { GroupSync } from '../../../nodes/gateway/src/streams/GroupSync.ts';
import { Intake, type LogPolicy } from '../../../nodes/gateway/src/streams/Intake.ts';
import { keepsOneIn } from '../../../nodes/gateway/src/streams/overload.ts';
import { SendQueue } from '../../../nodes/gateway/src/streams/SendQueue.ts';
import { StreamLog } from '../../../nodes/gateway/src/streams/StreamLog.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { rootLineage } from '../../../src/wire/lineage.ts';
import type { WireChoice } from '../../../src/wire/options.ts';
import { decodeRecord } from '../../../src/wire/records.ts';
import { startAedes, type TestBroker } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { startTcpProxy } from '../../kit/tcp-proxy.ts';
import { waitFor } from '../../kit/wait.ts';
import { Rig, range, STREAM } from './rig.ts';

describe('sampling', () => {
  it('from half of the quota on each sixteenth halves what is kept', () => {
    const parts = [0, 0.49, 0.5, 0.56, 0.57, 0.75, 0.99, 1, 1.2];
    const none = Number.POSITIVE_INFINITY;
    assert.deepEqual(parts.map(keepsOneIn), [1, 1, 2, 2, 4, 32, 256, none, none]);
  });
});

describe('turns on a congested connection', () => {
  it('go by priority, then in turn; of one sender the last word counts', () => {
    let congested = false;
    const queue = new SendQueue(() => congested);
    const sent: string[] = [];
    const send = (name: string, priority: number) => queue.send(name, priority, () => sent.push(name));
    send('first', 0);
    congested = true;
    for (const [name, priority] of [
      ['low', -1],
      ['a', 1],
      ['b', 1],
      ['a', 1],
      ['high', 5],
    ] as const)
      send(name, priority);
    assert.deepEqual(sent, ['first']);
    congested = false;
    queue.drain();
    assert.deepEqual(sent, ['first', 'high', 'a', 'b', 'low']);
  });

  it('a drained connection that is congested again keeps the rest waiting; a lost one forgets them', () => {
    let room = 0;
    const queue = new SendQueue(() => room === 0);
    const sent: number[] = [];
    for (const n of [1, 2, 3])
      queue.send(String(n), 0, () => {
        sent.push(n);
        room--;
      });
    room = 2;
    queue.drain();
    assert.deepEqual(sent, [1, 2]);
    queue.clear();
    room = 2;
    queue.drain();
    assert.deepEqual(sent, [1, 2]);
  });
});

describe('group commit', () => {
  it('who asks while a sync runs shares the next one', async () => {
    const ends: (() => void)[] = [];
    const sync = new GroupSync(() => new Promise((resolve) => ends.push(resolve)));
    const done: string[] = [];
    const ask = (name: string) => sync.request().then(() => done.push(name));
    const all = [ask('a'), ask('b'), ask('c')];
    ends[0]!();
    await waitFor(() => ends.length === 2, { what: 'the second sync' });
    assert.deepEqual(done, ['a']);
    ends[1]!();
    await Promise.all(all);
    assert.deepEqual([done, ends.length], [['a', 'b', 'c'], 2]);
  });

  it('a sync that fails fails for those it was for, and for nobody else', async () => {
    const outcomes = [Promise.reject(new Error('EIO')), Promise.resolve()];
    const sync = new GroupSync(() => outcomes.shift()!);
    const first = sync.request();
    const second = sync.request();
    await assert.rejects(first, /EIO/);
    await second;
  });
});

describe('intake of a log', () => {
  const kit = disposables();

  class Log extends StreamLog {
    syncs: { resolve: () => void; reject: (error: Error) => void }[] = [];
    override sync(): Promise<void> {
      return new Promise((resolve, reject) => this.syncs.push({ resolve, reject }));
    }
  }

  function intakeOf(policy: Partial<LogPolicy>): { log: Log; intake: Intake; given: number[] } {
    const full: LogPolicy = { durability: 'flush', whenFull: 'block', quotaBytes: 1_000_000, ...policy };
    const given: number[] = [];
    const log = new Log({
      ...{ folder: kit.folder(), stream: 's', epoch: 1, host: 'h', durability: full.durability },
      ...{ segmentBytes: 200, cacheBytes: () => 1_000, now: () => 1, onReserved: () => intake.settle() },
    });
    const giveUp = (upTo: number): void => {
      given.push(upTo);
      log.trim(upTo);
    };
    const onWritten = () => intake.settle();
    const intake: Intake = new Intake({
      ...{ stream: 's', log, policy: full, onWritten, giveUp, onLevel: () => {} },
    });
    return { log, intake, given };
  }

  it('with fsync a message is written and may be sent at once, and is done when it is synced', async () => {
    const { log, intake } = intakeOf({ durability: 'fsync' });
    let done = false;
    const append = intake.append({ n: 1 }, undefined).then(() => {
      done = true;
    });
    await waitFor(() => log.sendable === 1 && log.syncs.length === 1, { what: 'the written record' });
    assert.equal(done, false);
    log.syncs[0]!.resolve();
    await append;
  });

  it('a sync that fails is a catchable error', async () => {
    const { log, intake } = intakeOf({ durability: 'fsync' });
    const append = intake.append({ n: 1 }, undefined);
    await waitFor(() => log.syncs.length === 1, { what: 'the sync' });
    log.syncs[0]!.reject(new Error('EIO'));
    await assert.rejects(append, (e) => isEchoError(e, 'ECHO_LOG_WRITE_FAILED'));
  });

  it('messages turned away before a write that failed are still declared', async () => {
    const { log, intake } = intakeOf({ whenFull: 'drop-newest', quotaBytes: 1 });
    await intake.append({ n: 1 }, undefined);
    await intake.append({ n: 2 }, undefined);
    intake.policy = { durability: 'flush', whenFull: 'drop-newest', quotaBytes: 1_000_000 };
    const disk = failingDisk(log, 1);
    await intake.append({ n: 3 }, undefined);
    assert.equal(disk.failed, 1);
    await intake.append({ n: 4 }, undefined);
    assert.equal(intake.lost, 2);
    assert.deepEqual([log.head, log.read(2, 9, 999)[0]?.to], [4, 3]);
  });

  it('on a full disk the oldest make room where they are to', async () => {
    const { log, intake, given } = intakeOf({ whenFull: 'drop-oldest' });
    for (let n = 1; n <= 20; n++) await intake.append({ n }, undefined);
    const disk = failingDisk(log, 2);
    await intake.append({ n: 21 }, undefined);
    assert.equal(disk.failed, 2);
    assert.equal(given.length, 2);
    assert.deepEqual([log.head, log.base, intake.lost], [21, given[1]! + 1, 0]);
  });

  it('on a full disk a message from nowhere is a catchable error, and the loss is declared before the next', async () => {
    const { log, intake } = intakeOf({ whenFull: 'block' });
    await intake.append({ n: 1 }, undefined);
    failingDisk(log, 1);
    await assert.rejects(intake.append({ n: 2 }, undefined), { code: 'ECHO_LOG_WRITE_FAILED' });
    assert.deepEqual([intake.nearlyFull, intake.lost], [true, 1]);
    await intake.append({ n: 3 }, undefined);
    const [, gap, last] = log.read(1, 9, 999);
    assert.equal(decodeRecord(gap!.payload)?.kind, 'gap');
    assert.deepEqual([gap!.seq, gap!.to, last!.seq], [2, 2, 3]);
  });

  it('on a full disk what comes from streams waits for room, in order; nothing else is let in before it', async () => {
    const { log, intake } = intakeOf({ whenFull: 'block' });
    const cause = rootLineage('r', 1, { pe: 1, born: 1 }, 1);
    const disk = failingDisk(log, 3);
    const waiting = [intake.append({ n: 1 }, cause)];
    await waitFor(() => disk.failed === 1, { what: 'the first attempt' });
    waiting.push(intake.append({ n: 2 }, cause));
    await assert.rejects(intake.append({ n: 3 }, undefined), { code: 'ECHO_LOG_WRITE_FAILED' });
    waiting.push(intake.append({ n: 4 }, cause));
    assert.deepEqual([intake.nearlyFull, intake.full, log.sendable], [true, true, 0]);
    await Promise.all(waiting);
    assert.equal(disk.failed, 3);
    const kinds = log.read(1, 9, 9_999).map(({ payload }) => decodeRecord(payload)?.kind);
    assert.deepEqual(kinds, ['message', 'message', 'gap', 'message']);
    assert.deepEqual([intake.appended, intake.lost], [3, 1]);
    await intake.append({ n: 5 }, undefined);
  });

  it('what still finds no room at the end is never done, so that it comes again', async () => {
    const { log, intake } = intakeOf({ whenFull: 'block' });
    const disk = failingDisk(log, Number.POSITIVE_INFINITY);
    let done = false;
    const finish = () => {
      done = true;
    };
    const cause = rootLineage('r', 1, { pe: 1, born: 1 }, 1);
    intake.append({ n: 1 }, cause).then(finish, finish);
    await waitFor(() => disk.failed === 1, { what: 'the first attempt' });
    intake.end();
    intake.closed();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([done, log.head, disk.failed], [false, 0, 2]);
  });

  /** The next `times` writes find no room. */
  function failingDisk(log: StreamLog, times: number): { failed: number } {
    const disk = { failed: 0 };
    const commit = log.commit.bind(log);
    log.commit = () => {
      if (disk.failed === times) {
        commit();
        return;
      }
      disk.failed++;
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    return disk;
  }
});

describe('wires with options', function () {
  this.timeout(30_000);
  const kit = disposables();
  let broker: TestBroker;
  before(async () => {
    broker = await startAedes(kit);
  });
  let last = 0;
  const unique = (name: string) => `${name}-${++last}`;
  const limits = { quotaBytes: 100_000, segmentBytes: 20_000 };
  const pad = 'x'.repeat(1_000);
  const drained = (a: Rig) => waitFor(() => a.streams.state(STREAM).waiting === 0, { what: 'the empty log' });

  /** The consumer is not there yet. */
  function lonely(choice: WireChoice): [Rig, Rig] {
    const a = new Rig(kit, unique('a'), broker.url, limits);
    const b = new Rig(kit, unique('b'), broker.url);
    a.choice = choice;
    b.choice = choice;
    a.openOut([b.gateway]);
    return [a, b];
  }

  it('drop-newest: what does not fit is dropped without an error, counted at both ends', async () => {
    const [a, b] = lonely({ whenFull: 'drop-newest' });
    await a.append(0, 300, pad);
    const kept = a.out().appended;
    assert.ok(kept < 100 && a.out().lost === 300 - kept);
    b.openIn(a.gateway);
    await drained(a);
    await a.append(300, 310);
    await drained(a);
    assert.deepEqual(b.numbers, [...range(0, kept), ...range(300, 310)]);
    assert.equal(b.in().lost, a.out().lost);
  });

  it('drop-oldest: the newest stay, what each consumer loses is counted at both ends', async () => {
    const [a, b] = lonely({ whenFull: 'drop-oldest' });
    b.openIn(a.gateway);
    await a.append(0, 10);
    await drained(a);
    await b.streams.close();
    await a.append(10, 5_000);
    assert.ok(a.out().bytes < 1.2 * limits.quotaBytes);
    await b.restart();
    b.openIn(a.gateway);
    await drained(a);
    const first = b.numbers[10]!;
    assert.ok(first > 3_000 && first < 4_500, `went on at ${first}`);
    assert.deepEqual(b.numbers, [...range(0, 10), ...range(first, 5_000)]);
    assert.equal(a.out().lost, first - 10);
    assert.equal(a.out().consumers[b.gateway]?.lost, first - 10);
    assert.equal(b.in().lost, first - 10);
  });

  it('drop-oldest: one consumer loses what another has had', async () => {
    const a = new Rig(kit, unique('a'), broker.url, limits);
    const [b, c] = [new Rig(kit, unique('b'), broker.url), new Rig(kit, unique('c'), broker.url)];
    a.choice = { whenFull: 'drop-oldest' };
    a.openOut([b.gateway, c.gateway]);
    b.openIn(a.gateway);
    for (let n = 0; n < 300; n += 20) {
      await a.append(n, n + 20, pad);
      await waitFor(() => b.numbers.length === n + 20, { what: 'what b is owed' });
      await waitFor(() => a.out().consumers[b.gateway]?.stable === a.out().head, { what: 'its cursor' });
    }
    c.openIn(a.gateway);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 300));
    assert.equal(b.in().lost, 0);
    assert.ok(c.numbers.length > 0);
    assert.deepEqual(c.numbers, range(300 - c.numbers.length, 300));
    const { [b.gateway]: atB, [c.gateway]: atC } = a.out().consumers;
    assert.deepEqual([atB?.lost, atC?.lost], [undefined, 300 - c.numbers.length]);
  });

  it('sample: what is kept covers the whole time, the fuller the log the sparser', async () => {
    const [a, b] = lonely({ whenFull: 'sample' });
    await a.append(0, 500, pad);
    const kept = a.out().appended;
    assert.equal(kept + a.out().lost, 500);
    b.openIn(a.gateway);
    await drained(a);
    const inHundred = range(0, 5).map((i) => b.numbers.filter((n) => Math.floor(n / 100) === i).length);
    assert.ok(
      inHundred.every((count, i) => count > 0 && (i === 0 || count <= inHundred[i - 1]!)),
      `${inHundred}`,
    );
    await a.append(500, 501);
    await drained(a);
    assert.equal(b.in().lost, a.out().lost);
  });

  it('what was turned away last is declared when the gateway ends', async () => {
    const [a, b] = lonely({ whenFull: 'drop-newest' });
    await a.append(0, 200, pad);
    const { lost } = a.out();
    await a.restart();
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    await drained(a);
    assert.equal(b.in().lost, lost);
  });

  for (const [whenFull, refused] of [
    ['block', true],
    ['drop-newest', false],
  ] as const) {
    it(`on a full disk ${whenFull} ${refused ? 'refuses with the reason' : 'drops and counts'}`, async function () {
      if (process.platform !== 'linux') this.skip();
      const a = new Rig(kit, unique('a'), broker.url);
      const folder = join(a.folder, 'streams', folderName(STREAM), '1');
      mkdirSync(folder, { recursive: true });
      symlinkSync('/dev/full', join(folder, '000000000000001.log'));
      a.choice = { whenFull };
      a.openOut(['nobody']);
      const append = a.append(0, 1);
      if (refused)
        await assert.rejects(
          append,
          (e) => isEchoError(e, 'ECHO_LOG_WRITE_FAILED') && /ENOSPC/.test(e.message),
        );
      else await append;
      assert.equal(a.out().lost, 1);
      assert.equal(a.streams.state(STREAM).full, true);
    });
  }

  it('pull: one message at a time, the next when the tasks have finished', async () => {
    const [a, b] = lonely({ credit: 'pull' });
    b.slow = true;
    b.openIn(a.gateway);
    await a.append(0, 5);
    for (const n of range(0, 5)) {
      await waitFor(() => b.arrivals.length === n + 1, { what: `message ${n}` });
      assert.equal(a.out().sent, n + 1);
      b.arrivals[n]!.settle();
    }
    await drained(a);
    assert.equal(a.out().retransmitted, 0);
  });

  it('a window is what the consumer takes in advance', async () => {
    const [a, b] = lonely({ window: 7 });
    b.slow = true;
    b.openIn(a.gateway);
    await a.append(0, 50);
    await waitFor(() => b.arrivals.length === 7, { what: 'one window' });
    for (let n = 0; n < 50; n++) {
      await waitFor(() => b.arrivals.length > n, { what: `message ${n}` });
      b.arrivals[n]!.settle();
    }
    await drained(a);
  });

  it('the windows of all streams into one gateway stay within what a broker queues', async () => {
    const b = new Rig(kit, unique('b'), broker.url);
    const a = new Rig(kit, unique('a'), broker.url);
    const names = range(0, 20).map((n) => `app/many-${n}:0`);
    for (const stream of names) {
      a.streams.openOut({
        ...{ stream, epoch: 1, level: 'at-least-once' },
        consumers: [b.gateway],
        tab: 't',
      });
      b.openIn(a.gateway, 'at-least-once', stream);
    }
    const credits = () =>
      a.streams.status().flatMap((s) => (s.role === 'out' ? [s.consumers[b.gateway]?.credit ?? 0] : []));
    await waitFor(() => credits().every((credit) => credit > 0), { what: 'credit for each' });
    const sum = credits().reduce((total, credit) => total + credit, 0);
    assert.ok(sum <= 768, `${sum} records`);
  });

  it('memory: nothing is lost by a broker that restarts nor by a planned end of either gateway', async () => {
    const [a, b] = lonely({ durability: 'memory' });
    b.openIn(a.gateway);
    await a.append(0, 50);
    await broker.restart();
    await a.append(50, 80);
    await drained(a);
    await b.streams.close();
    await a.append(80, 140);
    await a.restart();
    a.openOut([b.gateway]);
    await b.restart();
    b.openIn(a.gateway);
    await a.append(140, 150);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 150));
    assert.deepEqual([b.in().lost, b.in().repeated], [0, 0]);
  });

  it('fsync: everything arrives, once and in order', async () => {
    const [a, b] = lonely({ durability: 'fsync' });
    b.openIn(a.gateway);
    await a.append(0, 500);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 500));
  });

  it('options change with a redeploy, and what is in the log stays', async () => {
    const [a, b] = lonely({});
    const choices: WireChoice[] = [{ durability: 'memory' }, { durability: 'fsync', quotaMB: 1 }, {}];
    for (const [i, choice] of choices.entries()) {
      await a.append(i * 20, i * 20 + 20);
      a.choice = choice;
      a.openOut([b.gateway]);
    }
    await a.append(60, 80);
    b.openIn(a.gateway);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 80));
  });

  it('on a slow connection the stream with the higher priority goes first', async () => {
    const proxy = await startTcpProxy(kit, broker);
    const a = new Rig(kit, unique('a'), `mqtt://127.0.0.1:${proxy.port}`);
    const b = new Rig(kit, unique('b'), broker.url);
    const open = (stream: string, priority: number): void => {
      a.streams.openOut({
        ...{
          stream,
          epoch: 1,
          level: 'at-least-once',
          consumers: [b.gateway],
          tab: 't',
          choice: { priority },
        },
      });
      b.openIn(a.gateway, 'at-least-once', stream);
    };
    const bulk = range(0, 12).map((n) => `app/bulk-${n}:0`);
    for (const stream of bulk) open(stream, 0);
    open('app/alarm:0', 5);
    await waitFor(() => a.streams.connected('shared') && b.streams.connected('shared'), {
      what: 'connections',
    });
    for (const stream of [...bulk, 'app/alarm:0']) await a.streams.append(stream, { n: -1 }, undefined);
    await waitFor(() => b.arrivals.length === 13, { what: 'credit for all' });
    proxy.setRate(4_000_000);
    const block = 'x'.repeat(40_000);
    for (let n = 0; n < 20; n++)
      for (const stream of bulk) void a.streams.append(stream, { n: 0, block }, undefined);
    await waitFor(() => b.arrivals.length > 20, { what: 'the bulk on its way' });
    await a.streams.append('app/alarm:0', { n: 1 }, undefined);
    await waitFor(() => b.numbers.includes(1), { what: 'the alarm' });
    assert.ok(b.arrivals.length < 13 + 200, `the alarm came after ${b.arrivals.length} others`);
    await waitFor(() => b.arrivals.length === 13 + 241, { what: 'the rest', timeout: 20_000 });
  });
});
