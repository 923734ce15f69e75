/** A deploy that fails anywhere leaves every gateway as it was; one that is killed anywhere is finished or undone. */
import assert from 'node:assert/strict';
import { disposables, freePort } from '../../kit/cleanup.ts';
import type { Fault } from '../../kit/simulator/faults.ts';
import type { SimulatedGateway } from '../../kit/simulator/index.ts';
import { waitFor } from '../../kit/wait.ts';
import { chain, gatesOf, joinThree, ownFlow, type Rig, snapshot, startRig } from './rig.ts';

/** Before and after differ on all three gateways: the function moves from fog to cloud, and streams change. */
const old = chain('return 1;').map((n) => (n.id === 'c-fn' ? { ...n, credentials: { key: 'old' } } : n));
const changed = chain('return 2;').map((n) =>
  n.id === 'c-fn' ? { ...n, echo: { tier: 'cloud' }, credentials: { key: 'new' } } : n,
);

describe('a deploy in which one of three gateways fails', () => {
  const kit = disposables();
  let rig: Rig;
  let gateways: SimulatedGateway[];
  let application: string;
  before(async () => {
    rig = await startRig(kit, { settings: { gateways: { heartbeatMs: 200, requestTimeoutMs: 300 } } });
    gateways = await joinThree(rig.sim);
    application = (await rig.orchestrator.deploy({ flow: old })).application;
  });
  afterEach(() => {
    for (const { admin, control } of gateways) {
      admin.faults.clear();
      control.faults.clear();
    }
  });

  const answers: [string, Fault][] = [
    ['an error', { kind: 'answer', status: 500 }],
    ['silence', { kind: 'silence' }],
    ['a dropped connection', { kind: 'drop' }],
  ];
  const admin: [string, Fault][] = [
    ...answers,
    ['a dropped connection after the write', { kind: 'drop-after' }],
    ['no permission', { kind: 'answer', status: 403 }],
  ];
  /** Each gate request of a deploy that drains: sources, (drain looks,) all, quiesce, seal. */
  const gateCalls = [0, 1, 2, 3, 4, 5];

  for (const [what, fault] of admin) {
    it(`leaves all three as they were when the write is met with ${what}`, async () => {
      const was = snapshot(gateways);
      gateways[1]!.admin.faults.plan('POST /flows', fault);
      await assert.rejects(rig.orchestrator.deploy({ flow: changed }), /./);
      assert.deepEqual(snapshot(gateways), was);
      await untouched(rig, gateways, application);
    });
  }
  for (const skip of gateCalls) {
    for (const [what, fault] of answers.slice(0, 2)) {
      it(`leaves all three as they were when gate request ${skip + 1} is met with ${what}`, async () => {
        const was = snapshot(gateways);
        gateways[1]!.control.faults.plan('gate.close', fault, { skip });
        await assert.rejects(rig.orchestrator.deploy({ flow: changed }), { name: 'EchoError' });
        assert.deepEqual(snapshot(gateways), was);
        await untouched(rig, gateways, application);
      });
    }
  }
  for (const [what, fault] of answers) {
    it(`touches nothing when the first look is met with ${what}`, async () => {
      const was = snapshot(gateways);
      gateways[1]!.admin.faults.plan('GET /flows', fault);
      await assert.rejects(rig.orchestrator.deploy({ flow: changed }), { name: 'EchoError' });
      assert.deepEqual(snapshot(gateways), was);
    });
  }

  it('leaves the undo for its return when the gateway that was written cannot be reached any more', async () => {
    const was = snapshot(gateways);
    const [edge, fog, cloud] = gateways as [SimulatedGateway, SimulatedGateway, SimulatedGateway];
    fog.admin.faults.plan('POST /flows', { kind: 'drop-after' });
    fog.admin.faults.plan('GET /flows', { kind: 'drop' }, { skip: 2, times: 3 });
    await assert.rejects(rig.orchestrator.deploy({ flow: changed }), { name: 'EchoError' });
    assert.deepEqual(snapshot([edge, cloud]), [was[0], was[2]]);
    assert.notDeepEqual(snapshot([fog]), [was[1]]);
    assert.equal(rig.orchestrator.application(application).status, 'undo-pending');
    await fog.restart();
    await waitFor(() => rig.orchestrator.application(application).status === 'running', {
      what: 'the undo to be done',
    });
    const [now] = snapshot([fog]);
    assert.deepEqual(
      new Set(now?.flows.map((n) => JSON.stringify(n))),
      new Set(was[1]?.flows.map((n) => JSON.stringify(n))),
    );
    assert.deepEqual(gatesOf(gateways), []);
  });

  it('a first deploy that fails leaves no application behind', async () => {
    const was = snapshot(gateways);
    gateways[1]!.admin.faults.plan('POST /flows', { kind: 'answer', status: 500 });
    await assert.rejects(rig.orchestrator.deploy({ flow: chain('x', 'n'), name: 'New' }), /./);
    assert.deepEqual(snapshot(gateways), was);
    assert.deepEqual(
      rig.orchestrator.applications().map((a) => a.id),
      [application],
    );
  });

  it('is finished later when only the opening of a gate fails', async () => {
    const [, fog] = gateways as [SimulatedGateway, SimulatedGateway];
    fog.control.faults.plan('gate.open', { kind: 'silence' });
    const { version } = await rig.orchestrator.deploy({ flow: changed });
    assert.equal(rig.orchestrator.application(application).version, version);
    assert.equal(gatesOf(gateways).length > 0, true);
    await fog.restart();
    await waitFor(() => gatesOf(gateways).length === 0, { what: 'the gate to be opened' });
    await waitFor(() => rig.sim.store.journal.unfinished().length === 0, { what: 'the deploy to be done' });
    await rig.orchestrator.rollback(application, 1);
  });

  it('is finished while the gateway stays up, too', async () => {
    gateways[1]!.control.faults.plan('gate.open', { kind: 'silence' });
    await rig.orchestrator.deploy({ flow: changed });
    assert.equal(gatesOf(gateways).length > 0, true);
    await waitFor(() => rig.sim.store.journal.unfinished().length === 0, { what: 'the deploy to be done' });
    assert.deepEqual(gatesOf(gateways), []);
    await rig.orchestrator.rollback(application, 1);
  });

  it('the undo at a gateway that stays up is done as soon as its admin API answers', async () => {
    const was = snapshot(gateways);
    const fog = gateways[1]!;
    fog.admin.faults.plan('POST /flows', { kind: 'drop-after' });
    fog.admin.faults.plan('GET /flows', { kind: 'drop' }, { skip: 2, times: 3 });
    await assert.rejects(rig.orchestrator.deploy({ flow: changed }), { name: 'EchoError' });
    await waitFor(() => rig.orchestrator.application(application).status === 'running', {
      what: 'the undo to be done',
    });
    const entries = (at: number, all: typeof was) => new Set(all[at]?.flows.map((n) => JSON.stringify(n)));
    assert.deepEqual(entries(1, snapshot(gateways)), entries(1, was));
    assert.deepEqual(gatesOf(gateways), []);
  });
});

