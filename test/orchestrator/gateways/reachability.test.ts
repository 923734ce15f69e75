import assert from 'node:assert/strict';
import type { BrokerReach, GatewayFacts } from '../../../src/wire/control.ts';
import { PROTOCOL_VERSION } from '../../../src/wire/topics.ts';
import { disposables } from '../../kit/cleanup.ts';
import type { SimulatedGateway } from '../../kit/simulator/index.ts';
import { type SimulatedFleet, startSimulatedFleet } from '../../kit/simulator/simulatedFleet.ts';
import { waitFor } from '../../kit/wait.ts';

describe('the reachability map of a living fleet', () => {
  const kit = disposables();
  let sim: SimulatedFleet;

  before(async () => {
    sim = await startSimulatedFleet(kit);
  });

  const join = (name: string, facts: Partial<GatewayFacts>) => sim.join({ name, facts });
  /** What a real agent says of its brokers beside the rest. */
  const says = (gateway: SimulatedGateway, grant: string | undefined, brokers: BrokerReach[]) =>
    gateway.control.say({
      ...{ v: PROTOCOL_VERSION, type: 'heartbeat', boot: gateway.control.boot, at: Date.now() },
      ...gateway.control.load,
      ...{ nodes: {}, streams: [], gates: [], brokers, grant },
    });
  const renewals = ({ control }: SimulatedGateway) =>
    control.requests.filter(({ method }) => method === 'gateway.renew').length;
  const hall = () => sim.fleet.brokers().find(({ name }) => name === 'site/hall');

  it('asks a gateway to enrol again when what it was granted has changed, and no other', async () => {
    const fog = await join('fog-1', { site: 'hall', siteBroker: 'mqtt://fog-1:1890' });
    const before = fog.identity?.grant;
    assert.deepEqual(Object.keys(fog.identity?.members ?? {}), ['fog-1']);
    await says(fog, before, []);
    const edge = await join('edge-1', { site: 'hall' });
    assert.equal(edge.identity?.site?.brokers[0]?.url, 'mqtt://fog-1:1890');
    await says(edge, edge.identity?.grant, []);
    await says(fog, before, []);
    await waitFor(() => renewals(fog) > 0, { what: 'fog-1 to be asked' });
    assert.equal(renewals(edge), 0);
    fog.control.vanish();
    const { members } = await fog.enrol((request) => sim.fleet.enrol(request));
    assert.deepEqual(Object.keys(members ?? {}), ['edge-1', 'fog-1']);
  });

  it('shows who reaches what, in the registry too', async () => {
    const edge = await join('edge-2', { site: 'hall' });
    edge.control.freeze();
    await says(edge, edge.identity?.grant, [
      { role: 'shared', url: 'mqtt://127.0.0.1:1', reachable: true },
      { role: 'site', url: 'mqtt://fog-1:1890', reachable: false },
    ]);
    const probed = () => hall()?.gateways.find(({ gateway }) => gateway === 'edge-2')?.probed;
    await waitFor(() => probed() === false, { what: 'the probe' });
    await waitFor(
      () => {
        const pairs = sim.registry.get('/gateway/edge-2')?.['item-metadata'] ?? [];
        return pairs.some(({ rel, val }) => rel.endsWith(':reachesBroker') && val === 'shared');
      },
      { what: 'the registry to show it', timeout: 20_000 },
    );
  }).timeout(30_000);

  it('knows nothing of a gateway that went silent', async () => {
    await waitFor(() => hall()?.gateways.every(({ probed }) => probed === undefined), {
      what: 'the probe to be forgotten',
    });
  });
});
