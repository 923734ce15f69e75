import assert from 'node:assert/strict';
import { statusOf } from '../../../nodes/gateway/src/nodes/status.ts';
import type { StreamState } from '../../../nodes/gateway/src/ports.ts';

describe('status of a wire node', () => {
  const state = (change: Partial<StreamState>): StreamState => ({
    connected: true,
    waiting: 0,
    passed: 0,
    full: false,
    lost: 0,
    ...change,
  });
  const text = (now: StreamState | undefined, before?: StreamState): string => {
    const { fill, shape, text } = statusOf(now, before);
    assert.ok(text.length < 20);
    return `${fill} ${shape} ${text}`;
  };

  it('is green while records pass', () => {
    assert.equal(text(state({})), 'green dot connected');
    assert.equal(
      text(state({ waiting: 40, passed: 900 }), state({ waiting: 30, passed: 100 })),
      'green dot connected',
    );
  });

  it('tells how many wait when none passes, or many do', () => {
    assert.equal(
      text(state({ waiting: 5, passed: 9 }), state({ waiting: 5, passed: 9 })),
      'yellow ring 5 waiting',
    );
    assert.equal(text(state({ waiting: 123_456, passed: 9 })), 'yellow ring 123k waiting');
    assert.equal(text(state({ waiting: 98_765_432_100 })), 'yellow ring 98765M waiting');
  });

  it('tells of records that a task did not complete, when there are more', () => {
    assert.equal(text(state({ unfollowed: 3 }), state({ unfollowed: 2 })), 'yellow ring 3 unfollowed');
    assert.equal(text(state({ unfollowed: 3 }), state({ unfollowed: 3 })), 'green dot connected');
  });

  it('tells what is broken', () => {
    assert.equal(text(undefined), 'red ring no agent');
    assert.equal(text(state({ connected: false, waiting: 3 })), 'red ring disconnected');
    assert.equal(text(state({ full: true, connected: false })), 'red ring log full');
    assert.equal(text(state({ full: true, lost: 12_345 }), state({ lost: 12_000 })), 'red ring 12k lost');
    assert.equal(text(state({ lost: 12_345 }), state({ lost: 12_345 })), 'green dot connected');
  });
});
