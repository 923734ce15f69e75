import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { Completions } from '../../../nodes/gateway/src/nodes/Completions.ts';

describe('completions', () => {
  it('each message completes with what its promise says, also one that joins a settled promise', async () => {
    const completions = new Completions();
    const said: string[] = [];
    const done = (name: string) => (error?: unknown) => void said.push(`${name} ${error ?? 'done'}`);
    const good = Promise.resolve();
    const bad = Promise.reject('refused');
    completions.add(good, done('a'));
    completions.add(good, done('b'));
    completions.add(bad, done('c'));
    completions.add(bad, done('d'));
    assert.deepEqual(said, []);
    await turn();
    assert.deepEqual(said, ['a done', 'b done', 'c refused', 'd refused']);
    completions.add(bad, done('e'));
    await turn();
    assert.deepEqual(said.slice(4), ['e refused']);
  });
});
