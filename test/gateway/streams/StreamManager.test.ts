import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { isEchoError } from '../../../src/wire/errors.ts';
import { WINDOW_RECORDS } from '../../../src/wire/stream.ts';
import { topics } from '../../../src/wire/topics.ts';
import { findMosquitto, startAedes, startMosquitto, type TestBroker } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { startTcpProxy } from '../../kit/tcp-proxy.ts';
import { waitFor } from '../../kit/wait.ts';
import { Rig, range, STREAM } from './rig.ts';

const brokers = [
  { name: 'Aedes', start: startAedes, missing: false },
  { name: 'mosquitto', start: startMosquitto, missing: findMosquitto() === undefined },
];

for (const { name, start, missing } of brokers) {
  describe(`streams over ${name}`, function () {
    if (missing) {
      it('skipped: mosquitto is not installed');
      return;
    }
    this.timeout(30_000);
    const kit = disposables();
    let broker: TestBroker;
    before(async () => {
      broker = await start(kit);
    });

    it('10,000 records arrive, each once and in order', async () => {
      const [a, b] = pair(broker.url);
      await a.append(0, 10_000);
      await drained(a);
      assert.deepEqual(b.numbers, range(0, 10_000));
      assert.equal(b.in().duplicates + b.in().repeated + b.in().lost, 0);
    });

    it('a broker that restarts loses nothing', async () => {
      const [a, b] = pair(broker.url);
      const writing = a.append(0, 3_000);
      await waitFor(() => b.arrivals.length > 100, { what: 'the first arrivals' });
      await broker.restart();
      await writing;
      await a.append(3_000, 4_000);
      await drained(a);
      assert.deepEqual(b.numbers, range(0, 4_000));
    });

    it('a consumer that restarts goes on where it had got', async () => {
      const [a, b] = pair(broker.url);
      await a.append(0, 500);
      await drained(a);
      await b.streams.close();
      await a.append(500, 1_500);
      await b.restart();
      b.openIn(a.gateway);
      await drained(a);
      assert.deepEqual(b.numbers, range(0, 1_500));
      assert.equal(b.in().repeated, 0);
    });

    it('what a restarted consumer had not finished is delivered again and counted', async () => {
      const [a, b] = pair(broker.url);
      await a.append(0, 10);
      await drained(a);
      b.slow = true;
      await a.append(10, 15);
      await waitFor(() => b.arrivals.length === 15, { what: 'five unfinished records' });
      await waitFor(() => a.out().consumers[b.gateway]?.received === 15, { what: 'their acknowledgement' });
      await b.restart();
      b.slow = false;
      b.openIn(a.gateway);
      await drained(a);
      assert.deepEqual(b.numbers, [...range(0, 15), ...range(10, 15)]);
      assert.equal(b.in().repeated, 5);
    });

    it('a consumer that rests before it ends finishes what it has, and nothing is repeated', async () => {
      const [a, b] = pair(broker.url);
      b.slow = true;
      await a.append(0, 5);
      await waitFor(() => b.arrivals.length === 5, { what: 'five unfinished records' });
      const rest = b.streams.rest(60_000);
      await a.append(5, 10);
      for (const arrival of b.arrivals) arrival.settle();
      await rest;
      assert.equal(b.arrivals.length, 5);
      await b.streams.closeIn(STREAM);
      assert.ok(!b.streams.connected('shared'), 'all is on disk when the last node is closed');
      await b.restart();
      b.slow = false;
      b.openIn(a.gateway);
      await drained(a);
      assert.deepEqual(b.numbers, range(0, 10));
      assert.equal(b.in().repeated, 0);
    });

    it('a producer that restarts sends what nobody has had yet', async () => {
      const [a, b] = pair(broker.url);
      await a.append(0, 100);
      await drained(a);
      await b.streams.close();
      await a.append(100, 700);
      await a.restart();
      a.openOut([b.gateway]);
      await a.append(700, 800);
      await b.restart();
      b.openIn(a.gateway);
      await drained(a);
      assert.deepEqual(b.numbers, range(0, 800));
      assert.equal(b.in().lost, 0);
    });

    it('a record is sent to every gateway of a fan-out, and kept for the one that is away', async () => {
      const a = new Rig(kit, unique('a'), broker.url);
      const b = new Rig(kit, unique('b'), broker.url);
      const c = new Rig(kit, unique('c'), broker.url);
      a.openOut([b.gateway, c.gateway]);
      b.openIn(a.gateway);
      await a.append(0, 300);
      await waitFor(() => b.arrivals.length === 300, { what: 'the present gateway' });
      assert.equal(a.out().base, 1);
      c.openIn(a.gateway);
      await drained(a);
      assert.deepEqual(c.numbers, range(0, 300));
      assert.equal(a.out().base, 301);
    });

    it('rubbish on the data topics is rejected and breaks nothing', async () => {
      const [a, b] = pair(broker.url);
      const client = mqtt.connect(broker.url);
      await waitFor(() => client.connected, { what: 'a third client' });
      const topicsOf = [topics.data(b.gateway, a.gateway), topics.ack(a.gateway, b.gateway)];
      for (const topic of topicsOf) {
        for (const rubbish of ['', 'hello', '\xec\x01\x01', Buffer.alloc(1_000_000, 0xec)])
          await client.publishAsync(topic, rubbish);
      }
      await client.endAsync();
      await a.append(0, 100);
      await drained(a);
      assert.deepEqual(b.numbers, range(0, 100));
      await waitFor(() => b.warnings.some((w) => w.includes('rejected')), { what: 'a warning' });
    });

    it('an at-most-once stream carries messages without a log', async () => {
      const [a, b] = pair(broker.url, 'at-most-once');
      await waitFor(() => a.streams.connected('shared') && b.streams.connected('shared'), {
        what: 'both connections',
      });
      let n = 0;
      await waitFor(
        async () => {
          await a.append(n, ++n);
          return b.arrivals.length > 0;
        },
        { what: 'a first arrival' },
      );
      await a.append(n, n + 50);
      await waitFor(() => b.numbers.at(-1) === n + 49, { what: 'the last message' });
      assert.deepEqual(
        b.numbers,
        [...b.numbers].sort((x, y) => x - y),
      );
      assert.equal(a.out().bytes, 0);
    });

    function pair(url: string, level: 'at-least-once' | 'at-most-once' = 'at-least-once'): [Rig, Rig] {
      const a = new Rig(kit, unique('a'), url);
      const b = new Rig(kit, unique('b'), url);
      a.openOut([b.gateway], level);
      b.openIn(a.gateway, level);
      return [a, b];
    }
  });
}