async function untouched(rig: Rig, gateways: readonly SimulatedGateway[], application: string) {
  assert.deepEqual(gatesOf(gateways), []);
  assert.equal(rig.orchestrator.application(application).status, 'running');
  assert.equal((await rig.orchestrator.diff(application)).clean, true);
  assert.deepEqual(rig.sim.store.journal.unfinished(), []);
  assert.ok(rig.orchestrator.history(application).length >= 1);
}

describe('an orchestrator killed in the middle of a deploy', () => {
  const kit = disposables();
  const points: [string, 'finished' | 'undone'][] = [
    ['preflight', 'undone'],
    ['close-sources', 'undone'],
    ['drain', 'undone'],
    ['close-all', 'undone'],
    ['quiesce', 'undone'],
    ['seal', 'undone'],
    ['write', 'undone'],
    ['before write cloud-1', 'undone'],
    ['after write edge-1', 'undone'],
    ['after write fog-1', 'undone'],
    ['commit', 'finished'],
    ['open', 'finished'],
    ['retire', 'finished'],
  ];
  for (const [point, end] of points) {
    it(`at “${point}” finds the deploy ${end} after its restart`, async function () {
      this.timeout(20_000);
      await kill({ point, end });
    });
  }
  for (const point of ['restore', 'before restore cloud-1', 'release']) {
    it(`at “${point}” of an undo finds the deploy undone after its restart`, async function () {
      this.timeout(20_000);
      await kill({ point, end: 'undone', failing: true });
    });
  }

  async function kill(how: { point: string; end: 'finished' | 'undone'; failing?: boolean }) {
    const dataDir = kit.folder();
    const settings = { broker: { port: await freePort() }, gateways: { heartbeatMs: 100 } };
    let dead = (): void => {};
    const died = new Promise<void>((resolve) => {
      dead = resolve;
    });
    let armed = false;
    const first = await startRig(kit, {
      dataDir,
      settings,
      // Nothing after this point happens: what a kill leaves.
      fault(point) {
        if (!armed || point !== how.point) return;
        dead();
        return new Promise(() => {});
      },
    });
    const gateways = await joinThree(first.sim);
    const { application } = await first.orchestrator.deploy({ flow: old });
    const was = snapshot(gateways);
    armed = true;
    if (how.failing) gateways[1]!.admin.faults.plan('POST /flows', { kind: 'answer', status: 500 });
    void first.orchestrator.deploy({ flow: changed }).catch(() => {});
    await died;
    await settled(gateways);
    await first.sim.close();

    const second = await startRig(kit, { dataDir, settings, simulator: first.sim.simulator });
    await second.orchestrator.recover();
    await waitFor(
      () => second.sim.store.journal.unfinished().length === 0 && gatesOf(gateways).length === 0,
      { what: 'the deploy to be finished or undone', timeout: 15_000 },
    );
    if (how.end === 'undone') {
      assert.deepEqual(snapshot(gateways), was);
      assert.equal(second.orchestrator.application(application).version, 1);
    } else {
      assert.equal(second.orchestrator.application(application).version, 2);
      assert.ok(gateways[2]!.admin.flows.some((n) => n.id === 'c-fn'));
    }
    assert.equal(second.orchestrator.application(application).status, 'running');
    assert.equal((await second.orchestrator.diff(application)).clean, true);
    for (const { name, admin } of gateways) assert.deepEqual(admin.flows.slice(0, 3), ownFlow(name));
    await second.close();
  }

  /** Until no gateway hears anything any more. */
  async function settled(gateways: readonly SimulatedGateway[]) {
    let seen = '';
    await waitFor(
      () => {
        const now = JSON.stringify(gateways.map((g) => [g.admin.calls.length, g.control.requests.length]));
        const quiet = now === seen;
        seen = now;
        return quiet;
      },
      { what: 'the gateways to be quiet', every: 60 },
    );
  }
});
