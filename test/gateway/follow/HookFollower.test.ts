import assert from 'node:assert/strict';
import type { Outcome } from '../../../nodes/gateway/src/ports.ts';
import { disposables } from '../../kit/cleanup.ts';
import { config, Runtime } from '../kit/runtime.ts';

describe('follow', () => {
  const kit = disposables();

  it('a message that cannot even be sent settles once, as an error, and is no matter of who delivers', () => {
    const runtime = new Runtime(kit);
    runtime.startNodes(config('in'));
    const outcomes: Outcome[] = [];
    const send = (): void => {
      throw new Error('made to fail');
    };
    const lineage = { origin: { stream: 'app/in:0', seq: 1 }, id: 1 };
    runtime.follower.follow(lineage, send, (outcome) => outcomes.push(outcome));
    assert.deepEqual(outcomes, [{ kind: 'error', message: 'made to fail' }]);
  });
});
