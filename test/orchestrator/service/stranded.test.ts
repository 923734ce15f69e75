/** Records that wait in streams which a deploy, a stop or a removal takes away. */
import assert from 'node:assert/strict';
import type { DeployOptions, Progress, StrandedStream } from '../../../src/orchestrator/types.ts';
import { disposables } from '../../kit/cleanup.ts';
import type { SimulatedGateway } from '../../kit/simulator/index.ts';
import { waitFor } from '../../kit/wait.ts';
import { chain, joinThree, type Rig, startRig } from './rig.ts';

describe('a backlog that a change would strand', function () {
  this.timeout(20_000);
  const kit = disposables();
  let rig: Rig;
  let edge: SimulatedGateway;
  let fog: SimulatedGateway;
  let cloud: SimulatedGateway;
  let app: string;
  let stream: string;

  /** inject on edge → function on fog → debug on cloud; 7 records wait in the wire to the cloud. */
  beforeEach(async () => {
    rig = await startRig(kit);
    [edge, fog, cloud] = (await joinThree(rig.sim)) as [SimulatedGateway, SimulatedGateway, SimulatedGateway];
    app = (await rig.orchestrator.deploy({ flow: chain() })).application;
    stream = rig.orchestrator.application(app).streams.find((s) => s.from.gateway === 'fog-1')!.stream;
    fog.control.waiting.set(stream, 7);
    await waitFor(() => reported() === 7, { what: 'the backlog to be reported' });
  });
  afterEach(() => rig.close());

  const reported = () => {
    const out = rig.sim.fleet.get('fog-1').heartbeat?.streams.find((s) => s.stream === stream);
    return out?.role === 'out' ? out.head : undefined;
  };
  const leave = async (gateway: SimulatedGateway) => {
    gateway.control.vanish();
    await waitFor(() => !rig.sim.fleet.online(gateway.name), { what: `${gateway.name} to be away` });
  };
  /** Without its last task, so that the wire to the cloud goes. */
  const shorter = () =>
    chain()
      .filter((n) => n.id !== 'c-out')
      .map((n) => (n.id === 'c-fn' ? { ...n, wires: [[]] } : n));

  it('is shown by the plan: records, bytes, age, and that it is processed first', async () => {
    const { stranded, blockers } = await rig.orchestrator.plan({ application: app, flow: shorter() });
    assert.deepEqual(blockers, []);
    const [one] = stranded;
    assert.deepEqual(
      [one?.stream, one?.from, one?.consumers, one?.records, one?.bytes, one?.action],
      [stream, 'fog-1', ['cloud-1'], 7, 700, 'drain'],
    );
    assert.ok(one?.ageMs !== undefined && one.ageMs >= 60_000);
  });

  it('makes a deploy fail that cannot drain it in time, and nothing is changed', async () => {
    const before = JSON.stringify(edge.admin.flows);
    const deploy = rig.orchestrator.deploy({ application: app, flow: shorter(), options: { drainMs: 100 } });
    await assert.rejects(deploy, { code: 'ECHO_DRAIN_TIMEOUT' });
    const forced = { drainMs: 100, force: true };
    const again = rig.orchestrator.deploy({ application: app, flow: shorter(), options: forced });
    await assert.rejects(again, { code: 'ECHO_DRAIN_TIMEOUT' });
    assert.equal(JSON.stringify(edge.admin.flows), before);
    assert.equal(rig.orchestrator.application(app).version, 1);
  });

  it('whose consumer is away makes a deploy refuse, naming what would be lost', async () => {
    await leave(cloud);
    const input = { application: app, flow: shorter(), options: { allowOffline: true } };
    const { blockers, stranded } = await rig.orchestrator.plan(input);
    assert.deepEqual(
      blockers.map((b) => [b.code, b.where]),
      [['ECHO_STREAM_NOT_DRAINED', stream]],
    );
    assert.match(blockers[0]!.message, /holds 7 record\(s\) for cloud-1 .*cloud-1 is away/);
    assert.equal(stranded[0]?.action, 'refuse');
    await assert.rejects(rig.orchestrator.deploy(input), { code: 'ECHO_STREAM_NOT_DRAINED' });
  });

  it('is given up where the user says so: said while it is done, and by the plan that is kept', async () => {
    await leave(cloud);
    const said: Progress[] = [];
    const told: Progress[] = [];
    rig.orchestrator.on('progress', (_, progress) => told.push(progress));
    const options = { allowOffline: true, discard: true };
    const { plan, status } = await rig.orchestrator.deploy(
      { application: app, flow: shorter(), options },
      (p) => said.push(p),
    );
    assert.equal(status, 'pending-offline');
    assert.equal(plan.stranded[0]?.action, 'discard');
    assert.match(
      rig.orchestrator.history(app).find((v) => v.version === 2)?.note ?? '',
      /^7 record\(s\) of /,
    );
    assert.ok(plan.warnings.some((w) => w.where === stream && /7 record\(s\) are given up/.test(w.message)));
    assert.match(
      said.find((p) => p.step === 'discard')!.message,
      /^7 record\(s\) of .* are given up for cloud-1$/,
    );
    assert.deepEqual(told, said, 'whoever only listens is told the same');
  });

  it('is waited for where the user says so, and the deploy goes on when it has drained', async () => {
    await leave(cloud);
    const options = { allowOffline: true, drain: true, drainMs: 10_000 };
    const deploy = rig.orchestrator.deploy({ application: app, flow: shorter(), options });
    await waitFor(() => rig.orchestrator.application(app).status === 'deploying', {
      what: 'the deploy to wait',
    });
    fog.control.waiting.clear();
    assert.equal((await deploy).version, 2);
  });

  it('that has stood longer than a drain may take is refused at once where somebody can be asked', async () => {
    const options = { ask: true };
    const input = { application: app, flow: shorter(), options };
    const refused = { code: 'ECHO_STREAM_NOT_DRAINED', message: /they have waited long/ };
    await assert.rejects(rig.orchestrator.deploy(input), refused);
    await assert.rejects(rig.orchestrator.remove(app, undefined, options), refused);
    const planned = await rig.orchestrator.planRemoval(app, options);
    assert.deepEqual(
      planned.stranded.map(({ records, action, away }) => [records, action, away]),
      [[7, 'refuse', []]],
    );
    const patient = await rig.orchestrator.plan({ ...input, options: { ...options, drainMs: 600_000 } });
    assert.equal(patient.stranded[0]?.action, 'drain');
  });

  it('is named by the error of a deploy that refuses, and of one that ran out of time', async () => {
    const named = (action: string) => (error: { details?: { stranded?: StrandedStream[] } }) => {
      const streams = error.details?.stranded?.map(({ stream, records, action }) => [
        stream,
        records,
        action,
      ]);
      assert.deepEqual(streams, [[stream, 7, action]]);
      return true;
    };
    const deploy = (options: DeployOptions) =>
      rig.orchestrator.deploy({ application: app, flow: shorter(), options });
    await assert.rejects(deploy({ drainMs: 100 }), named('drain'));
    await leave(cloud);
    await assert.rejects(deploy({ allowOffline: true }), named('refuse'));
  });

  it('makes stop and removal refuse alike, and discard lets them', async () => {
    await leave(cloud);
    await assert.rejects(rig.orchestrator.stop(app), { code: 'ECHO_STREAM_NOT_DRAINED' });
    await assert.rejects(rig.orchestrator.remove(app), { code: 'ECHO_STREAM_NOT_DRAINED' });
    assert.equal((await rig.orchestrator.stop(app, undefined, { discard: true })).status, 'pending-offline');
    await rig.orchestrator.remove(app, undefined, { discard: true });
    assert.deepEqual(rig.orchestrator.applications(), []);
  });

  it('makes a stop fail that cannot drain it in time, although everyone is there', async () => {
    await assert.rejects(rig.orchestrator.stop(app, undefined, { drainMs: 100 }), {
      code: 'ECHO_DRAIN_TIMEOUT',
    });
    assert.equal(rig.orchestrator.application(app).status, 'running');
  });
});
