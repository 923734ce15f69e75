import assert from 'node:assert/strict';
import { isEchoError } from '../../../src/wire/errors.ts';
import { findMosquitto, startAedes, startMosquitto, type TestBroker } from '../../kit/brokers.ts';
import { type Disposables, disposables, freePort } from '../../kit/cleanup.ts';
import { startSimulatedFleet } from '../../kit/simulator/simulatedFleet.ts';
import { skip } from '../../kit/skip.ts';
import { waitFor } from '../../kit/wait.ts';

const brokers: Record<string, (kit: Disposables) => Promise<TestBroker>> = {
  mosquitto: startMosquitto,
  Aedes: startAedes,
};

for (const [name, start] of Object.entries(brokers)) {
  describe(`fleet over an external broker: ${name}`, () => {
    const kit = disposables();
    before(function () {
      if (name === 'mosquitto' && findMosquitto() === undefined) skip(this, 'mosquitto is not installed');
    });

    it('lives through a restart of the broker: nobody goes down, everybody is told up again', async function () {
      this.timeout(30_000);
      const broker = await start(kit);
      const sim = await startSimulatedFleet(kit, { settings: { broker: { url: broker.url } } });
      for (const id of ['a', 'b']) await sim.join({ name: id });
      assert.equal(sim.brokerUrl, broker.url);
      const changes: string[] = [];
      sim.fleet.on('gateway', (id, change) => changes.push(`${id} ${change}`));
      const ups = new Set<string>();
      sim.fleet.onUp((id) => ups.add(id));
      await broker.kill();
      await waitFor(() => !sim.fleet.online('a'), { what: 'a to be out of reach' });
      const ask = sim.fleet.control.request('a', { method: 'streams.status', params: {} });
      await assert.rejects(ask, (e) => isEchoError(e, 'ECHO_BROKER_UNREACHABLE'));
      await broker.start();
      await waitFor(() => ups.size === 2, { what: 'both to be told up again' });
      assert.ok(sim.fleet.online('a') && sim.fleet.online('b'));
      assert.ok(!changes.some((change) => change.endsWith('down')), changes.join());
      assert.deepEqual(await sim.fleet.control.request('b', { method: 'streams.status', params: {} }), []);
    });
  });
}

describe('fleet over no broker', () => {
  const kit = disposables();

  it('says that the broker cannot be reached, and never its password', async () => {
    const url = `mqtt://user:hidden-word@127.0.0.1:${await freePort()}`;
    await assert.rejects(
      startSimulatedFleet(kit, { settings: { broker: { url } } }),
      (e) => isEchoError(e, 'ECHO_BROKER_UNREACHABLE') && !e.message.includes('hidden-word'),
    );
  });
});
