import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Outcome } from '../../../nodes/gateway/src/ports.ts';
import { disposables } from '../../kit/cleanup.ts';
import { config, NEVER, Runtime, TAB } from '../kit/runtime.ts';

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

  it('what was forsaken is not waited for again, what comes after it is', async () => {
    const runtime = new Runtime(kit);
    const { follower } = runtime;
    const tabs = new Set([TAB]);
    runtime.startNodes(
      config('in', ['stuck', 'works']),
      config('stuck', [], { type: NEVER }),
      config('works'),
    );
    runtime.send('in', ['stuck'], {});
    await turn();
    assert.equal(follower.quiet(tabs), false);
    follower.forsake(tabs);
    assert.equal(follower.quiet(tabs), true);
    runtime.send('in', ['works'], {});
    assert.equal(follower.quiet(tabs), false);
    await turn();
    assert.equal(follower.quiet(tabs), true);
    runtime.send('in', ['stuck'], {});
    await turn();
    assert.equal(follower.quiet(tabs), false);
  });
});
