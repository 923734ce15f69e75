import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { config, Runtime, TAB } from '../kit/runtime.ts';

describe('gate', () => {
  const kit = disposables();
  const close = (runtime: Runtime) =>
    runtime.gate.close('d1', { tabs: [TAB], level: 'all', leaseMs: 60_000, sealed: false });

  it('what is still waiting when another deploy stops the nodes goes to their successors, in order', async () => {
    const runtime = new Runtime(kit);
    const nodes = [config('in', ['a']), config('a')];
    runtime.startNodes(...nodes);
    close(runtime);
    const all = Array.from({ length: 300 }, (_, i) => `a:${i}`);
    for (const i of all.keys()) runtime.send('in', ['a'], { payload: i });
    runtime.gate.open('d1', 'drop');
    await turn();
    assert.ok(runtime.received.length > 0 && runtime.received.length < 300);
    runtime.stopNodes();
    await turn();
    await turn();
    runtime.startNodes(...nodes);
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual(runtime.received, all);
  });

  it('copies of one message that were on their way enter the stream of their tasks once', async () => {
    const runtime = new Runtime(kit);
    runtime.startNodes(config('in', ['a', 'b']), config('a'), config('b'));
    runtime.send('in', ['a', 'b'], { payload: 1 });
    runtime.send('in', ['a', 'b'], { payload: 2 });
    close(runtime);
    await turn();
    runtime.stopNodes();
    const consumers = [{ gateway: 'cloud', tasks: ['a', 'b'] }];
    const out = config('out', [], { type: 'echo out', stream: 'app/in:0', consumers });
    runtime.startNodes(config('in', ['out']), out);
    const opened = runtime.gate.open('d1', 'drop');
    await turn();
    assert.deepEqual(runtime.received, ['out:1', 'out:2']);
    assert.deepEqual(opened, { delivered: 0, rerouted: 2, dropped: 0 });
  });

  it('holds as much as it may, drops what comes on top, and says how much', async () => {
    const runtime = new Runtime(kit, 10);
    runtime.startNodes(config('in', ['a']), config('a'));
    close(runtime);
    for (let i = 0; i < 15; i++) runtime.send('in', ['a'], { payload: i });
    assert.equal(runtime.gate.status('d1').held, 10);
    assert.match(runtime.warnings.join('\n'), /ECHO_GATE_FULL/);
    assert.equal(runtime.gate.open('d1', 'drop').dropped, 5);
    await turn();
    assert.deepEqual(
      runtime.received,
      Array.from({ length: 10 }, (_, i) => `a:${i}`),
    );
  });

  it('a deploy that opens it during a pause is told what became of what it held, and the pause lets it in', async () => {
    const runtime = new Runtime(kit);
    runtime.startNodes(config('in', ['a', 'gone']), config('a'), config('gone'));
    close(runtime);
    runtime.gate.pause('app', new Set([TAB]));
    for (const i of [1, 2]) runtime.send('in', ['a', 'gone'], { payload: i });
    runtime.stopNodes();
    runtime.startNodes(config('in', ['a']), config('a'));
    assert.deepEqual(runtime.gate.open('d1', 'drop'), { delivered: 2, rerouted: 0, dropped: 2 });
    await turn();
    assert.deepEqual(runtime.received, []);
    runtime.gate.resume('app');
    await turn();
    assert.deepEqual(runtime.received, ['a:1', 'a:2']);
  });

  it('after a pause lets in what waits as fast as a source at full speed sends on', async () => {
    const runtime = new Runtime(kit, 10_000);
    runtime.startNodes(config('in', ['a']), config('a'));
    const all: string[] = [];
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) runtime.send('in', ['a'], { payload: all.push(`a:${all.length}`) - 1 });
    };
    runtime.gate.pause('app', new Set([TAB]));
    send(500);
    runtime.gate.resume('app');
    for (let i = 0; i < 40; i++) {
      send(500);
      await turn();
    }
    await waitFor(() => runtime.received.length === all.length, { what: 'the rest' });
    assert.deepEqual(runtime.received, all);
    assert.deepEqual(runtime.warnings, []);
  });

  it('looks at the routes of messages only while something may have to be held', async () => {
    const runtime = new Runtime(kit);
    runtime.startNodes(config('in', ['a']), config('a'));
    assert.equal(runtime.hooked('preRoute'), false);
    close(runtime);
    runtime.send('in', ['a'], { payload: 1 });
    runtime.gate.open('d1', 'drop');
    assert.equal(runtime.hooked('preRoute'), true);
    await turn();
    assert.equal(runtime.hooked('preRoute'), false);
    runtime.stopNodes();
    assert.equal(runtime.hooked('preRoute'), true);
    runtime.startNodes(config('in', ['a']), config('a'));
    assert.equal(runtime.hooked('preRoute'), false);
    assert.deepEqual(runtime.received, ['a:1']);
  });
});
