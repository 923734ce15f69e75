import assert from 'node:assert/strict';
import { firstValue } from '../../../src/registry/types.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { disposables } from '../../kit/cleanup.ts';
import { type SimulatedFleet, startSimulatedFleet } from '../../kit/simulator/simulatedFleet.ts';
import { waitFor } from '../../kit/wait.ts';

describe('fleet', () => {
  const kit = disposables();
  let sim: SimulatedFleet;
  before(async () => {
    sim = await startSimulatedFleet(kit);
  });

  it('shows an enrolled gateway with what it can do, through the registry', async () => {
    await sim.join({ name: 'edge-a', tier: 'edge', capabilities: ['camera'], maxTasks: 7, site: 'hall' });
    const view = sim.fleet.get('edge-a');
    assert.equal(view.health, 'up');
    assert.equal(view.tier, 'edge');
    assert.equal(view.site, 'hall');
    assert.deepEqual(view.capabilities, ['camera']);
    assert.equal(view.maxTasks, 7);
    assert.ok(view.nodeTypes.includes('inject'));
    assert.equal(sim.registry.get('/gateway/edge-a')?.href, '/gateway/edge-a');
    assert.ok(sim.fleet.online('edge-a'));
    const [candidate] = sim.fleet.candidates(new Map([['edge-a', 3]]));
    assert.equal(candidate?.freeTasks, 4);
  });

  it('keeps every secret out of the registry', async () => {
    const user = { username: 'echo', password: 'pass-4711-secret' };
    const gateway = await sim.join({ name: 'edge-secret', user });
    const text = JSON.stringify(sim.registry.catalogue());
    assert.ok(!text.includes(user.password));
    assert.ok(!text.includes(gateway.identity?.secret ?? 'none'));
  });

  it('calls a gateway degraded, with the reason, until its admin API can be used', async () => {
    const gateway = sim.simulator.add({ name: 'edge-late' });
    gateway.admin.faults.plan('GET /settings', { kind: 'answer', status: 503 }, { times: 2 });
    const { token } = sim.desk.createToken();
    const ups: string[] = [];
    const stop = sim.fleet.onUp((id) => ups.push(id));
    await gateway.enrol((request) => sim.fleet.enrol(request), token);
    await waitFor(() => sim.fleet.get('edge-late').troubles?.[0]?.includes('503'), { what: 'the reason' });
    assert.equal(sim.fleet.get('edge-late').health, 'degraded');
    assert.deepEqual(ups, []);
    await waitFor(() => sim.fleet.get('edge-late').health === 'up', { what: 'edge-late to be up' });
    assert.deepEqual(ups, ['edge-late']);
    stop();
  });

  it('calls a gateway whose wire nodes are switched off degraded', async () => {
    const gateway = sim.simulator.add({ name: 'edge-bare', nodeTypes: ['inject'] });
    await gateway.enrol((request) => sim.fleet.enrol(request), sim.desk.createToken().token);
    const reason = await waitFor(
      () => sim.fleet.get('edge-bare').troubles?.find((t) => t.includes('echo in')),
      {
        what: 'the reason',
      },
    );
    assert.match(reason, /palette manager/);
  });

  it('calls a gateway down when its last will comes, and up when it is back', async () => {
    const gateway = await sim.join({ name: 'edge-mortal' });
    const changes: string[] = [];
    const stop = sim.fleet.on('gateway', (id, change) => id === 'edge-mortal' && changes.push(change));
    gateway.control.vanish();
    await waitFor(() => sim.fleet.get('edge-mortal').health === 'down', { what: 'edge-mortal to be down' });
    assert.ok(!sim.fleet.online('edge-mortal'));
    const ups: string[] = [];
    const stopUp = sim.fleet.onUp((id) => ups.push(id));
    await gateway.restart();
    await waitFor(() => ups.includes('edge-mortal'), { what: 'onUp' });
    assert.equal(sim.fleet.get('edge-mortal').health, 'up');
    assert.deepEqual(changes, ['down', 'degraded', 'up']);
    stop();
    stopUp();
  });

  it('calls a silent gateway stale, then down, and up at its next word', async () => {
    const gateway = await sim.join({ name: 'edge-hung' });
    const changes: string[] = [];
    const stop = sim.fleet.on('gateway', (id, change) => id === 'edge-hung' && changes.push(change));
    gateway.control.freeze();
    await waitFor(() => changes.includes('down'), { what: 'edge-hung to be down' });
    assert.deepEqual(changes, ['stale', 'down']);
    await gateway.control.heartbeat();
    await waitFor(() => sim.fleet.get('edge-hung').health === 'up', { what: 'edge-hung to be up' });
    stop();
  });

  it('asks an agent and gets its reply', async () => {
    const gateway = await sim.join({ name: 'edge-ask' });
    const params = { deploy: 'd1', tabs: ['t'], level: 'all', leaseMs: 5_000, sealed: false } as const;
    const status = await sim.fleet.control.request('edge-ask', {
      method: 'gate.close',
      params: { ...params, tabs: ['t'] },
    });
    assert.equal(status.level, 'all');
    assert.equal(gateway.control.gateLevel('d1'), 'all');
    const opened = await sim.fleet.control.request('edge-ask', {
      method: 'gate.open',
      params: { deploy: 'd1', orphans: 'drop' },
    });
    assert.deepEqual(opened, { delivered: 0, rerouted: 0, dropped: 0 });
  });

  it('says so when an agent does not answer, fails, or answers rubbish', async () => {
    const gateway = await sim.join({ name: 'edge-mute' });
    const ask = () =>
      sim.fleet.control.request('edge-mute', { method: 'gate.status', params: { deploy: 'd' } });
    gateway.control.faults.plan('gate.status', { kind: 'silence' });
    await assert.rejects(
      ask,
      (e) => isEchoError(e, 'ECHO_GATEWAY_NO_REPLY') && e.message.includes('edge-mute'),
    );
    gateway.control.faults.plan('gate.status', { kind: 'answer', status: 500 });
    await assert.rejects(ask, (e) => isEchoError(e, 'ECHO_GATEWAY_AGENT_FAILED'));
    const unknown = sim.fleet.control.request('nobody', { method: 'streams.status', params: {} });
    await assert.rejects(unknown, (e) => isEchoError(e, 'ECHO_GATEWAY_UNKNOWN'));
  });

  it('ignores what an older boot says', async () => {
    const gateway = await sim.join({ name: 'edge-boots' });
    const old = gateway.control.boot;
    gateway.control.boot = { ...old, count: old.count + 1 };
    gateway.control.load = { ...gateway.control.load, cpuPct: 42 };
    await gateway.control.heartbeat();
    await waitFor(() => sim.fleet.get('edge-boots').cpuPct === 42, { what: 'the new boot' });
    gateway.control.freeze();
    const loads: number[] = [];
    const stop = sim.fleet.on('heartbeat', (id, beat) => id === 'edge-boots' && loads.push(beat.cpuPct));
    gateway.control.boot = old;
    gateway.control.load = { ...gateway.control.load, cpuPct: 99 };
    await gateway.control.heartbeat();
    gateway.control.boot = { ...old, count: old.count + 1 };
    gateway.control.load = { ...gateway.control.load, cpuPct: 43 };
    await gateway.control.heartbeat();
    await waitFor(() => sim.fleet.get('edge-boots').cpuPct === 43, { what: 'the new boot again' });
    assert.ok(!loads.includes(99));
    stop();
  });

  it('counts malformed control messages of every kind and goes on', async () => {
    const gateway = await sim.join({ name: 'edge-rubbish' });
    const rubbish = [
      '',
      'null',
      '[]',
      '{"v":1}',
      '{"v":2,"type":"hello"}',
      '\u0000\uffff',
      'x'.repeat(100_000),
    ];
    for (const bytes of rubbish) await gateway.control.sayRaw(bytes);
    for (const bytes of ['on', '{}', Buffer.alloc(100_000, 0xff)])
      await gateway.control.sayRaw(bytes, 'status');
    await waitFor(() => sim.fleet.control.malformed.get('edge-rubbish') === rubbish.length + 3, {
      what: 'all of it to be counted',
    });
    const streams = await sim.fleet.control.request('edge-rubbish', { method: 'streams.status', params: {} });
    assert.deepEqual(streams, []);
  });

  it('brings load to the registry at a walking pace, and before it stops', async () => {
    const own = await startSimulatedFleet(kit);
    const gateway = await own.join({ name: 'edge-paced' });
    const load = (): string | undefined =>
      firstValue(
        own.registry.get('/gateway/edge-paced')?.['item-metadata'] ?? [],
        'urn:X-echo:rels:cpuUtilPct',
      );
    let beats = 0;
    own.fleet.on('heartbeat', () => beats++);
    gateway.control.load = { ...gateway.control.load, cpuPct: 77 };
    await waitFor(() => beats >= 3 && own.fleet.get('edge-paced').cpuPct === 77, {
      what: 'three heartbeats',
    });
    assert.notEqual(load(), '077.00');
    await own.close();
    assert.equal(load(), '077.00');
  });

  it('forgets a gateway: its secret, its item, its connection', async () => {
    const gateway = await sim.join({ name: 'edge-gone' });
    await sim.fleet.forget('edge-gone');
    assert.ok(!sim.fleet.has('edge-gone'));
    assert.equal(sim.registry.get('/gateway/edge-gone'), undefined);
    await waitFor(() => !gateway.control.connected, { what: 'the connection to end' });
    await assert.rejects(
      gateway.enrol((request) => sim.fleet.enrol(request)),
      (e) => isEchoError(e, 'ECHO_TOKEN_INVALID'),
    );
  });

  it('takes up the fleet again after a restart of the orchestrator', async function () {
    this.timeout(20_000);
    const first = await startSimulatedFleet(kit);
    const gateway = await first.join({ name: 'edge-again' });
    const port = new URL(first.brokerUrl).port;
    await first.close();
    const again = await startSimulatedFleet(kit, {
      dataDir: first.settings.dataDir,
      simulator: first.simulator,
      settings: { broker: { port: Number(port) } },
    });
    assert.equal(again.fleet.get('edge-again').health, 'stale');
    assert.ok(!again.fleet.online('edge-again'));
    await waitFor(() => again.fleet.get('edge-again').health === 'up', { what: 'edge-again to be back' });
    assert.ok(gateway.control.connected);
  });
});
