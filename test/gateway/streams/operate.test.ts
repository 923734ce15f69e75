import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InStreamStatus, StreamStatus } from '../../../src/wire/control.ts';
import type { OperationResult, StreamOperation } from '../../../src/wire/operate.ts';
import { startAedes, type TestBroker } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import type { GatewayTask } from './gatewayProcess.ts';
import { Rig, range, STREAM } from './rig.ts';

describe('operating streams', function () {
  this.timeout(30_000);
  const kit = disposables();
  let broker: TestBroker;
  before(async () => {
    broker = await startAedes(kit);
  });

  it('shows what waits: number, age, size, lineage, and the message cut where it is asked to be', async () => {
    const [a] = consumerAway();
    await a.append(0, 5, 'x'.repeat(300));
    const { head, waiting, records } = await ask(a, 'streams.inspect', {
      stream: STREAM,
      limit: 3,
      preview: 40,
    });
    assert.deepEqual([head, waiting, records.map((r) => r.seq)], [5, 5, [1, 2, 3]]);
    const [first] = records;
    assert.equal(first?.body, JSON.stringify({ _msgid: 'm0', n: 0, payload: 'x'.repeat(300) }).slice(0, 40));
    assert.equal(first?.truncated, true);
    assert.ok(first && first.bytes > 300 && Math.abs(Date.now() - first.at) < 10_000);
  });

  it('says how much waits in records, bytes and since when', async () => {
    const [a] = consumerAway();
    const before = Date.now();
    await a.append(0, 10, 'x'.repeat(1_000));
    const { backlog } = a.out();
    assert.equal(backlog?.records, 10);
    assert.ok(backlog && backlog.bytes > 10_000 && backlog.bytes < 20_000, `${backlog?.bytes} bytes`);
    assert.ok(backlog.since !== undefined && backlog.since >= before && backlog.since <= Date.now());
  });

  it('measures rate at both ends and latency at the consumer', async () => {
    const [a, b] = pair();
    a.out();
    b.in();
    await a.append(0, 200);
    await drained(a);
    await waitFor(() => a.out().rate && b.in().rate, { what: 'both rates' });
    const { p50, p99 } = b.in().latencyMs!;
    assert.ok(p50 >= 0 && p99 >= p50 && p99 < 10_000, `${p50} ${p99}`);
  });

  it('a purge gives up what waits: counted at the producer, told to the consumer, and the rest goes on', async () => {
    const [a, b] = pair();
    await a.append(0, 3);
    await drained(a);
    await b.streams.close();
    await a.append(3, 10);
    assert.deepEqual(await ask(a, 'streams.purge', { stream: STREAM }), {
      to: 10,
      consumers: { [b.gateway]: 7 },
    });
    assert.equal(a.out().lost, 7);
    assert.equal(a.out().backlog?.records, 0);
    await a.append(10, 12);
    await b.restart();
    b.openIn(a.gateway);
    await drained(a);
    assert.deepEqual(b.numbers, [0, 1, 2, 10, 11]);
    assert.equal(b.in().lost, 7);
  });

  it('a new consumer starts from now, or at what is still held when the wire says so', async () => {
    const a = new Rig(kit, unique('a'), broker.url);
    const [slow, late, early] = [unique('slow'), unique('late'), unique('early')];
    const open = (consumers: string[], start: 'now' | 'earliest') =>
      a.streams.openOut({ stream: STREAM, epoch: 1, level: 'at-least-once', consumers, start, tab: 'tab' });
    open([slow], 'now');
    await a.append(0, 5);
    open([slow, late], 'now');
    open([slow, late, early], 'earliest');
    const stable = (id: string) => a.out().consumers[id]?.stable;
    assert.deepEqual([slow, late, early].map(stable), [0, 5, 0]);
  });

  it('a purge outlives a restart of the producer', async () => {
    const [a, b] = consumerAway();
    await a.append(0, 4);
    await ask(a, 'streams.purge', { stream: STREAM });
    await a.restart();
    a.openOut([b]);
    assert.equal(a.out().backlog?.records, 0);
    const { records } = await ask(a, 'streams.inspect', { stream: STREAM, limit: 5, preview: 10 });
    assert.deepEqual(records, []);
  });

  it('a skip passes over the record a consumer is stuck on, as declared loss', async () => {
    const [a, b] = pair();
    b.slow = true;
    await a.append(0, 4);
    await waitFor(() => b.arrivals.length === 4, { what: 'four arrivals' });
    for (const { settle } of b.arrivals.slice(1)) settle();
    assert.deepEqual(await ask(b, 'streams.skip', { stream: STREAM, count: 1 }), { seqs: [1] });
    await drained(a);
    assert.equal(b.in().lost, 1);
  });

  it('a record that is skipped before it was delivered is not delivered any more', async () => {
    const [a, b] = pair();
    await a.append(0, 1);
    await drained(a);
    b.hold(true);
    await a.append(1, 4);
    await waitFor(() => b.in().received === 4, { what: 'three records' });
    await ask(b, 'streams.skip', { stream: STREAM, count: 2 });
    b.hold(false);
    await drained(a);
    assert.deepEqual(b.numbers, [0, 3]);
  });

  it('a message that a task does not complete counts as processed, and is counted', async () => {
    const [a, b] = pair();
    b.unfollowed = true;
    await a.append(0, 3);
    await drained(a);
    assert.equal(b.in().unfollowed, 3);
    assert.equal(b.streams.state(STREAM).unfollowed, 3);
  });

  it('without attempts a failure counts as processed, as in Node-RED', async () => {
    const [a, b] = pair();
    b.failing = () => 'no such table';
    await a.append(0, 3);
    await drained(a);
    assert.deepEqual(b.numbers, [0, 1, 2]);
    assert.equal(b.in().dead, 0);
  });

  it('a message whose task fails is tried again, and set aside when it has failed too often', async () => {
    const [a, b] = pair(3);
    b.failing = (n) => (n === 1 ? 'no such table' : undefined);
    await a.append(0, 3);
    await drained(a);
    assert.deepEqual(b.numbers.toSorted(), [0, 1, 1, 1, 2]);
    const { lost, retried, dead } = b.in();
    assert.deepEqual({ lost, retried, dead }, { lost: 0, retried: 2, dead: 1 });
    const [letter] = await ask(b, 'dead.list', {});
    assert.deepEqual(
      [letter?.stream, letter?.producer, letter?.seq, letter?.reason, letter?.error, letter?.attempts],
      [STREAM, a.gateway, 2, 'error', 'no such table', 3],
    );
  });

  it('a message that fails and then does not is not set aside', async () => {
    const [a, b] = pair(3);
    b.failing = () => (b.arrivals.length < 2 ? 'busy' : undefined);
    await a.append(0, 1);
    await drained(a);
    assert.deepEqual(b.numbers, [0, 0]);
    assert.equal(b.in().dead, 0);
  });

  it('what was set aside outlives a restart, is shown, stays when its replay fails and goes when it does not', async () => {
    const [a, b] = pair(1);
    b.failing = () => 'no such table';
    await a.append(7, 8);
    await drained(a);
    await b.restart();
    b.openIn(a.gateway);
    const [letter] = await ask(b, 'dead.list', { stream: STREAM });
    const { body } = await ask(b, 'dead.show', { id: letter!.id, preview: 100 });
    assert.deepEqual(JSON.parse(body), { _msgid: 'm7', n: 7, payload: '' });
    assert.deepEqual(await ask(b, 'dead.replay', { id: letter!.id }), {
      outcome: 'error',
      error: 'no such table',
    });
    assert.equal((await ask(b, 'dead.list', {}))[0]?.attempts, 2);
    b.failing = () => undefined;
    assert.deepEqual(await ask(b, 'dead.replay', { id: letter!.id }), { outcome: 'done' });
    assert.deepEqual(b.numbers, [7, 7, 7]);
    assert.deepEqual(await ask(b, 'dead.list', {}), []);
    await assert.rejects(ask(b, 'dead.show', { id: letter!.id, preview: 1 }), {
      code: 'ECHO_DEAD_LETTER_UNKNOWN',
    });
  });

  it('a dead letter can be dropped', async () => {
    const [a, b] = pair(1);
    b.failing = () => 'no';
    await a.append(0, 1);
    await drained(a);
    const [letter] = await ask(b, 'dead.list', {});
    assert.deepEqual(await ask(b, 'dead.drop', { id: letter!.id }), { dropped: 1 });
    assert.deepEqual(readdirSync(join(b.folder, 'dead')), []);
  });

  it('a record that ends the process at each delivery is set aside after three deaths; the others arrive', async () => {
    const task = { url: broker.url };
    const [edge, cloud] = [unique('edge'), unique('cloud')];
    const out = join(kit.folder(), 'arrived.jsonl');
    writeFileSync(out, '');
    const producer = new Rig(kit, edge, broker.url);
    producer.openOut([cloud]);
    const from = { gateway: edge, stream: STREAM };
    const consumer = new Mortal({ ...task, gateway: cloud, folder: kit.folder(), from, out, poison: 5 });
    kit.add(consumer, () => consumer.kill());
    await producer.append(0, 40);
    await waitFor(
      () => {
        if (consumer.dead) consumer.start();
        return producer.out().backlog?.records === 0;
      },
      { what: 'the records to pass', timeout: 25_000 },
    );
    assert.equal(consumer.starts, 4);
    await waitFor(() => consumer.in()?.dead === 1, { what: 'one dead letter' });
    const arrived = readFileSync(out, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).n as number);
    assert.deepEqual(
      [...new Set(arrived)],
      range(0, 40).filter((n) => n !== 5),
    );
  });

  const unique = (name: string): string => `${name}-${process.pid}-${++count}`;

  function pair(attempts?: number): [Rig, Rig] {
    const a = new Rig(kit, unique('a'), broker.url);
    const b = new Rig(kit, unique('b'), broker.url);
    b.attempts = attempts;
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    return [a, b];
  }

  /** A producer whose consumer never came. */
  function consumerAway(): [Rig, string] {
    const a = new Rig(kit, unique('a'), broker.url);
    const away = unique('away');
    a.openOut([away]);
    return [a, away];
  }

  const drained = (a: Rig) => waitFor(() => a.out().backlog?.records === 0, { what: 'the stream to drain' });
});

