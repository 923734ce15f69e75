import assert from 'node:assert/strict';
import type { AckFrame } from '../../src/wire/frames.ts';
import { probeDelay, reconnectDelay } from '../../src/wire/retry.ts';
import {
  initSender,
  reduceSender,
  type SenderEffect,
  type SenderEvent,
  type SenderState,
  senderDue,
} from '../../src/wire/sender.ts';
import { WINDOW_BYTES, WINDOW_FRAMES } from '../../src/wire/stream.ts';

const incarnation = { pe: 0, born: 5 };

/** Runs events; answers each `send` with a `sent` of one frame of `perFrame` records. */
class Run {
  state: SenderState = initSender(incarnation, { head: 0, base: 1 }, {});
  effects: SenderEffect[] = [];
  bytes = 1;

  on(event: SenderEvent): this {
    const { state, effects } = reduceSender(this.state, event);
    this.state = state;
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type !== 'send') continue;
      const { consumer, from, to } = effect;
      const last = this.bytes >= effect.maxBytes ? from : to;
      this.on({
        type: 'sent',
        consumer,
        from,
        to: last,
        bytes: (last - from + 1) * this.bytes,
        at: event.at,
      });
    }
    return this;
  }

  take(): SenderEffect[] {
    const taken = this.effects;
    this.effects = [];
    return taken;
  }

  sends(): [number, number][] {
    return this.take().flatMap((e) => (e.type === 'send' ? [[e.from, e.to] as [number, number]] : []));
  }
}

const ack = (positions: Partial<AckFrame>): SenderEvent => ({
  type: 'ack',
  at: 100,
  ack: {
    type: 'ack',
    stream: 's',
    consumer: 'b',
    ce: 0,
    incarnation,
    boot: { disk: 'd', count: 1 },
    received: 0,
    done: 0,
    stable: 0,
    credit: 256,
    want: 0,
    ...positions,
  },
});

function connected(head = 10): Run {
  const run = new Run();
  run.on({ type: 'consumers', ids: ['b'], at: 0 }).on({ type: 'link', up: true, at: 0 });
  run.on({ type: 'appended', head, at: 0 }).take();
  return run;
}