describe('streams', function () {
  this.timeout(30_000);
  const kit = disposables();
  let broker: TestBroker;
  before(async () => {
    broker = await startAedes(kit);
  });

  it('works before there is a connection, and sends when there is one', async () => {
    const late = await startTcpProxy(kit, broker);
    late.cut();
    const a = new Rig(kit, unique('a'), `mqtt://127.0.0.1:${late.port}`);
    const b = new Rig(kit, unique('b'), broker.url);
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    await a.append(0, 50);
    assert.deepEqual(a.streams.state(STREAM), {
      ...{ connected: false, waiting: 50, passed: 0 },
      ...{ full: false, lost: 0 },
    });
    late.heal();
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 50));
  });

  it('a link that goes silent and comes back loses nothing', async () => {
    const proxy = await startTcpProxy(kit, broker);
    const a = new Rig(kit, unique('a'), `mqtt://127.0.0.1:${proxy.port}`);
    const b = new Rig(kit, unique('b'), broker.url);
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    await a.append(0, 100);
    await drained(a);
    proxy.stall();
    await a.append(100, 1_000);
    proxy.cut();
    proxy.heal();
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 1_000));
    assert.equal(b.in().lost, 0);
  });

  it('a gateway that ends right after its work repeats nothing of it', async () => {
    const [a, b] = pair();
    for (let round = 0; round < 5; round++) {
      const count = (round + 1) * 40;
      await a.append(count - 40, count);
      await waitFor(() => b.arrivals.length === count, { what: 'the arrivals', every: 1 });
      await b.restart();
      b.openIn(a.gateway);
    }
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 200));
    assert.equal(b.in().repeated, 0);
  });

  it('a broker that is gone is replaced by the next of the list', async () => {
    const first = await startAedes(kit);
    const second = await startAedes(kit);
    const a = new Rig(kit, unique('a'), first.url, {}, [second.url]);
    const b = new Rig(kit, unique('b'), first.url, {}, [second.url]);
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    await a.append(0, 100);
    await drained(a);
    await first.kill();
    await a.append(100, 200);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 200));
  });

  it('a gate holds what arrives, in order, and credit stops the sender', async () => {
    const [a, b] = pair();
    await a.append(0, 10);
    await drained(a);
    b.hold(true);
    const count = WINDOW_RECORDS + 500;
    await a.append(10, count);
    await waitFor(() => b.in().received === 10 + WINDOW_RECORDS, { what: 'one window' });
    assert.equal(b.arrivals.length, 10);
    b.hold(false);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, count));
  });

  it('a closed and reopened echo in loses and repeats nothing', async () => {
    const [a, b] = pair();
    const writing = a.append(0, 5_000);
    await waitFor(() => b.arrivals.length > 50, { what: 'first arrivals' });
    b.streams.closeIn(STREAM);
    const before = b.arrivals.length;
    await writing;
    assert.equal(b.arrivals.length, before);
    b.openIn(a.gateway);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 5_000));
  });

  it('a gateway that takes over from another starts at its cursor', async () => {
    const [a, b] = pair();
    const c = new Rig(kit, unique('c'), broker.url);
    await a.append(0, 100);
    await drained(a);
    await b.streams.close();
    await a.append(100, 200);
    c.openIn(a.gateway);
    a.openOut([c.gateway]);
    await drained(a);
    assert.deepEqual(c.numbers, range(100, 200));
    assert.equal(c.in().lost, 0);
  });

  it('a gateway that is new to a stream starts from now', async () => {
    const [a, b] = pair();
    const c = new Rig(kit, unique('c'), broker.url);
    await a.append(0, 100);
    await drained(a);
    a.openOut([b.gateway, c.gateway]);
    c.openIn(a.gateway);
    await a.append(100, 120);
    await drained(a);
    assert.deepEqual(c.numbers, range(100, 120));
    assert.deepEqual(b.numbers, range(0, 120));
  });

  it('what a new consumer is owed is known at once, whatever happens to the process', () => {
    const [a] = pair();
    const c = unique('c');
    a.openOut([c]);
    assert.match(readFileSync(join(a.folder, 'cursors.log'), 'utf8'), new RegExp(`${c}.*"stable":0`));
  });

  it('a consumer whose disk was replaced gets what was not stable, and no loss is declared', async () => {
    const [a, b] = pair();
    await a.append(0, 100);
    await drained(a);
    await b.streams.close();
    rmSync(b.folder, { recursive: true });
    await a.append(100, 150);
    await b.restart();
    b.openIn(a.gateway);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 150));
    assert.equal(b.in().lost, 0);
  });

  it('a producer whose disk was replaced is heard again', async () => {
    const [a, b] = pair();
    await a.append(0, 100);
    await drained(a);
    await a.streams.close();
    rmSync(a.folder, { recursive: true });
    await a.restart();
    a.openOut([b.gateway]);
    await a.append(100, 200);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 200));
  });

  it('numbers a consumer has seen are not used again when the machine loses the tail of a log', async () => {
    const [a, b] = pair();
    await a.append(0, 100);
    await drained(a);
    await a.streams.close();
    const folder = logOf(a, 1);
    const log = readdirSync(folder).find((file) => file.endsWith('.log'))!;
    truncateSync(join(folder, log), 500);
    const state = join(folder, 'log.json');
    const { cleanHead, ...crashed } = JSON.parse(readFileSync(state, 'utf8'));
    assert.equal(cleanHead, 100);
    writeFileSync(state, JSON.stringify({ ...crashed, host: 'before the power cut' }));
    await a.restart();
    a.openOut([b.gateway]);
    await a.append(100, 150);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 150));
    assert.ok(b.in().lost > 0, 'the numbers that were burnt are declared');
  });

  it('a full log refuses with a catchable error, and the loss is declared downstream', async () => {
    const limits = { quotaBytes: 100_000, segmentBytes: 20_000 };
    const a = new Rig(kit, unique('a'), broker.url, limits);
    const b = new Rig(kit, unique('b'), broker.url);
    a.openOut([b.gateway]);
    const pad = 'x'.repeat(1_000);
    await assert.rejects(a.append(0, 1_000, pad), (e) => isEchoError(e, 'ECHO_STREAM_FULL'));
    assert.equal(a.streams.state(STREAM).full, true);
    assert.ok(a.out().lost > 0);
    b.openIn(a.gateway);
    await drained(a);
    const accepted = a.out().appended;
    assert.equal(accepted + a.out().lost, 100);
    await a.append(1_000, 1_001);
    await drained(a);
    assert.deepEqual(b.numbers, [...range(0, accepted), 1_000]);
    assert.equal(b.in().lost, a.out().lost);
    assert.ok(a.out().bytes < limits.quotaBytes + 120_000);
  });

  it('while a log is nearly full, streams into the same tab get no credit', async () => {
    const up = new Rig(kit, unique('up'), broker.url);
    const middle = new Rig(kit, unique('mid'), broker.url, { quotaBytes: 100_000, segmentBytes: 20_000 });
    const down = new Rig(kit, unique('down'), broker.url);
    up.openOut([middle.gateway]);
    middle.openIn(up.gateway);
    const onward = 'app/next:0';
    middle.streams.openOut({
      ...{ stream: onward, epoch: 1, level: 'at-least-once' },
      ...{ consumers: [down.gateway], tab: 'tab' },
    });
    const payload = 'x'.repeat(1_000);
    for (let i = 0; i < 95; i++) await middle.streams.append(onward, { payload }, undefined);
    const count = 3 * WINDOW_RECORDS;
    await up.append(0, count);
    await waitFor(() => middle.arrivals.length >= WINDOW_RECORDS, { what: 'what credit was given before' });
    const given = up.out().consumers[middle.gateway]?.credit;
    assert.ok(given !== undefined && given < count);
    assert.equal(up.out().sent, given);
    down.openIn(middle.gateway, 'at-least-once', onward);
    await drained(up);
    assert.deepEqual(middle.numbers, range(0, count));
  });

  it('records that fell behind the memory of the log are read from disk', async () => {
    const a = new Rig(kit, unique('a'), broker.url, { cacheBytes: 10_000, segmentBytes: 50_000 });
    const b = new Rig(kit, unique('b'), broker.url);
    a.openOut([b.gateway]);
    await a.append(0, 5_000);
    b.openIn(a.gateway);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 5_000));
  });

  it('a message larger than the window is let through alone', async () => {
    const [a, b] = pair();
    await a.append(0, 3, 'x'.repeat(3_000_000));
    await drained(a);
    assert.deepEqual(b.numbers, [0, 1, 2]);
  });

  it('work done again carries the same lineage and is counted as repeated', async () => {
    const [a, b] = pair();
    const cause = (): { origin: { stream: string; seq: number }; id: number } => ({
      origin: { stream: 'elsewhere', seq: 7 },
      id: 4711,
    });
    const [first, again] = [cause(), cause()];
    for (const delivery of [first, first, again])
      await a.streams.append(STREAM, { n: delivery === again ? 2 : 1 }, delivery);
    await drained(a);
    const ids = b.arrivals.map((arrival) => arrival.cause.id);
    assert.equal(ids[0], ids[2]);
    assert.notEqual(ids[0], ids[1]);
    assert.deepEqual(b.arrivals[0]?.cause.origin, { stream: 'elsewhere', seq: 7 });
    assert.equal(b.in().repeated, 1);
  });

  it('a retired stream leaves nothing behind and can be made anew', async () => {
    const [a, b] = pair();
    await a.append(0, 100);
    await drained(a);
    await a.streams.retire([STREAM]);
    await b.streams.retire([STREAM]);
    assert.deepEqual(readdirSync(join(a.folder, 'streams')), []);
    assert.deepEqual(a.streams.status(), []);
    await assert.rejects(a.streams.append(STREAM, {}, undefined), (e) =>
      isEchoError(e, 'ECHO_STREAM_NOT_OPEN'),
    );
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    await a.append(100, 110);
    await drained(a);
    assert.deepEqual(b.numbers, range(0, 110));
  });

  it('a folder that cannot be used is refused with the reason', () => {
    const folder = join(kit.folder(), 'file');
    writeFileSync(folder, '');
    assert.throws(
      () => rigIn(folder),
      (e) => isEchoError(e, 'ECHO_DISK_UNUSABLE'),
    );
    rmSync(folder);
    mkdirSync(folder);
  });

  function rigIn(folder: string): unknown {
    const unusable = { ...kit, folder: () => join(folder, 'echo') };
    return new Rig(unusable, unique('x'), broker.url);
  }

  function pair(): [Rig, Rig] {
    const a = new Rig(kit, unique('a'), broker.url);
    const b = new Rig(kit, unique('b'), broker.url);
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    return [a, b];
  }
});