let count = 0;

async function ask<M extends StreamOperation['method']>(
  rig: Rig,
  method: M,
  params: Extract<StreamOperation, { method: M }>['params'],
): Promise<OperationResult<M>> {
  return (await rig.streams.operate({ method, params } as StreamOperation)) as OperationResult<M>;
}

/** A gateway in a process of its own, started again when it has died. */
class Mortal {
  status: StreamStatus[] = [];
  dead = true;
  starts = 0;
  readonly #task: GatewayTask;
  #child: ChildProcess | undefined;

  constructor(task: GatewayTask) {
    this.#task = task;
    this.start();
  }

  start(): void {
    this.dead = false;
    this.starts++;
    const script = join(import.meta.dirname, 'gatewayProcess.ts');
    const child = fork(script, [JSON.stringify(this.#task)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (status) => {
      this.status = status as StreamStatus[];
    });
    child.once('exit', () => {
      this.dead = true;
    });
    this.#child = child;
  }

  async kill(): Promise<void> {
    if (this.dead) return;
    const gone = new Promise((resolve) => this.#child?.once('exit', resolve));
    this.#child?.kill('SIGKILL');
    await gone;
  }

  in(): InStreamStatus | undefined {
    return this.status.find((s) => s.role === 'in') as InStreamStatus | undefined;
  }
}
