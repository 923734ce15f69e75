/** What the orchestrator relies on in any gateway: simulated ones keep the same promises as Node-RED itself. */
import assert from 'node:assert/strict';
import type { RawFlow } from '../../src/flow/types.ts';
import { AdminClient } from '../../src/orchestrator/gateways/adminClient.ts';
import type { GatewayFleet } from '../../src/orchestrator/gateways/GatewayFleet.ts';
import type { AdminAccess } from '../../src/wire/control.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { waitFor } from '../kit/wait.ts';

export interface GatewayUnderTest {
  readonly fleet: GatewayFleet;
  /** Its id; it has enrolled. */
  readonly id: string;
  /** How its admin API is used; it asks for a password. */
  readonly access: AdminAccess;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

const UP_MS = 20_000;

/** `begin` gives one running gateway with an admin user, used by all promises in turn. */
export function keepsThePromisesOfAGateway(begin: () => Promise<GatewayUnderTest>): void {
  let gateway: GatewayUnderTest;
  let fleet: GatewayFleet;
  let id: string;
  before(async function () {
    this.timeout(120_000);
    gateway = await begin();
    ({ fleet, id } = gateway);
    await isUp();
  });

  const isUp = () => waitFor(() => fleet.get(id).health === 'up', { what: `${id} to be up`, timeout: UP_MS });
  const tab = { id: 'c-tab', type: 'tab', label: 'Contract', disabled: false, info: '' };
  const inject = {
    id: 'c-in',
    type: 'inject',
    z: 'c-tab',
    name: '',
    props: [],
    x: 100,
    y: 60,
    wires: [['c-out']],
  };
  const out = {
    id: 'c-out',
    type: 'echo out',
    z: 'c-tab',
    name: '',
    stream: 'contract/c-in:0',
    level: 'at-least-once',
    consumers: [{ gateway: 'elsewhere', tasks: ['c-far'] }],
    x: 300,
    y: 60,
    wires: [],
  };
  const broker = {
    id: 'c-broker',
    type: 'mqtt-broker',
    name: '',
    broker: 'none.invalid',
    port: '1883',
    usetls: false,
  };
  const flows: RawFlow = [tab, inject, out, broker];
  const put = async (next: RawFlow, credentials?: Record<string, Record<string, string>>) => {
    const { rev } = await fleet.admin(id).flows();
    return fleet
      .admin(id)
      .putFlows({ rev, flows: next, ...(credentials === undefined ? {} : { credentials }) });
  };

  it('says at enrolment what it is', () => {
    const view = fleet.get(id);
    assert.match(view.nodeRedVersion, /^\d+\.\d+\.\d+/);
    assert.ok(view.cpuCores >= 1 && view.memTotalMB > 0);
    for (const type of ['inject', 'function', 'echo in', 'echo out'])
      assert.ok(view.nodeTypes.includes(type), type);
    assert.equal(fleet.apiMaxBytes(id), 5 * 1024 * 1024);
  });

  it('lists the types that can run there now', async () => {
    const types = await fleet.admin(id).nodeTypes();
    for (const type of ['inject', 'debug', 'echo in', 'echo out']) assert.ok(types.has(type), type);
  });

  it('gives the editor half of a node set', async () => {
    const sets = await fleet.admin(id).nodeSets();
    const set = sets.find(({ types }) => types.includes('inject'));
    assert.ok(set?.id === `${set?.module}/${set?.name}` && set.version !== '');
    const { html, messages } = await fleet.admin(id).nodeSetEditor(set.id);
    assert.match(html, /data-template-name="inject"/);
    assert.equal(typeof messages, 'object');
    await assert.rejects(fleet.admin(id).nodeSetEditor('node-red/none'), (e) =>
      isEchoError(e, 'ECHO_GATEWAY_REFUSED'),
    );
  });

  it('lets nobody in without the password', async () => {
    const stranger = new AdminClient({
      gateway: id,
      url: fleet.get(id).adminUrl,
      access: { ...gateway.access, password: 'wrong' },
      timeoutMs: 5_000,
    });
    await assert.rejects(stranger.flows(), (e) => isEchoError(e, 'ECHO_GATEWAY_UNAUTHORIZED'));
    await stranger.close();
  });

  it('takes flows at the revision that was read, and gives back the same', async () => {
    const { rev } = await put(flows);
    assert.deepEqual(await fleet.admin(id).flows(), { rev, flows });
  });

  it('refuses flows at an older revision and stays as it is', async () => {
    const before = await fleet.admin(id).flows();
    const late = fleet.admin(id).putFlows({ rev: 'old', flows: [] });
    await assert.rejects(late, (e) => isEchoError(e, 'ECHO_FLOWS_CONFLICT'));
    assert.deepEqual(await fleet.admin(id).flows(), before);
  });

  it('gives the same revision to the same flows', async () => {
    const { rev } = await fleet.admin(id).flows();
    assert.equal((await put(flows)).rev, rev);
  });

  it('takes credentials and never gives them back', async () => {
    await put(flows, { 'c-broker': { user: 'someone', password: 'contract-secret' } });
    assert.deepEqual((await fleet.admin(id).flows()).flows, flows);
  });

  it('takes a node of an unknown type without a word', async () => {
    const unknown = { id: 'c-unknown', type: 'no such type', z: 'c-tab', name: '', x: 1, y: 1, wires: [[]] };
    await put([...flows, unknown]);
    assert.ok((await fleet.admin(id).flows()).flows.some((node) => node.id === 'c-unknown'));
    await put(flows);
  });

  it('refuses a body over its limit', async () => {
    const { adminUrl } = fleet.get(id);
    const unlimited = new AdminClient({
      gateway: id,
      url: adminUrl,
      access: gateway.access,
      timeoutMs: 10_000,
    });
    const { rev } = await unlimited.flows();
    const large = [...flows, { ...inject, id: 'c-large', info: 'x'.repeat(6 * 1024 * 1024), wires: [[]] }];
    await assert.rejects(unlimited.putFlows({ rev, flows: large }), (e) =>
      isEchoError(e, 'ECHO_FLOWS_TOO_LARGE'),
    );
    await unlimited.close();
  });

  it('presses the button of an inject node, and of no other', async () => {
    await fleet.admin(id).press('c-in');
    await assert.rejects(fleet.admin(id).press('c-none'), (e) => isEchoError(e, 'ECHO_GATEWAY_REFUSED'));
  });

  it('switches debug nodes on and off, and takes ids of none', async () => {
    await fleet.admin(id).setDebug(['c-none'], false);
    await fleet.admin(id).setDebug([], true);
  });

  it('closes, shows and opens a gate', async () => {
    const params = { deploy: 'contract', tabs: ['c-tab'], leaseMs: 30_000, sealed: false };
    const ask = fleet.control.request;
    const closed = await ask(id, { method: 'gate.close', params: { ...params, level: 'sources' } });
    assert.deepEqual([closed.deploy, closed.level], ['contract', 'sources']);
    const raised = await ask(id, { method: 'gate.close', params: { ...params, level: 'all' } });
    assert.equal(raised.level, 'all');
    const renewed = await ask(id, { method: 'gate.close', params: { ...params, level: 'sources' } });
    assert.equal(renewed.level, 'all', 'a later claim lowered the gate');
    await waitFor(() => fleet.get(id).heartbeat?.gates.includes('contract'), {
      what: 'the gate in a heartbeat',
    });
    const opened = await ask(id, { method: 'gate.open', params: { deploy: 'contract', orphans: 'drop' } });
    assert.equal(opened.dropped, 0);
    const status = await ask(id, { method: 'gate.status', params: { deploy: 'contract' } });
    assert.equal(status.level, 'open');
    const again = await ask(id, { method: 'gate.open', params: { deploy: 'contract', orphans: 'drop' } });
    assert.deepEqual(again, { delivered: 0, rerouted: 0, dropped: 0 });
  });

  it('opens a gate by itself when its lease ends', async () => {
    const params = { deploy: 'short', tabs: ['c-tab'], level: 'all' as const, leaseMs: 50, sealed: false };
    await fleet.control.request(id, { method: 'gate.close', params });
    await waitFor(
      async () => {
        const method = 'gate.status';
        return (await fleet.control.request(id, { method, params: { deploy: 'short' } })).level === 'open';
      },
      { what: 'the gate to open' },
    );
  });

  it('shows its streams, and retires them', async () => {
    const streams = await waitFor(
      async () => {
        const all = await fleet.control.request(id, { method: 'streams.status', params: {} });
        return all.some(({ stream }) => stream === out.stream) && all;
      },
      { what: 'the stream' },
    );
    assert.deepEqual(
      streams.map(({ stream, role }) => [stream, role]),
      [[out.stream, 'out']],
    );
    const { stream } = out;
    const shown = await fleet.control.request(id, {
      method: 'streams.inspect',
      params: { stream, limit: 5, preview: 10 },
    });
    assert.equal(shown.records.length, Math.min(5, shown.waiting));
    const purged = await fleet.control.request(id, { method: 'streams.purge', params: { stream } });
    assert.ok(purged.to >= shown.head);
    const emptied = await fleet.control.request(id, {
      method: 'streams.inspect',
      params: { stream, limit: 5, preview: 10 },
    });
    assert.ok(emptied.waiting <= emptied.head - purged.to);
    assert.deepEqual(await fleet.control.request(id, { method: 'dead.list', params: {} }), []);
    const refused = [
      { method: 'streams.inspect', params: { stream: 'none/at:0', limit: 1, preview: 1 } },
      { method: 'streams.skip', params: { stream, count: 1 } },
      { method: 'dead.replay', params: { id: '1' } },
    ] as const;
    for (const request of refused)
      await assert.rejects(fleet.control.request(id, request), { code: 'ECHO_GATEWAY_AGENT_FAILED' });
    await put([]);
    await fleet.control.request(id, {
      method: 'streams.retire',
      params: { streams: [out.stream, 'none/at:0'] },
    });
    const left = await fleet.control.request(id, { method: 'streams.status', params: {} });
    assert.deepEqual(left, []);
  });

  it('is down when it is killed, and comes back by itself with its flows and its sealed gate', async function () {
    this.timeout(60_000);
    await put(flows);
    const { rev } = await fleet.admin(id).flows();
    const seal = { deploy: 'sealed', tabs: ['c-tab'], level: 'all' as const, leaseMs: 50, sealed: true };
    await fleet.control.request(id, { method: 'gate.close', params: seal });
    await gateway.kill();
    await waitFor(() => fleet.get(id).health === 'down', { what: `${id} to be down` });
    const ups: string[] = [];
    const stop = fleet.onUp((up) => ups.push(up));
    await gateway.start();
    await waitFor(() => ups.includes(id), { what: `${id} to be usable again`, timeout: UP_MS });
    stop();
    assert.equal((await fleet.admin(id).flows()).rev, rev);
    const params = { deploy: 'sealed' };
    assert.equal((await fleet.control.request(id, { method: 'gate.status', params })).level, 'all');
    await fleet.control.request(id, { method: 'gate.open', params: { ...params, orphans: 'drop' } });
  });

  it('leaves when it is forgotten, and keeps its flows', async () => {
    await isUp();
    const { adminUrl } = fleet.get(id);
    await fleet.forget(id);
    assert.ok(!fleet.has(id));
    const client = new AdminClient({ gateway: id, url: adminUrl, access: gateway.access, timeoutMs: 5_000 });
    assert.deepEqual((await client.flows()).flows, flows);
    await client.close();
  });
}
