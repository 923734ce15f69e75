import assert from 'node:assert/strict';
import { parseFlow } from '../../../src/flow/parse.ts';
import { split } from '../../../src/flow/split.ts';
import { epochsOf, renewed, runningStreams } from '../../../src/orchestrator/deploy/epochs.ts';
import { node, placed, tab } from '../../flow/kit.ts';

const model = parseFlow([tab('t'), node('a', ['b']), node('b', ['c']), node('c')]);
const on = (a: string, b: string, c: string) => placed({ a, b, c });
const given = (streams: Record<string, number>) => (stream: string) => streams[stream] ?? 0;
const nothing = new Map<string, never>();

/** What stands on the gateways when `placement` has been deployed with these epochs. */
const deployed = (placement: Map<string, string>, epochs: Record<string, number>) =>
  split(model, placement, { application: 'app', epochs: new Map(Object.entries(epochs)) });

describe('producer epochs of a deploy', () => {
  const epochs = (
    placement: Map<string, string>,
    running: ReturnType<typeof runningStreams> | typeof nothing,
    highest: Record<string, number>,
  ) => Object.fromEntries(epochsOf('app', model.wires, placement, { running, highest: given(highest) }));

  it('a stream that was never there gets 1, and one that was, the next after the highest ever given', () => {
    assert.deepEqual(epochs(on('e', 'f', 'g'), nothing, { 'app/b:0': 4 }), { 'app/a:0': 1, 'app/b:0': 5 });
  });

  it('a stream that runs keeps its epoch while its producer stays, wherever its consumers go', () => {
    const running = runningStreams(deployed(on('e', 'f', 'g'), { 'app/a:0': 2, 'app/b:0': 3 }).fragments);
    const highest = { 'app/a:0': 9, 'app/b:0': 9 };
    assert.deepEqual(epochs(on('e', 'f', 'e'), running, highest), { 'app/a:0': 2, 'app/b:0': 3 });
    assert.deepEqual(epochs(on('e', 'h', 'g'), running, highest), { 'app/a:0': 2, 'app/b:0': 10 });
  });

  it('never goes below what runs, whatever is known to have been given', () => {
    const running = runningStreams(deployed(on('e', 'f', 'g'), { 'app/b:0': 3 }).fragments);
    assert.equal(epochs(on('e', 'h', 'g'), running, {})['app/b:0'], 4);
  });

  it('a split that is put back is renewed at both ends of every stream, and in nothing else', () => {
    const old = deployed(on('e', 'f', 'g'), { 'app/a:0': 2, 'app/b:0': 3 });
    const now = renewed(old, { running: nothing, highest: given({ 'app/a:0': 6, 'app/b:0': 3 }) });
    assert.deepEqual(now, deployed(on('e', 'f', 'g'), { 'app/a:0': 7, 'app/b:0': 4 }));
  });
});
