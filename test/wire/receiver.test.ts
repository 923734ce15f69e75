import assert from 'node:assert/strict';
import type { DataFrame, SequencedRecord } from '../../src/wire/frames.ts';
import {
  cursorNow,
  initReceiver,
  type Range,
  type ReceiverEffect,
  type ReceiverEvent,
  type ReceiverState,
  reduceReceiver,
} from '../../src/wire/receiver.ts';
import { WINDOW_BYTES, WINDOW_RECORDS } from '../../src/wire/stream.ts';

const boot = { disk: 'd', count: 1 };
const incarnation = { pe: 0, born: 5 };

class Run {
  state: ReceiverState;
  effects: ReceiverEffect[] = [];

  constructor(stable?: number, early: readonly Range[] = []) {
    this.state = initReceiver(boot, stable === undefined ? undefined : { incarnation, stable, early });
    this.on({ type: 'link', up: true, at: 0 }).take();
  }

  on(event: ReceiverEvent): this {
    const { state, effects } = reduceReceiver(this.state, event);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  take(): ReceiverEffect[] {
    const taken = this.effects;
    this.effects = [];
    return taken;
  }

  delivered(): number[] {
    return this.take().flatMap((e) => (e.type === 'deliver' ? e.records.map((r) => r.seq) : []));
  }

  acks() {
    return this.take().flatMap((e) => (e.type === 'ack' ? [e.positions] : []));
  }
}

const message = (seq: number): SequencedRecord => ({
  seq,
  to: seq,
  record: { kind: 'message', ts: 0, codec: 0, body: new Uint8Array() },
});
const gap = (seq: number, to: number): SequencedRecord => ({
  seq,
  to,
  record: { kind: 'gap', ts: 0, to, reason: 'overflow' },
});

function data(
  first: number,
  records: SequencedRecord[],
  header: Partial<DataFrame> = {},
  at = 100,
): ReceiverEvent {
  const frame: DataFrame = {
    type: 'data',
    stream: 's',
    incarnation,
    boot,
    start: 1,
    base: 1,
    redeliveredTo: 0,
    first,
    unlogged: false,
    records,
    ...header,
  };
  return { type: 'data', frame, at };
}
const messages = (from: number, to: number, header: Partial<DataFrame> = {}, at = 100): ReceiverEvent =>
  data(
    from,
    Array.from({ length: to - from + 1 }, (_, i) => message(from + i)),
    header,
    at,
  );
const settled = (...seqs: number[]): ReceiverEvent => ({ type: 'settled', incarnation, seqs, at: 200 });

describe('receiver', () => {
  it('delivers in sequence, each number once, and acknowledges duplicates again', () => {
    const run = new Run(0);
    assert.deepEqual(run.on(messages(1, 3)).delivered(), [1, 2, 3]);
    assert.deepEqual(run.on(messages(2, 5)).delivered(), [4, 5]);
    run.on(messages(1, 5, {}, 500));
    assert.equal(run.state.duplicates, 7);
    assert.equal(run.acks().at(-1)?.received, 5);
  });

  it('holds at a hole and asks for it, once within the hold time', () => {
    const run = new Run(0).on(messages(1, 2));
    run.take();
    run.on(messages(5, 6));
    const effects = run.take();
    assert.equal(effects.filter((e) => e.type === 'deliver').length, 0);
    assert.deepEqual(
      effects.flatMap((e) => (e.type === 'ack' ? [e.positions.want] : [])),
      [3],
    );
    assert.ok(
      !run
        .on(messages(7, 7))
        .acks()
        .some((a) => a.want > 0),
    );
    assert.deepEqual(
      run
        .on(messages(8, 8, {}, 900))
        .acks()
        .map((a) => a.want),
      [3],
    );
    assert.deepEqual(run.on(messages(3, 6)).delivered(), [3, 4, 5, 6]);
  });

  it('a probe beyond what it has makes it ask', () => {
    const run = new Run(0).on(messages(1, 2));
    run.take();
    assert.equal(run.on(data(5, [])).acks().at(-1)?.want, 3);
  });

  it('what the sender no longer holds is declared lost and passed over', () => {
    const run = new Run(10);
    run.on(messages(15, 16, { base: 15 }));
    const loss = run.effects.find((e) => e.type === 'loss');
    assert.deepEqual(loss, { type: 'loss', from: 11, to: 14, reason: 'base' });
    assert.deepEqual(run.delivered(), [15, 16]);
    assert.equal(run.state.lost, 4);
    assert.equal(run.state.done, 14);
  });

  it('what it is not owed is passed over without loss', () => {
    const run = new Run(10);
    assert.deepEqual(run.on(messages(15, 16, { base: 15, start: 15 })).delivered(), [15, 16]);
    assert.equal(run.state.lost, 0);
  });

  it('a receiver without a cursor starts where the sender says', () => {
    const run = new Run();
    assert.deepEqual(run.on(messages(41, 42, { base: 41 })).delivered(), [41, 42]);
    assert.equal(run.state.lost, 0);
  });

  it('a GAP counts as declared loss and is done at once', () => {
    const run = new Run(0).on(data(1, [message(1), gap(2, 9), message(10)]));
    assert.equal(run.state.lost, 8);
    run.on(settled(1));
    assert.equal(run.state.done, 9);
  });

  it('done is the prefix of what is finished, in whatever order', () => {
    const run = new Run(0).on(messages(1, 6));
    run.on(settled(3)).on(settled(6, 2));
    assert.equal(run.state.done, 0);
    run.on(settled(1));
    assert.equal(run.state.done, 3);
    run.on(settled(5)).on(settled(4));
    assert.equal(run.state.done, 6);
    assert.deepEqual(run.state.early, []);
  });

  it('the cursor of a checkpoint says what is finished beyond it', () => {
    const run = new Run(0).on(messages(1, 6)).on(settled(1)).on(settled(3, 4)).on(settled(6));
    const early = [
      { from: 3, to: 4 },
      { from: 6, to: 6 },
    ];
    assert.deepEqual(cursorNow(run.state), { incarnation, stable: 1, early });
    run.on(settled(2, 5));
    assert.deepEqual(cursorNow(run.state), { incarnation, stable: 6 });
  });

  it('what an earlier boot finished beyond its cursor is not handed over again, nor waited for', () => {
    const run = new Run(1, [{ from: 3, to: 4 }]).on(messages(2, 2));
    assert.deepEqual(run.delivered(), [2]);
    run.on(settled(2));
    assert.deepEqual([run.state.done, run.state.received], [4, 4]);
    run.on(messages(2, 5));
    assert.deepEqual(run.delivered(), [5]);
  });

  it('stable follows the stored cursor, never done itself', () => {
    const run = new Run(0).on(messages(1, 4));
    run.take();
    run.on(settled(1, 2));
    assert.deepEqual(
      run.take().filter((e) => e.type === 'persist'),
      [{ type: 'persist', cursor: { incarnation, stable: 2 } }],
    );
    run.on(settled(3));
    assert.equal(run.state.stable, 0);
    run.on({ type: 'persisted', cursor: { incarnation, stable: 2 }, at: 300 });
    assert.equal(run.state.stable, 2);
    assert.deepEqual(
      run.take().filter((e) => e.type === 'persist'),
      [{ type: 'persist', cursor: { incarnation, stable: 3 } }],
    );
  });

  it('credit is done plus the window, never shrinks, and stands still while closed', () => {
    const run = new Run(0).on(messages(1, 10));
    run.on(settled(1, 2, 3)).on({ type: 'tick', at: 1_000 });
    assert.equal(run.acks().at(-1)?.credit, WINDOW_RECORDS + 3);
    run.on({ type: 'grant', open: false, at: 1_000 }).on(settled(4, 5)).on({ type: 'tick', at: 2_000 });
    assert.equal(run.acks().at(-1)?.credit, WINDOW_RECORDS + 3);
    run.on({ type: 'grant', open: true, at: 3_000 });
    assert.equal(run.acks().at(-1)?.credit, WINDOW_RECORDS + 5);
  });

  it('records beyond the credit are not taken', () => {
    const run = new Run(0);
    run.on(messages(1, WINDOW_RECORDS + 50));
    assert.equal(run.state.received, WINDOW_RECORDS);
  });

  it('a later log supersedes the one known, and an earlier one is not heard', () => {
    const run = new Run(0).on(messages(1, 5));
    run.take();
    const born6 = { incarnation: { pe: 0, born: 6 } };
    assert.deepEqual(run.on(messages(1, 2, born6)).delivered(), [1, 2]);
    assert.deepEqual(run.on(messages(6, 7)).delivered(), []);
    run.on(settled(1, 2));
    assert.equal(run.state.done, 0, 'what the old log delivered does not count for the new one');
    const byEpoch = { incarnation: { pe: 1, born: 1 } };
    assert.deepEqual(run.on(messages(1, 1, byEpoch)).delivered(), [1]);
  });

  it('what is meant for an earlier boot is not taken', () => {
    const run = new Run(10);
    assert.deepEqual(run.on(messages(11, 12, { boot: { disk: 'd', count: 0 } })).delivered(), []);
    assert.deepEqual(run.on(messages(11, 12)).delivered(), [11, 12]);
  });

  it('answers at once when idle and collects under load', () => {
    const run = new Run(0);
    assert.equal(run.on(messages(1, 1, {}, 100)).acks().length, 1);
    assert.equal(run.on(messages(2, 2, {}, 101)).acks().length, 0);
    assert.equal(run.on(messages(3, 3, {}, 102)).acks().length, 0);
    assert.equal(run.state.ackAt, 104);
    assert.deepEqual(
      run
        .on({ type: 'tick', at: 104 })
        .acks()
        .map((a) => a.received),
      [3],
    );
  });

  it('answers at once when large messages may fill the byte window of the sender', () => {
    const run = new Run(0);
    run.on(messages(1, 1, {}, 100)).take();
    const large = (seq: number): ReceiverEvent => {
      const body = new Uint8Array(WINDOW_BYTES / 8);
      return data(seq, [{ seq, to: seq, record: { kind: 'message', ts: 0, codec: 0, body } }], {}, 101);
    };
    const done = (seq: number): ReceiverEvent => ({ type: 'settled', incarnation, seqs: [seq], at: 101 });
    run.on(done(1)).take();
    assert.equal(run.on(large(2)).on(done(2)).acks().length, 0);
    assert.equal(run.on(large(3)).on(done(3)).acks().length, 1);
    assert.equal(run.on(large(4)).on(done(4)).acks().length, 0);
  });

  it('says nothing while the link is down, and where it is when it is up again', () => {
    const run = new Run(0).on(messages(1, 3));
    run.on({ type: 'link', up: false, at: 200 }).take();
    assert.deepEqual(run.on(settled(1, 2, 3)).acks(), []);
    const [hello] = run.on({ type: 'link', up: true, at: 300 }).acks();
    assert.deepEqual([hello?.received, hello?.done, hello?.want], [3, 3, 4]);
  });

  it('skips the first unfinished records as declared loss, and what is finished later changes nothing', () => {
    const run = new Run(0).on(messages(1, 5)).on(settled(2, 4));
    run.take();
    run.on({ type: 'skip', count: 2, at: 120 });
    const lost = run.take().flatMap((e) => (e.type === 'loss' ? [[e.from, e.to, e.reason]] : []));
    assert.deepEqual(lost, [
      [1, 1, 'skipped'],
      [3, 3, 'skipped'],
    ]);
    assert.deepEqual([run.state.done, run.state.lost], [4, 2]);
    run.on(settled(1)).on({ type: 'skip', count: 9, at: 130 });
    assert.deepEqual([run.state.done, run.state.lost], [5, 3]);
  });

  it('a smaller window takes nothing back and holds until it is used up', () => {
    const run = new Run(0).on(messages(1, 10));
    run.take();
    run.on({ type: 'grant', open: true, window: 4, at: 200 });
    assert.equal(run.state.credit, WINDOW_RECORDS);
    run.on({ type: 'settled', incarnation, seqs: Array.from({ length: 10 }, (_, i) => i + 1), at: 300 });
    assert.equal(run.acks().at(-1)?.credit, WINDOW_RECORDS);
  });

  it('a larger window is told at once', () => {
    const run = new Run(0).on(messages(1, 10));
    run.take();
    assert.equal(
      run
        .on({ type: 'grant', open: true, window: 2 * WINDOW_RECORDS, at: 101 })
        .acks()
        .at(-1)?.credit,
      2 * WINDOW_RECORDS,
    );
  });

  it('with a window of one, each record is asked for when the one before is done', () => {
    const run = new Run();
    run.on({ type: 'grant', open: true, window: 1, at: 0 }).on(messages(1, 3, {}, 100));
    assert.deepEqual(run.delivered(), [1]);
    const credits = [];
    for (const seq of [1, 2, 3]) {
      run.on({ type: 'settled', incarnation, seqs: [seq], at: 100 });
      credits.push(run.acks()[0]?.credit);
      run.on(messages(seq + 1, seq + 1, {}, 100));
      assert.deepEqual(run.delivered(), [seq + 1]);
    }
    assert.deepEqual(credits, [2, 3, 4]);
  });
});
