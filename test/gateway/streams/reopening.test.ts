import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { folderName } from '../../../nodes/gateway/src/files.ts';
import { startAedes, type TestBroker } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { Rig, range, STREAM } from './rig.ts';

describe('streams opened on a full disk', function () {
  this.timeout(20_000);
  const kit = disposables();
  const next = 'app/next:0';
  let broker: TestBroker;
  before(async () => {
    broker = await startAedes(kit);
  });

  /** The log of the stream can be made once this was called. */
  function withoutRoom({ folder }: Rig, stream: string): () => void {
    const log = join(folder, 'streams', folderName(stream), '1');
    mkdirSync(log, { recursive: true });
    symlinkSync('/dev/full', join(log, 'log.json.new'));
    return () => rmSync(join(log, 'log.json.new'));
  }

  it('are opened when there is room, and refuse what comes before', async function () {
    if (process.platform !== 'linux') this.skip();
    const [a, b] = [new Rig(kit, 'a', broker.url), new Rig(kit, 'b', broker.url)];
    const makeRoom = withoutRoom(a, STREAM);
    a.openOut([b.gateway]);
    b.openIn(a.gateway);
    await assert.rejects(a.append(0, 1), { code: 'ECHO_STREAM_NOT_OPEN' });
    assert.equal(a.streams.state(STREAM).full, true);
    makeRoom();
    await waitFor(() => !a.streams.state(STREAM).full, { what: 'the open stream' });
    await a.append(1, 4);
    await waitFor(() => b.arrivals.length === 3, { what: 'what was appended' });
    assert.deepEqual(b.numbers, range(1, 4));
  });

  it('hold back what is to be handed over, and checkpoints', async function () {
    if (process.platform !== 'linux') this.skip();
    const [up, middle] = [new Rig(kit, 'up', broker.url), new Rig(kit, 'middle', broker.url)];
    const makeRoom = withoutRoom(middle, next);
    up.openOut([middle.gateway]);
    middle.openIn(up.gateway);
    await up.append(0, 1);
    await waitFor(() => middle.arrivals.length === 1, { what: 'the first arrival' });
    const onward = {
      stream: next,
      epoch: 1,
      level: 'at-least-once',
      consumers: ['nobody'],
      tab: 'tab',
    } as const;
    middle.streams.openOut(onward);
    await up.append(1, 4);
    await waitFor(() => middle.in().received === 4, { what: 'what was received' });
    assert.deepEqual([middle.numbers, middle.streams.quiet(new Set(['tab']))], [[0], false]);
    makeRoom();
    await waitFor(() => middle.arrivals.length === 4, { what: 'what was held' });
    assert.deepEqual(middle.numbers, range(0, 4));
  });

  it('are forgotten when they are closed before there is room', async function () {
    if (process.platform !== 'linux') this.skip();
    const a = new Rig(kit, 'c', broker.url);
    withoutRoom(a, STREAM);
    a.openOut(['nobody']);
    await a.streams.closeOut(STREAM);
    assert.equal(a.streams.state(STREAM).full, false);
  });
});
