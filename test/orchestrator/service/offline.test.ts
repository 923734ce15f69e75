/** Gateways that are away when a deploy wants them. */
import assert from 'node:assert/strict';
import { disposables } from '../../kit/cleanup.ts';
import type { SimulatedGateway } from '../../kit/simulator/index.ts';
import { waitFor } from '../../kit/wait.ts';
import { chain, gatesOf, joinThree, ownFlow, type Rig, startRig } from './rig.ts';

describe('a gateway that is away', () => {
  const kit = disposables();
  let rig: Rig;
  let gateways: SimulatedGateway[];
  let fog: SimulatedGateway;
  before(async () => {
    rig = await startRig(kit);
    gateways = await joinThree(rig.sim);
    fog = gateways[1]!;
  });
  const leave = async () => {
    fog.control.vanish();
    await waitFor(() => !rig.sim.fleet.online('fog-1'), { what: 'fog-1 to be away' });
  };
  const status = (id: string) => rig.orchestrator.application(id).status;
  const comeBack = async (id: string) => {
    await fog.restart();
    await waitFor(() => status(id) === 'running', { what: `${id} to run` });
  };
  const allow = { allowOffline: true };

  it('is named by the plan, and a deploy is refused', async () => {
    await leave();
    const plan = await rig.orchestrator.plan({ flow: chain() });
    assert.equal(plan.gateways.find((g) => g.gateway === 'fog-1')?.online, false);
    assert.deepEqual(
      plan.blockers.map((b) => [b.code, b.where]),
      [['ECHO_GATEWAY_OFFLINE', 'fog-1']],
    );
    await assert.rejects(rig.orchestrator.deploy({ flow: chain() }), { code: 'ECHO_GATEWAY_OFFLINE' });
    for (const { name, admin } of gateways) assert.deepEqual(admin.flows, ownFlow(name));
  });

  it('is completed when it returns, if the deploy allows that', async () => {
    const deployment = await rig.orchestrator.deploy({
      flow: chain().map((n) => (n.id === 'c-fn' ? { ...n, credentials: { key: 's' } } : n)),
      options: allow,
    });
    assert.equal(deployment.status, 'pending-offline');
    assert.deepEqual(deployment.pending, ['fog-1']);
    assert.equal(status(deployment.application), 'pending-offline');
    await comeBack(deployment.application);
    assert.ok(fog.admin.flows.some((n) => n.id === 'c-fn'));
    assert.deepEqual(fog.admin.flows.slice(0, 3), ownFlow('fog-1'));
    assert.deepEqual(fog.admin.credentials.get('c-fn'), { key: 's' });
    assert.deepEqual(gatesOf(gateways), []);
    assert.equal((await rig.orchestrator.diff(deployment.application)).clean, true);
  });

  it('gets the newest version when several were deployed meanwhile', async () => {
    const { id } = rig.orchestrator.applications()[0]!;
    await leave();
    await rig.orchestrator.deploy({ flow: chain('return 2;'), options: allow });
    await rig.orchestrator.deploy({ flow: chain('return 3;'), options: allow });
    await comeBack(id);
    assert.equal(fog.admin.flows.find((n) => n.id === 'c-fn')?.func, 'return 3;');
    assert.equal((await rig.orchestrator.diff(id)).clean, true);
  });

  it('keeps the streams of a task that left it and came back while it was away', async () => {
    const { id } = rig.orchestrator.applications()[0]!;
    await leave();
    const onEdge = chain().map((n) => (n.id === 'c-fn' ? { ...n, echo: { tier: 'edge' } } : n));
    await rig.orchestrator.deploy({ flow: onEdge, options: allow });
    await rig.orchestrator.deploy({ flow: chain(), options: allow });
    await comeBack(id);
    await waitFor(() => rig.sim.store.journal.unfinished().length === 0, { what: 'the deploys to end' });
    const used = fog.control.streams().map(({ stream }) => stream);
    assert.equal(used.length, 2);
    assert.deepEqual(
      fog.control.retired.filter((stream) => used.includes(stream)),
      [],
    );
  });

  it('loses the fragment when it returns to an application that was removed', async () => {
    const { id } = rig.orchestrator.applications()[0]!;
    await leave();
    await rig.orchestrator.remove(id);
    assert.ok(fog.admin.flows.some((n) => n.id === 'c-fn'));
    assert.deepEqual(rig.orchestrator.applications(), []);
    await fog.restart();
    await waitFor(() => !fog.admin.flows.some((n) => n.id === 'c-fn'), { what: 'the fragment to go' });
    assert.deepEqual(fog.admin.flows, ownFlow('fog-1'));
    await waitFor(() => rig.sim.fleet.get('fog-1').health === 'up', { what: 'fog-1 to be up' });
  });

  it('can be taken out of the fleet by force', async () => {
    await rig.orchestrator.deploy({ flow: chain() });
    await leave();
    await assert.rejects(rig.orchestrator.removeGateway('fog-1'), { code: 'ECHO_GATEWAY_OFFLINE' });
    await rig.orchestrator.removeGateway('fog-1', { force: true });
    assert.equal(rig.sim.fleet.has('fog-1'), false);
    assert.equal(rig.orchestrator.applications()[0]?.status, 'stopped');
    await assert.rejects(rig.orchestrator.deploy({ flow: chain() }), {
      code: 'ECHO_PLACEMENT_UNSATISFIABLE',
    });
  });
});

describe('an orchestrator that ends', () => {
  const kit = disposables();

  it('begins nothing more for gateways that are back, and forgets none of them', async () => {
    const rig = await startRig(kit);
    const [, fog, cloud] = (await joinThree(rig.sim)) as [unknown, SimulatedGateway, SimulatedGateway];
    for (const { control } of [fog, cloud]) control.vanish();
    const away = ['fog-1', 'cloud-1'];
    await waitFor(() => !away.some((name) => rig.sim.fleet.online(name)), { what: 'both to be away' });
    await rig.orchestrator.deploy({ flow: chain(), options: { allowOffline: true } });
    const asked = () => [fog, cloud].map(({ control }) => control.requests.length);
    const before = asked();
    for (const { control } of [fog, cloud]) control.faults.plan('gate.close', { kind: 'silence' });
    await Promise.all([fog.restart(), cloud.restart()]);
    const since = () => asked().map((count, i) => count - before[i]!);
    await waitFor(() => since().some((count) => count > 0), { what: 'one of them to be asked' });
    await rig.orchestrator.close();
    assert.deepEqual(since().sort(), [0, 1]);
    assert.equal(rig.sim.store.deployed.pending().length, 2);
  });
});
