import assert from 'node:assert/strict';
import { pino } from 'pino';
import { startBroker } from '../../../src/orchestrator/broker/EmbeddedBroker.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { findMosquitto, startAedes, startMosquitto, type TestBroker } from '../../kit/brokers.ts';
import { type Disposables, disposables } from '../../kit/cleanup.ts';
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

describe('fleet at its start', () => {
  const kit = disposables();

  it('a broker that is down at the start is waited for', async () => {
    const broker = await startAedes(kit);
    await broker.kill();
    const sim = await startSimulatedFleet(kit, { settings: { broker: { url: broker.url } } });
    const enrolled = sim.join({ name: 'a' });
    await assert.rejects(sim.fleet.control.request('a', { method: 'streams.status', params: {} }), (e) =>
      isEchoError(e),
    );
    await broker.start();
    await enrolled;
    await waitFor(() => sim.fleet.online('a'), { what: 'a to be online' });
  });

  it('one that refuses the orchestrator ends the start, and its password is never said', async () => {
    const log = pino({ level: 'silent' });
    const broker = await startBroker({ host: '127.0.0.1', port: 0, log, authenticate: () => false });
    kit.add(broker, () => broker.close());
    const url = `mqtt://user:hidden-word@127.0.0.1:${broker.port}`;
    await assert.rejects(
      startSimulatedFleet(kit, { settings: { broker: { url } } }),
      (e) => isEchoError(e, 'ECHO_BROKER_UNREACHABLE') && !e.message.includes('hidden-word'),
    );
  });
});
