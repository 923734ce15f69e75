import assert from 'node:assert/strict';
import type { Via } from '../../../src/wire/nodes.ts';
import { startAedes, type TestBroker } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { Rig, range, STREAM } from './rig.ts';

describe('streams over the shared broker and that of the site', function () {
  this.timeout(30_000);
  const kit = disposables();
  let shared: TestBroker;
  let site: TestBroker;
  let gateways = 0;

  before(async () => {
    [shared, site] = [await startAedes(kit), await startAedes(kit)];
  });

  const rig = (name: string): Rig => {
    const made = new Rig(kit, `${name}${++gateways}`, shared.url);
    made.streams.connect(made.gateway, [{ url: shared.url }], [{ url: site.url }]);
    return made;
  };
  const openOut = (producer: Rig, via: Record<string, Via>) => {
    const consumers = Object.keys(via);
    const options = { stream: STREAM, epoch: 1, level: 'at-least-once', consumers, tab: 'tab' } as const;
    producer.streams.openOut({ ...options, via: new Map(Object.entries(via)) });
  };
  const openIn = (consumer: Rig, producer: Rig, via: Via) => {
    consumer.via = via;
    consumer.openIn(producer.gateway);
  };
  const arrived = (consumer: Rig, count: number) =>
    waitFor(() => consumer.numbers.length >= count, { what: `${count} records`, timeout: 20_000 });

  it('go on at the site while the shared broker is away, and over it when it is back', async () => {
    const [a, b, c] = [rig('a'), rig('b'), rig('c')];
    openOut(a, { [b.gateway]: 'site', [c.gateway]: 'shared' });
    openIn(b, a, 'site');
    c.openIn(a.gateway);
    await a.append(0, 100);
    await Promise.all([arrived(b, 100), arrived(c, 100)]);
    await shared.kill();
    await a.append(100, 500);
    await arrived(b, 500);
    assert.equal(c.numbers.length, 100);
    assert.equal(b.streams.state(STREAM).connected, true);
    assert.equal(a.streams.state(STREAM).connected, false);
    await shared.start();
    await arrived(c, 500);
    for (const consumer of [b, c]) assert.deepEqual(consumer.numbers, range(0, 500));
  });

  it('lose, repeat and reorder nothing when a redeploy gives them another broker, one end after the other', async () => {
    const [a, b] = [rig('a'), rig('b')];
    openOut(a, { [b.gateway]: 'shared' });
    b.openIn(a.gateway);
    const sent = a.append(0, 5000);
    await arrived(b, 500);
    openOut(a, { [b.gateway]: 'site' });
    openIn(b, a, 'site');
    await sent;
    await arrived(b, 2000);
    openIn(b, a, 'shared');
    openOut(a, { [b.gateway]: 'shared' });
    await arrived(b, 5000);
    assert.deepEqual(b.numbers, range(0, 5000));
    assert.equal(b.in().lost + b.in().repeated, 0);
  });

  it('keep a connection whose brokers stay the same', async () => {
    const a = rig('a');
    await waitFor(() => a.streams.connected('shared') && a.streams.connected('site'), { what: 'both' });
    a.streams.connect(a.gateway, [{ url: shared.url }]);
    assert.deepEqual([a.streams.connected('shared'), a.streams.connected('site')], [true, false]);
  });
});
