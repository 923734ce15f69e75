import assert from 'node:assert/strict';
import type { Progress } from '../../../src/orchestrator/types.ts';
import { disposables } from '../../kit/cleanup.ts';
import type { SimulatedGateway } from '../../kit/simulator/index.ts';
import { waitFor } from '../../kit/wait.ts';
import { chain, gatesOf, joinThree, ownFlow, type Rig, snapshot, startRig } from './rig.ts';

describe('deploy', () => {
  const kit = disposables();
  let rig: Rig;
  let gateways: SimulatedGateway[];
  before(async () => {
    rig = await startRig(kit);
    gateways = await joinThree(rig.sim);
  });
  afterEach(async () => {
    for (const { id } of rig.orchestrator.applications()) await rig.orchestrator.remove(id);
    for (const { admin, control } of gateways) {
      admin.faults.clear();
      control.faults.clear();
    }
  });
  const gateway = (name: string) => gateways.find((g) => g.name === name)!;
  const ids = (name: string) => gateway(name).admin.flows.map((n) => n.id);
  const typesOf = (name: string) => gateway(name).admin.flows.map((n) => n.type);

  it('puts each fragment on its gateway and leaves what was there as it was', async () => {
    const said: Progress[] = [];
    const deployment = await rig.orchestrator.deploy({ flow: chain() }, (p) => said.push(p));
    assert.equal(deployment.status, 'running');
    assert.equal(deployment.version, 1);
    for (const { name, admin } of gateways) {
      assert.equal(JSON.stringify(admin.flows.slice(0, 3)), JSON.stringify(ownFlow(name)));
    }
    assert.ok(ids('edge-1').includes('c-in') && typesOf('edge-1').includes('echo out'));
    assert.ok(ids('fog-1').includes('c-fn'));
    assert.ok(ids('cloud-1').includes('c-out') && typesOf('cloud-1').includes('echo in'));
    assert.deepEqual(gatesOf(gateways), []);
    assert.ok(said.some((p) => p.step === 'write' && p.gateway === 'fog-1'));
    assert.equal(rig.orchestrator.application(deployment.application).cutWires, 2);
  });

  it('deploying the same again writes nothing and makes no version', async () => {
    await rig.orchestrator.deploy({ flow: chain() });
    const before = gateways.map((g) => g.admin.calls.filter((c) => c.startsWith('POST')).length);
    const again = await rig.orchestrator.deploy({ flow: chain() });
    assert.equal(again.status, 'unchanged');
    assert.equal(again.version, 1);
    assert.deepEqual(
      gateways.map((g) => g.admin.calls.filter((c) => c.startsWith('POST')).length),
      before,
    );
  });

  it('writes only the gateway whose fragment changed, behind a closed gate', async () => {
    await rig.orchestrator.deploy({ flow: chain() });
    const posts = (g: SimulatedGateway) => g.admin.calls.filter((c) => c === 'POST /flows').length;
    const before = gateways.map(posts);
    const asked = gateway('fog-1').control.requests.length;
    const { plan } = await rig.orchestrator.deploy({ flow: chain('return null;') });
    assert.deepEqual(
      gateways.map((g, i) => posts(g) - before[i]!),
      [0, 1, 0],
    );
    const fog = plan.gateways.find((g) => g.gateway === 'fog-1');
    assert.equal(fog?.restarts, 1);
    assert.equal(fog?.changes.find((c) => c.node === 'c-fn')?.change, 'change');
    const methods = gateway('fog-1')
      .control.requests.slice(asked)
      .map((r) => r.method);
    assert.ok(methods.indexOf('gate.close') >= 0 && methods.at(-1) === 'gate.open');
  });

  it('an unchanged gateway may be offline', async () => {
    await rig.orchestrator.deploy({ flow: chain() });
    gateway('cloud-1').control.vanish();
    await waitFor(() => !rig.sim.fleet.online('cloud-1'), { what: 'cloud-1 to be down' });
    const deployment = await rig.orchestrator.deploy({ flow: chain('return [msg];') });
    assert.equal(deployment.status, 'running');
    await gateway('cloud-1').restart();
    await waitFor(() => rig.sim.fleet.get('cloud-1').health === 'up', { what: 'cloud-1 to be up' });
  });

  it('refuses a fragment edited by hand, shows it in the diff, and overwrites it when told to', async () => {
    const { application } = await rig.orchestrator.deploy({ flow: chain() });
    const { admin } = gateway('fog-1');
    admin.edit([
      ...admin.flows.map((n) => (n.id === 'c-fn' ? { ...n, func: 'hacked' } : n)),
      { id: 'extra', type: 'debug', z: 'c-tab', x: 1, y: 1, wires: [] },
    ]);
    const diff = await rig.orchestrator.diff(application);
    assert.equal(diff.clean, false);
    assert.deepEqual(diff.gateways.find((g) => g.gateway === 'fog-1')?.drift, [
      { node: 'c-fn', name: 'fn', kind: 'changed', properties: ['func'] },
      { node: 'extra', name: 'debug', kind: 'added' },
    ]);
    await assert.rejects(rig.orchestrator.deploy({ flow: chain() }), {
      code: 'ECHO_DRIFT',
      message: /'fog-1' 'fn' \(c-fn\)/,
    });
    const change = { flow: chain('return [msg];') };
    await assert.rejects(rig.orchestrator.deploy(change), { code: 'ECHO_DRIFT' });
    assert.ok(ids('fog-1').includes('extra'));
    await rig.orchestrator.deploy({ ...change, options: { overwrite: true } });
    assert.ok(!ids('fog-1').includes('extra'));
    assert.equal((await rig.orchestrator.diff(application)).clean, true);
  });

  it('drift on a gateway that is not written forbids nothing, and --overwrite repairs it', async () => {
    await rig.orchestrator.deploy({ flow: chain() });
    const { admin } = gateway('cloud-1');
    admin.edit(admin.flows.filter((n) => n.id !== 'c-out'));
    await rig.orchestrator.deploy({ flow: chain('return [msg];') });
    assert.ok(!ids('cloud-1').includes('c-out'));
    await rig.orchestrator.deploy({ flow: chain('return [msg];'), options: { overwrite: true } });
    assert.ok(ids('cloud-1').includes('c-out'));
  });

  it('refuses an empty flow', async () => {
    await assert.rejects(rig.orchestrator.deploy({ flow: [] }), { code: 'ECHO_FLOW_NOT_A_FLOW' });
    assert.deepEqual(rig.orchestrator.applications(), []);
  });

  it('refuses a deploy made from an older version', async () => {
    await rig.orchestrator.deploy({ flow: chain() });
    await rig.orchestrator.deploy({ flow: chain('return [msg];') });
    await assert.rejects(rig.orchestrator.deploy({ flow: chain('x'), options: { ifVersion: 1 } }), {
      code: 'ECHO_VERSION_STALE',
    });
  });

  it('refuses to replace a draft on the canvas unless told to', async () => {
    const { application } = await rig.orchestrator.deploy({ flow: chain() });
    const discarded: string[] = [];
    rig.orchestrator.setDraftGuard({
      hasUnsavedDraft: (id) => id === application,
      discardDraft: (id) => discarded.push(id),
    });
    try {
      const change = { flow: chain('return [msg];') };
      await assert.rejects(rig.orchestrator.deploy(change), { code: 'ECHO_DRAFT_UNSAVED' });
      await rig.orchestrator.deploy({ ...change, options: { overwriteDraft: true } });
      assert.deepEqual(discarded, [application]);
    } finally {
      rig.orchestrator.setDraftGuard({ hasUnsavedDraft: () => false, discardDraft: () => {} });
    }
  });

  it('refuses a second deploy of an application while one runs', async () => {
    const first = rig.orchestrator.deploy({ flow: chain() });
    await assert.rejects(rig.orchestrator.deploy({ flow: chain('x') }), { code: 'ECHO_DEPLOY_BUSY' });
    await first;
  });

  it('two applications at once are both deployed, one after the other', async () => {
    const both = await Promise.all([
      rig.orchestrator.deploy({ flow: chain() }),
      rig.orchestrator.deploy({ flow: chain('return msg;', 'd'), name: 'Second' }),
    ]);
    assert.deepEqual(
      both.map((d) => d.status),
      ['running', 'running'],
    );
    assert.ok(ids('fog-1').includes('c-fn') && ids('fog-1').includes('d-fn'));
  });

  it('names the gateway, the bytes and the limit when its flows would be too large', async () => {
    const small = await rig.sim.join({
      name: 'small-1',
      tier: 'edge',
      capabilities: ['small'],
      maxBytes: 300,
    });
    const flow = chain().map((n) => (n.id === 'c-in' ? { ...n, echo: { requires: ['small'] } } : n));
    const plan = await rig.orchestrator.plan({ flow });
    assert.equal(plan.blockers[0]?.code, 'ECHO_FLOWS_TOO_LARGE');
    assert.match(plan.blockers[0]?.message ?? '', /small-1.*\d+ bytes.*300/);
    await assert.rejects(rig.orchestrator.deploy({ flow }), { code: 'ECHO_FLOWS_TOO_LARGE', status: 413 });
    assert.deepEqual(small.admin.flows, []);
    await rig.orchestrator.removeGateway('small-1');
  });

  it('refuses an id that is something else on a gateway', async () => {
    const { admin } = gateway('fog-1');
    const flow = chain()
      .map((n) => (n.id === 'c-fn' ? { ...n, id: 'fog-1-in' } : n))
      .map((n) => (n.id === 'c-in' ? { ...n, wires: [['fog-1-in']] } : n));
    await assert.rejects(rig.orchestrator.deploy({ flow }), { code: 'ECHO_ID_CONFLICT' });
    assert.deepEqual(admin.flows, ownFlow('fog-1'));
  });

  it('refuses a tab that belongs to another application', async () => {
    const { application } = await rig.orchestrator.deploy({ flow: chain() });
    const other = chain().map((n) => (n.type === 'tab' ? { ...n, echo: { app: 'other' } } : n));
    await assert.rejects(rig.orchestrator.deploy({ flow: other, name: 'Other' }), {
      code: 'ECHO_ID_CONFLICT',
      message: new RegExp(application),
    });
  });

  it('refuses when an agent does not answer, although its admin API does', async () => {
    gateway('fog-1').control.faults.plan('gate.status', { kind: 'silence' });
    await assert.rejects(rig.orchestrator.deploy({ flow: chain() }), { code: 'ECHO_GATEWAY_NO_REPLY' });
  });

  it('gives up, naming what is busy, when tasks do not finish; and goes on when forced', async () => {
    await rig.orchestrator.deploy({ flow: chain() });
    const before = snapshot(gateways);
    const { control } = gateway('fog-1');
    control.busy = [{ node: 'c-fn', type: 'function', count: 3 }];
    try {
      const change = { flow: chain('return [msg];'), options: { drainMs: 60 } };
      await assert.rejects(rig.orchestrator.deploy(change), {
        code: 'ECHO_DRAIN_TIMEOUT',
        message: /function c-fn on fog-1 works on 3/,
      });
      assert.deepEqual(snapshot(gateways), before);
      assert.deepEqual(gatesOf(gateways), []);
      await rig.orchestrator.deploy({ ...change, options: { drainMs: 60, force: true } });
    } finally {
      control.busy = [];
    }
  });

  it('merges again when somebody deploys on the gateway in between', async () => {
    const { admin } = gateway('fog-1');
    admin.faults.plan('POST /flows', {
      kind: 'answer',
      status: 409,
      body: { code: 'version_mismatch', message: '' },
    });
    const { status } = await rig.orchestrator.deploy({ flow: chain() });
    assert.equal(status, 'running');
    assert.ok(ids('fog-1').includes('c-fn'));
  });

  it('takes the fragments off when stopped, and puts the same version back when started', async () => {
    const { application } = await rig.orchestrator.deploy({ flow: chain() });
    const flows = () => gateways.map(({ admin }) => admin.flows.map(({ epoch: _, ...n }) => n));
    const was = flows();
    const stopped = await rig.orchestrator.stop(application);
    assert.equal(stopped.status, 'stopped');
    for (const { name, admin } of gateways) assert.deepEqual(admin.flows, ownFlow(name));
    assert.equal(rig.orchestrator.history(application).length, 1);
    const started = await rig.orchestrator.start(application);
    assert.equal(started.status, 'running');
    assert.equal(started.version, 1);
    assert.deepEqual(flows(), was);
  });

  it('rolls back to an older version as a new one', async () => {
    const { application } = await rig.orchestrator.deploy({ flow: chain('return 1;') });
    const first = snapshot(gateways);
    await rig.orchestrator.deploy({ flow: chain('return 2;') });
    const back = await rig.orchestrator.rollback(application, 1);
    assert.equal(back.version, 3);
    assert.deepEqual(snapshot(gateways), first);
    const [newest] = rig.orchestrator.history(application);
    assert.equal(newest?.note, 'rollback to version 1');
    await assert.rejects(rig.orchestrator.rollback(application, 9), { code: 'ECHO_VERSION_UNKNOWN' });
    await assert.rejects(rig.orchestrator.rollback('nobody', 1), { code: 'ECHO_APP_UNKNOWN' });
  });

  it('sends credentials only to the gateway that needs them, and never shows them', async () => {
    const flow = chain().map((n) => (n.id === 'c-fn' ? { ...n, credentials: { key: 's3cret' } } : n));
    const { application } = await rig.orchestrator.deploy({ flow });
    assert.deepEqual(gateway('fog-1').admin.credentials.get('c-fn'), { key: 's3cret' });
    for (const name of ['edge-1', 'cloud-1']) assert.equal(gateway(name).admin.credentials.size, 0);
    assert.equal(JSON.stringify(rig.orchestrator.application(application)).includes('s3cret'), false);
    // A later version without credentials keeps them; a changed one replaces them.
    await rig.orchestrator.deploy({ flow: chain('return [msg];') });
    assert.deepEqual(gateway('fog-1').admin.credentials.get('c-fn'), { key: 's3cret' });
    const { status } = await rig.orchestrator.deploy({
      flow: chain('return [msg];'),
      credentials: { 'c-fn': { key: 'new' } },
    });
    assert.equal(status, 'running');
    assert.deepEqual(gateway('fog-1').admin.credentials.get('c-fn'), { key: 'new' });
  });

  it('adopts the tabs of a gateway without changing what they do', async () => {
    const { admin } = gateway('edge-1');
    const deployment = await rig.orchestrator.importGateway('edge-1', { name: 'Hall' });
    const change = deployment.plan.gateways.flatMap((g) => g.changes).filter((c) => c.type !== 'tab');
    assert.ok(change.length > 0);
    const functional = admin.flows.map(({ locked: _, echo: __, ...n }) => n);
    assert.deepEqual(functional, ownFlow('edge-1'));
    assert.deepEqual(rig.orchestrator.application(deployment.application).gateways, ['edge-1']);
    await assert.rejects(rig.orchestrator.importGateway('edge-1'), { code: 'ECHO_IMPORT_NOTHING' });
    await rig.orchestrator.remove(deployment.application);
    admin.edit(ownFlow('edge-1'));
  });

  it('gives imported tabs back as they were, and running, when their gateway leaves', async () => {
    const { admin } = await rig.sim.join({ name: 'shop-1', tier: 'edge' });
    const own = [
      ...ownFlow('shop-1'),
      { id: 'off', type: 'debug', z: 'shop-1-tab', d: true, x: 1, y: 1, wires: [] },
      { id: 'notes', type: 'tab', label: 'Notes' },
      { id: 'note', type: 'comment', z: 'notes', name: 'a tab on which nothing runs' },
    ];
    admin.edit(own);
    const { application } = await rig.orchestrator.importGateway('shop-1');
    assert.ok(
      admin.flows.some((n) => n.id === 'note'),
      'what does not run is left alone',
    );
    await rig.orchestrator.removeGateway('shop-1');
    const byId = (flow: typeof own) => flow.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(byId(admin.flows as typeof own), byId(own));
    assert.equal(rig.orchestrator.application(application).status, 'stopped');
    await rig.orchestrator.remove(application);
  });

  it('tells where a task stands and presses its button there', async () => {
    const { application } = await rig.orchestrator.deploy({ flow: chain() });
    assert.equal(rig.orchestrator.explain(application, 'c-fn').gateway, 'fog-1');
    assert.throws(() => rig.orchestrator.explain(application, 'zz'), { code: 'ECHO_TASK_UNKNOWN' });
    await rig.orchestrator.inject('c-in');
    assert.ok(gateway('edge-1').admin.pressed.includes('c-in'));
    await assert.rejects(rig.orchestrator.inject('zz'), { code: 'ECHO_TASK_UNKNOWN' });
  });

  it('takes a gateway out: its fragments move where they fit, its own flow stays', async () => {
    const extra = await rig.sim.join({ name: 'fog-2', tier: 'fog' });
    extra.admin.edit(ownFlow('fog-2'));
    const flow = chain().map((n) => (n.id === 'c-fn' ? { ...n, echo: { tier: 'fog' } } : n));
    const { application } = await rig.orchestrator.deploy({ flow });
    const host = rig.orchestrator.application(application).placement['c-fn']!;
    const other = host === 'fog-2' ? 'fog-1' : 'fog-2';
    if (host !== 'fog-2') await rig.orchestrator.removeGateway('fog-2');
    else {
      await rig.orchestrator.removeGateway('fog-2');
      assert.equal(rig.orchestrator.application(application).placement['c-fn'], other);
      assert.deepEqual(extra.admin.flows, ownFlow('fog-2'));
    }
    await assert.rejects(rig.orchestrator.removeGateway('fog-1'), { code: 'ECHO_GATEWAY_IN_USE' });
    assert.ok(ids('fog-1').includes('c-fn'));
    assert.throws(() => rig.orchestrator.gateway('fog-2'), { code: 'ECHO_GATEWAY_UNKNOWN' });
  });

  it('a config node of two applications holds what was deployed last, and the plan says so', async () => {
    const withBroker = (prefix: string, broker: string) => [
      ...chain('return msg;', prefix).map((n) => (n.id === `${prefix}-fn` ? { ...n, broker: 'cfg' } : n)),
      { id: 'cfg', type: 'mqtt-broker', name: '', broker },
    ];
    const hostOf = () => gateway('fog-1').admin.flows.find((n) => n.id === 'cfg')?.broker;
    const first = await rig.orchestrator.deploy({ flow: withBroker('c', 'a') });
    const second = await rig.orchestrator.deploy({ flow: withBroker('d', 'b'), name: 'Second' });
    assert.deepEqual(
      second.plan.warnings.map((w) => [w.code, w.where]),
      [['ECHO_CONFIG_SHARED', 'cfg']],
    );
    assert.equal(hostOf(), 'b');
    assert.equal((await rig.orchestrator.diff(first.application)).clean, true);
    const was = snapshot(gateways);
    gateway('cloud-1').admin.faults.plan('POST /flows', { kind: 'answer', status: 500 });
    await assert.rejects(rig.orchestrator.deploy({ flow: withBroker('e', 'c'), name: 'Third' }), /./);
    assert.deepEqual(snapshot(gateways), was);
    await rig.orchestrator.remove(second.application);
    assert.equal(hostOf(), 'b');
    await rig.orchestrator.remove(first.application);
    assert.equal(hostOf(), undefined);
  });
});