describe('sender', () => {
  it('sends nothing before the consumer gave credit, but probes', () => {
    const run = new Run();
    run.on({ type: 'consumers', ids: ['b'], at: 0 }).on({ type: 'link', up: true, at: 0 });
    assert.deepEqual(
      run.take().filter((e) => e.type !== 'persist'),
      [{ type: 'probe', consumer: 'b' }],
    );
    run.on({ type: 'appended', head: 10, at: 0 });
    assert.deepEqual(run.sends(), []);
    assert.deepEqual(run.on(ack({})).sends(), [[1, 10]]);
  });

  it('sends up to the credit, and on when there is more', () => {
    const run = connected(10);
    assert.deepEqual(run.on(ack({ credit: 4 })).sends(), [[1, 4]]);
    assert.deepEqual(run.on(ack({ credit: 6, received: 2, done: 2 })).sends(), [[5, 6]]);
  });

  it('a late acknowledgement of the same boot takes nothing back', () => {
    const run = connected(10)
      .on(ack({}))
      .on(ack({ received: 8, done: 7, stable: 6 }));
    run.on(ack({ received: 3, done: 2, stable: 1, credit: 5 }));
    const { received, done, stable, credit } = run.state.consumers.b!;
    assert.deepEqual({ received, done, stable, credit }, { received: 8, done: 7, stable: 6, credit: 256 });
  });

  it('a newer boot rewinds to what it received, and marks what may have been delivered', () => {
    const run = connected(10)
      .on(ack({}))
      .on(ack({ received: 8, done: 4, stable: 4 }));
    run.take();
    const next = ack({ boot: { disk: 'd', count: 2 }, received: 4, done: 4, stable: 4 });
    assert.deepEqual(run.on(next).sends(), [[5, 10]]);
    assert.equal(run.state.consumers.b!.redeliveredTo, 10);
  });

  it('an older boot is ignored', () => {
    const run = connected(10).on(ack({ boot: { disk: 'd', count: 2 } }));
    const before = run.state;
    run.take();
    run.on(ack({ boot: { disk: 'd', count: 1 }, received: 9, done: 9, stable: 9 }));
    assert.equal(run.state, before);
  });

  it('a late ACK of a lost disk holds up the new one for no longer than its next ACK', () => {
    const fresh = ack({ boot: { disk: 'new', count: 1 } });
    const run = connected(10).on(ack({})).on(fresh);
    run.on(ack({ received: 9, done: 9 })).take();
    assert.deepEqual(run.on(fresh).sends(), [[1, 10]]);
    assert.deepEqual(run.state.consumers.b!.boot, { disk: 'new', count: 1 });
  });

  it('goes back when asked, once within the hold time', () => {
    const run = connected(10).on(ack({}));
    run.take();
    assert.deepEqual(run.on(ack({ received: 3, want: 4 })).sends(), [[4, 10]]);
    assert.deepEqual(run.on(ack({ received: 3, want: 4 })).sends(), []);
    const later = ack({ received: 3, want: 4 });
    assert.deepEqual(run.on({ ...later, at: 1_000 } as SenderEvent).sends(), [[4, 10]]);
  });

  it('trims only what every consumer has stably passed', () => {
    const run = new Run();
    run.on({ type: 'consumers', ids: ['b', 'c'], at: 0 }).on({ type: 'link', up: true, at: 0 });
    run
      .on({ type: 'appended', head: 10, at: 0 })
      .on(ack({}))
      .on(ack({ consumer: 'c' }));
    run.on(ack({ received: 9, done: 9, stable: 9 }));
    const trims = () => run.take().filter((e) => e.type === 'trim');
    assert.deepEqual(trims(), []);
    run.on(ack({ consumer: 'c', received: 9, done: 9, stable: 5 }));
    assert.deepEqual(trims(), [{ type: 'trim', upTo: 5 }]);
  });

  it('no more than 64 frames are on their way', () => {
    const run = connected(0).on(ack({ credit: 1_000 }));
    for (let head = 1; head <= 100; head++) run.on({ type: 'appended', head, at: 0 });
    assert.equal(run.state.consumers.b!.next, WINDOW_FRAMES + 1);
    assert.deepEqual(
      run
        .on(ack({ received: 1, credit: 1_000 }))
        .sends()
        .at(-1),
      [WINDOW_FRAMES + 1, 100],
    );
  });

  it('one record larger than the byte window goes alone', () => {
    const run = connected(3);
    run.bytes = WINDOW_BYTES * 2;
    assert.deepEqual(run.on(ack({})).sends(), [[1, 3]]);
    assert.equal(run.state.consumers.b!.next, 2);
    assert.deepEqual(run.on(ack({ received: 1, done: 1 })).sends(), [[2, 3]]);
  });

  it('a consumer that replaces another starts at its cursor; a new one starts from now', () => {
    const run = connected(10)
      .on(ack({}))
      .on(ack({ received: 10, done: 6, stable: 6 }));
    run.on({ type: 'consumers', ids: ['c'], at: 0 });
    assert.equal(run.state.consumers.c!.next, 7);
    assert.equal(run.state.consumers.c!.redeliveredTo, 10);
    run.on({ type: 'consumers', ids: ['c', 'd'], at: 0 });
    assert.equal(run.state.consumers.d!.next, 11);
  });

  it('an acknowledgement of numbers never sent makes the log take a later birth', () => {
    const run = connected(10).on(ack({ received: 500, done: 500, stable: 500 }));
    assert.deepEqual(run.take().at(-1), { type: 'outborn', by: incarnation });
    run.on({ type: 'reborn', incarnation: { pe: 0, born: 6 }, at: 0 });
    assert.equal(run.state.consumers.b!.next, 1);
  });

  it('is silent towards a consumer that knows a later epoch, and meets one that knows an earlier', () => {
    const run = connected(10);
    run.take();
    const later = { pe: incarnation.pe + 1, born: 1 };
    assert.deepEqual(run.on(ack({ incarnation: later, received: 3, done: 3, stable: 3 })).take(), []);
    assert.equal(run.state.consumers.b!.stable, 0);
    const earlier = { pe: incarnation.pe - 1, born: incarnation.born + 1 };
    assert.deepEqual(run.on(ack({ incarnation: earlier })).take()[0], { type: 'probe', consumer: 'b' });
  });

  it('probes while something is owed, at growing pauses, and not when all is stable', () => {
    const run = connected(2).on(ack({}));
    run.take();
    let due = senderDue(run.state)!;
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      run.on({ type: 'tick', at: due });
      assert.deepEqual(run.take(), [{ type: 'probe', consumer: 'b' }]);
      pauses.push(senderDue(run.state)! - due);
      due = senderDue(run.state)!;
    }
    assert.deepEqual(pauses, [400, 800, 1600, 3200, 5000, 5000, 5000]);
    run.on(ack({ received: 2, done: 2, stable: 2 }));
    assert.equal(senderDue(run.state), undefined);
  });

  it('after a restart goes on from the stored cursors', () => {
    const cursors = { b: { stable: 40, start: 1, redeliveredTo: 0 } };
    const state = initSender(incarnation, { head: 50, base: 30 }, cursors);
    assert.equal(state.consumers.b!.next, 41);
    assert.equal(state.trimmed, 40);
  });

  it('after a restart marks what may have been sent before the consumer was noted', () => {
    const noted = { stable: 40, start: 1, redeliveredTo: 42, boot: { disk: 'd', count: 1 } };
    const { boot: _, ...unnoted } = noted;
    const state = initSender(incarnation, { head: 50, base: 30 }, { b: noted, c: unnoted });
    assert.equal(state.consumers.b!.redeliveredTo, 42);
    assert.equal(state.consumers.c!.redeliveredTo, 50);
  });

  it('what is marked for a consumer that forgot the log is kept', () => {
    const run = connected(10).on(ack({}));
    run.take();
    run.on(ack({ incarnation: { pe: 0, born: 0 } }));
    const kept = run.take().flatMap((e) => (e.type === 'persist' ? [e.cursor?.redeliveredTo] : []));
    assert.deepEqual(kept, [10]);
  });

  it('what is given up is not sent, is trimmed, and the next frame says so by its base', () => {
    const run = connected(10).on(ack({ credit: 5 }));
    run.on(ack({ received: 2, done: 2, stable: 2, credit: 5 }));
    run.take();
    run.on({ type: 'giveUp', upTo: 8, at: 110 });
    const effects = run.take();
    assert.ok(effects.some((e) => e.type === 'trim' && e.upTo === 8));
    assert.ok(effects.some((e) => e.type === 'persist' && e.cursor?.stable === 8));
    assert.ok(effects.some((e) => e.type === 'probe'));
    assert.deepEqual(run.on(ack({ received: 8, done: 8, stable: 8, credit: 264 })).sends(), [[9, 10]]);
  });

  it('what one consumer gives up is still owed to the others', () => {
    const run = connected(10).on({ type: 'consumers', ids: ['b', 'c'], at: 1 });
    run.on({ type: 'appended', head: 20, at: 2 }).take();
    run.on({ type: 'giveUp', upTo: 20, consumer: 'b', at: 3 });
    assert.equal(run.state.consumers.b?.stable, 20);
    assert.equal(run.state.consumers.c?.stable, 10);
    assert.equal(run.state.trimmed, 10);
  });

  it('a consumer that passes what was given up claims no number that was never sent', () => {
    const run = connected(10)
      .on(ack({ credit: 0 }))
      .on({ type: 'giveUp', upTo: 10, at: 110 });
    run.take();
    run.on(ack({ received: 10, done: 10, stable: 10 }));
    assert.deepEqual(
      run.take().filter((e) => e.type === 'outborn'),
      [],
    );
  });

  it('one that replaces another starts where that stood, whatever it wants', () => {
    const run = connected(10)
      .on({ type: 'consumers', ids: ['b', 'c'], at: 110 })
      .on(ack({ credit: 0 }))
      .on(ack({ consumer: 'c', received: 10, done: 10, stable: 10 }));
    run.on({ type: 'consumers', ids: ['b', 'd'], earliest: ['d'], at: 120 });
    assert.equal(run.state.trimmed, 0);
    assert.equal(run.state.consumers.d?.stable, 10);
  });

  it('a new consumer that wants the earliest starts at the first record held', () => {
    const run = connected(10)
      .on(ack({}))
      .on(ack({ received: 4, done: 4, stable: 4 }));
    run.on({ type: 'consumers', ids: ['b', 'c', 'd'], earliest: ['c'], at: 120 });
    assert.equal(run.state.consumers.c?.stable, 4);
    assert.equal(run.state.consumers.d?.stable, 10);
  });

  it('knows a consumer by its name alone, whatever names objects have of their own', () => {
    const run = new Run().on({ type: 'link', up: true, at: 0 }).on({ type: 'appended', head: 1, at: 0 });
    run.on({ type: 'consumers', ids: ['constructor'], at: 0 });
    assert.deepEqual(Object.keys(run.state.consumers), ['constructor']);
    const other = initSender(incarnation, { head: 1, base: 1 }, {});
    const { effects } = reduceSender(other, ack({ consumer: 'constructor' }));
    assert.deepEqual(effects, []);
  });
});

describe('retry', () => {
  it('pauses grow to a limit and connections are jittered', () => {
    assert.deepEqual([0, 1, 5, 50].map(probeDelay), [200, 400, 5_000, 5_000]);
    assert.deepEqual(
      [0, 1, 9].map((n) => reconnectDelay(n, 0)),
      [50, 100, 1_000],
    );
    assert.ok(reconnectDelay(9, 0.999) <= 2_000);
  });
});