describe('producer epochs', function () {
  this.timeout(30_000);
  const kit = disposables();
  let broker: TestBroker;
  before(async () => {
    broker = await startAedes(kit);
  });
  const rigs = (): [Rig, Rig, Rig] => [
    new Rig(kit, unique('a'), broker.url),
    new Rig(kit, unique('b'), broker.url),
    new Rig(kit, unique('c'), broker.url),
  ];
  const route = (from: Rig, to: Rig, epoch: number): void => {
    from.openOut([to.gateway], 'at-least-once', epoch);
    to.openIn(from.gateway, 'at-least-once', STREAM, epoch);
  };

  /** The consumer has told the producer where it is, and been told who it is. */
  async function introduced(from: Rig, to: Rig, start: () => void): Promise<void> {
    const heard: string[] = [];
    const spy = mqtt.connect(broker.url);
    spy.on('message', (topic) => heard.push(topic));
    const [data, ack] = [topics.data(to.gateway, from.gateway), topics.ack(from.gateway, to.gateway)];
    await spy.subscribeAsync([data, ack]);
    start();
    await waitFor(() => heard.includes(ack) && heard.lastIndexOf(data) > heard.indexOf(ack), {
      what: 'the new producer to have said who it is',
    });
    await spy.endAsync();
  }

  it('a stream follows its producer from A to B and back, whatever their clocks and old logs say', async () => {
    const [a, b, c] = rigs();
    route(a, c, 1);
    await a.streams.close();
    const state = join(logOf(a, 1), 'log.json');
    const { born, ...rest } = JSON.parse(readFileSync(state, 'utf8'));
    writeFileSync(state, JSON.stringify({ ...rest, born: born + 3_600_000 }));
    await a.restart();
    route(a, c, 1);
    await a.append(0, 100);
    await drained(a);
    // What a deploy that was undone left at B.
    b.openOut([c.gateway], 'at-least-once', 2);
    await b.append(900, 950);
    b.streams.closeOut(STREAM);

    a.streams.closeOut(STREAM);
    route(b, c, 3);
    await b.append(100, 200);
    await drained(b);
    b.streams.closeOut(STREAM);
    await a.restart();
    route(a, c, 4);
    await a.append(200, 300);
    await drained(a);
    assert.deepEqual(c.numbers, range(0, 300));
    assert.deepEqual([a.out().pe, b.out().pe, c.in().pe], [4, 3, 4]);
    assert.equal(c.in().repeated + c.in().lost, 0);
    assert.deepEqual(readdirSync(join(logOf(a, 4), '..')), ['4']);
  });

  it('a move that is undone leaves the former log, and the position in it, as they were', async () => {
    const [a, b, c] = rigs();
    route(a, c, 1);
    await a.append(0, 50);
    await drained(a);
    c.hold(true);
    await a.append(50, 60);
    await waitFor(() => c.in().received === 60, { what: 'records held at the consumer' });

    a.streams.closeOut(STREAM);
    await introduced(b, c, () => route(b, c, 2));
    b.streams.closeOut(STREAM);
    route(a, c, 1);
    c.hold(false);
    await a.append(60, 70);
    await drained(a);
    assert.deepEqual(c.numbers, range(0, 70));
    assert.equal(c.in().repeated + c.in().lost, 0);

    a.streams.closeOut(STREAM);
    c.hold(true);
    await introduced(b, c, () => route(b, c, 3));
    assert.equal(c.in().pe, 1);
    c.hold(false);
    await waitFor(() => c.in().pe === 3, { what: 'the new log to be entered with nothing in it' });
    await b.append(70, 80);
    await drained(b);
    assert.deepEqual(c.numbers, range(0, 80));
  });

  it('a former producer that consumes now forgets its log when the gate opens, not before', async () => {
    const [a, b, c] = rigs();
    a.openOut([c.gateway]);
    await a.append(0, 10);
    a.hold(true);
    a.streams.closeOut(STREAM);
    route(b, a, 2);
    assert.equal(a.out().head, 10);
    a.hold(false);
    assert.equal(a.out(), undefined);
    await b.append(10, 20);
    await drained(b);
    assert.deepEqual(a.numbers, range(10, 20));
  });

  it('the fragment is the truth: an earlier epoch is taken up when it asks for it', async () => {
    const [a, , c] = rigs();
    for (const epoch of [5, 1]) {
      route(a, c, epoch);
      await a.append(epoch * 10, epoch * 10 + 10);
      await drained(a);
    }
    assert.deepEqual(c.numbers, [...range(50, 60), ...range(10, 20)]);
    assert.equal(c.in().pe, 1);
  });

  it('an unlogged stream of another epoch is not delivered', async () => {
    const [a, , c] = rigs();
    c.openIn(a.gateway, 'at-most-once', STREAM, 2);
    await waitFor(() => a.streams.connected('shared') && c.streams.connected('shared'), {
      what: 'both connections',
    });
    for (const epoch of [1, 2]) {
      a.openOut([c.gateway], 'at-most-once', epoch);
      const had = c.arrivals.length;
      const sent = async () => {
        await a.append(epoch, epoch + 1);
        return epoch === 1 ? a.out().sent > 2 : c.arrivals.length > had;
      };
      await waitFor(sent, { what: `messages of epoch ${epoch}` });
    }
    assert.ok(c.numbers.every((n) => n === 2));
  });
});

/** The folder of a rig's log of one epoch. */
function logOf(rig: Rig, epoch: number): string {
  const streams = join(rig.folder, 'streams');
  return join(streams, readdirSync(streams)[0]!, String(epoch));
}

let count = 0;
const unique = (name: string): string => `${name}-${process.pid}-${++count}`;

function drained(rig: Rig): Promise<unknown> {
  return waitFor(() => rig.streams.state(STREAM).waiting === 0, {
    what: 'the stream to drain',
    timeout: 15_000,
    every: 5,
  }).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(rig.out())}`);
  });
}
