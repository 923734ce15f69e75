import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HealthMonitor } from '../../../src/orchestrator/health/HealthMonitor.ts';
import {
  type Liveness,
  type LivenessEvent,
  step,
  unheard,
} from '../../../src/orchestrator/health/liveness.ts';

const limits = { staleMs: 1_000 };
const run = (...events: LivenessEvent[]): Liveness => events.reduce((s, e) => step(s, e, limits), unheard(0));

describe('liveness', () => {
  it('is stale until the first word, down when there is none in time', () => {
    assert.equal(run().health, 'stale');
    assert.equal(run({ kind: 'tick', at: 3_000 }).health, 'stale');
    assert.equal(run({ kind: 'tick', at: 3_001 }).health, 'down');
  });

  it('goes up with a word, stale after staleMs of silence, down after three times that', () => {
    const heard: LivenessEvent = { kind: 'heard', at: 500 };
    assert.equal(run(heard).health, 'up');
    assert.equal(run(heard, { kind: 'tick', at: 1_500 }).health, 'up');
    assert.equal(run(heard, { kind: 'tick', at: 1_501 }).health, 'stale');
    assert.equal(run(heard, { kind: 'tick', at: 3_501 }).health, 'down');
  });

  it('goes down at once with its last will, and up again with its next word', () => {
    const dead = run({ kind: 'heard', at: 1 }, { kind: 'offline', at: 2 });
    assert.deepEqual([dead.health, dead.connected], ['down', false]);
    assert.equal(step(dead, { kind: 'heard', at: 3 }, limits).health, 'up');
  });

  it('is degraded while there is any trouble, and only while it lives', () => {
    const trouble = (source: string, reason?: string): LivenessEvent => ({ kind: 'trouble', source, reason });
    const heard: LivenessEvent = { kind: 'heard', at: 1 };
    assert.equal(run(trouble('admin', 'x')).health, 'stale');
    assert.equal(run(trouble('admin', 'x'), heard).health, 'degraded');
    assert.equal(
      run(heard, trouble('admin', 'x'), trouble('disk', 'y'), trouble('admin')).health,
      'degraded',
    );
    assert.equal(run(heard, trouble('admin', 'x'), trouble('admin')).health, 'up');
  });

  it('does not count a silence in which the orchestrator could not hear', () => {
    const heard: LivenessEvent = { kind: 'heard', at: 0 };
    const resumed: LivenessEvent = { kind: 'resumed', at: 60_000 };
    assert.equal(run(heard, resumed, { kind: 'tick', at: 60_900 }).health, 'up');
    assert.equal(run(heard, resumed, { kind: 'tick', at: 61_001 }).health, 'stale');
  });

  it('is up or degraded only if something was heard within staleMs, whatever happens', () => {
    const event = fc.oneof(
      fc.constant('heard' as const),
      fc.constant('offline' as const),
      fc.constant('tick' as const),
      fc.constant('trouble' as const),
      fc.constant('well' as const),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.integer({ min: 1, max: 2_000 }))), (script) => {
        let at = 0;
        let heardAt = Number.NEGATIVE_INFINITY;
        let state = unheard(0);
        for (const [kind, wait] of script) {
          at += wait;
          if (kind === 'trouble' || kind === 'well')
            state = step(
              state,
              { kind: 'trouble', source: 's', reason: kind === 'well' ? undefined : 'r' },
              limits,
            );
          else state = step(state, { kind, at }, limits);
          if (kind === 'heard') heardAt = at;
          if (kind === 'tick' && (state.health === 'up' || state.health === 'degraded'))
            assert.ok(at - heardAt <= limits.staleMs);
          if (state.health === 'down') assert.equal(state.connected, false);
        }
      }),
    );
  });
});

describe('health monitor', () => {
  it('takes nobody down while the orchestrator itself is cut off, and counts anew afterwards', () => {
    let now = 0;
    let hears = true;
    const changes: string[] = [];
    const monitor = new HealthMonitor({
      staleMs: 1_000,
      clock: () => now,
      hears: () => hears,
      onChange: ({ gateway, to }) => changes.push(`${gateway} ${to}`),
    });
    monitor.add('a');
    monitor.tick();
    monitor.heard('a');
    hears = false;
    for (now = 0; now < 60_000; now += 500) monitor.tick();
    hears = true;
    monitor.tick();
    assert.deepEqual(changes, ['a up']);
    now += 1_001;
    monitor.tick();
    assert.deepEqual(changes, ['a up', 'a stale']);
  });

  it('knows nothing of gateways nobody added, and says so by down', () => {
    const monitor = new HealthMonitor({ staleMs: 1_000, hears: () => true, onChange: () => assert.fail() });
    monitor.heard('stranger');
    assert.equal(monitor.get('stranger').health, 'down');
  });
});
