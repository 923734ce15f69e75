import assert from 'node:assert/strict';
import {
  type FragmentEvent,
  type FragmentOptions,
  type FragmentState,
  fragmentDue,
  initFragment,
  reduceFragment,
} from '../../src/wire/checkpoint.ts';

const EXACT: FragmentOptions = { exact: true, everyMs: 50 };
const EASY: FragmentOptions = { exact: false, everyMs: 500 };

/** The state after the events, and the effects of the last. */
function upon(options: FragmentOptions, ...events: FragmentEvent[]) {
  let state: FragmentState = initFragment(options);
  let effects: string[] = [];
  for (const event of events) {
    const reduced = reduceFragment(state, event);
    state = reduced.state;
    effects = reduced.effects.map(({ type }) => type);
  }
  return { state, effects };
}
const changed = (at: number): FragmentEvent => ({ type: 'changed', at });
const seen = (at: number, quiet: boolean): FragmentEvent => ({ type: 'seen', quiet, at });
const captured = (at: number, costMs = 1): FragmentEvent => ({ type: 'captured', costMs, at });
const written = (at: number, ok = true, costMs = 0): FragmentEvent => ({ type: 'written', ok, at, costMs });
const tick = (at: number): FragmentEvent => ({ type: 'tick', at });

describe('checkpoints of a fragment', () => {
  it('takes one at once when it is quiet, where results wait for it', () => {
    assert.deepEqual(upon(EXACT, changed(0)).effects, ['look']);
    assert.deepEqual(upon(EXACT, changed(0), seen(0, true)).effects, ['capture']);
    assert.deepEqual(upon(EXACT, changed(0), seen(0, false)).effects, []);
  });

  it('takes one now and then where nothing waits for it', () => {
    assert.deepEqual(upon(EASY, changed(0)).effects, []);
    assert.equal(fragmentDue(upon(EASY, changed(0)).state), 500);
    assert.deepEqual(upon(EASY, changed(0), tick(500)).effects, ['look']);
  });

  it('holds intake when work has waited for long, and goes on as soon as it has captured', () => {
    const held = [changed(0), seen(0, false), tick(50), seen(50, false)];
    assert.deepEqual(upon(EXACT, ...held).effects, ['hold']);
    assert.deepEqual(upon(EXACT, ...held, seen(51, false)).effects, []);
    assert.deepEqual(upon(EXACT, ...held, seen(52, true)).effects, ['capture']);
    assert.deepEqual(upon(EXACT, ...held, seen(52, true), captured(52)).effects, ['resume']);
  });

  it('waits for a quiet fragment as long as it takes where it is to be exact, and not for ever where it need not', () => {
    const held = (options: FragmentOptions) => [
      changed(0),
      tick(options.everyMs),
      seen(options.everyMs, false),
      seen(100_000, false),
    ];
    assert.deepEqual(upon(EXACT, ...held(EXACT)).effects, []);
    assert.deepEqual(upon(EASY, ...held(EASY)).effects, ['capture']);
  });

  it('takes one at a time', () => {
    const writing = [changed(0), seen(0, true), captured(1), changed(2)];
    assert.deepEqual(upon(EXACT, ...writing, seen(90, true)).effects, []);
    assert.deepEqual(upon(EXACT, ...writing, written(90)).effects, ['look']);
  });

  it('spends a fifth of the time on them at most', () => {
    const expensive = [changed(0), seen(0, true), captured(100, 100), written(100), changed(101)];
    assert.deepEqual(upon(EXACT, ...expensive, seen(200, true)).effects, []);
    assert.equal(fragmentDue(upon(EXACT, ...expensive).state), 500);
    assert.deepEqual(upon(EXACT, ...expensive, seen(500, true)).effects, ['capture']);
    const toWrite = [changed(0), seen(0, true), captured(100, 100), written(150, true, 50), changed(151)];
    assert.equal(fragmentDue(upon(EXACT, ...toWrite).state), 750);
  });

  it('is late by a second at most because one took long', () => {
    const stalled = [
      changed(0),
      seen(0, true),
      captured(2_000, 2_000),
      written(7_000, true, 5_000),
      changed(7_001),
    ];
    assert.equal(fragmentDue(upon(EXACT, ...stalled).state), 8_000);
  });

  it('tries again when one could not be written', () => {
    const failed = [changed(0), seen(0, true), captured(1), written(2, false)];
    assert.equal(fragmentDue(upon(EXACT, ...failed).state), 1_002);
    assert.deepEqual(upon(EXACT, ...failed, tick(1_002)).effects, ['look']);
  });

  it('takes none while nothing has changed', () => {
    assert.deepEqual(upon(EXACT, seen(0, true)).effects, []);
    assert.equal(
      fragmentDue(upon(EXACT, changed(0), seen(0, true), captured(1), written(2)).state),
      undefined,
    );
  });
});
