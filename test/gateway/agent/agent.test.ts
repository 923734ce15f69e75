import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import type { GatewayProcess } from '../../../src/orchestrator/fleet/gateway.ts';
import { startAedes } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { startRealGateway, told } from '../../kit/gateways.ts';
import { waitFor } from '../../kit/wait.ts';
import { type Desk, startDesk } from '../kit/desk.ts';
import { echoTab, type TestNode } from '../kit/probed.ts';

async function deploy(gateway: GatewayProcess, flows: TestNode[]): Promise<void> {
  const response = await fetch(`${gateway.url}/flows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'Node-RED-API-Version': 'v2' },
    body: JSON.stringify({ flows }),
  });
  assert.equal(response.status, 200);
}

const log = (gateway: GatewayProcess): string => readFileSync(gateway.logFile, 'utf8');

describe('agent: a gateway and its orchestrator', function () {
  this.timeout(60_000);
  const kit = disposables();
  let desk: Desk;
  let gateway: GatewayProcess;
  const identity = (): string => join(gateway.options.userDir, 'echo', 'identity.json');

  before(async () => {
    desk = await startDesk(kit);
    gateway = await startRealGateway(kit, {
      version: '5.0',
      echo: { orchestrator: desk.url, token: 'once', tier: 'edge', name: 'edge-1', capabilities: ['camera'] },
    });
    await desk.heard('hello');
  });

  it('enrols with its token, and says where its admin API is and what it can do', async () => {
    const [first] = desk.asked;
    assert.deepEqual([first?.token, first?.name, first?.gateway], ['once', 'edge-1', undefined]);
    const facts = first!.facts;
    assert.equal(facts.adminUrl, gateway.url);
    assert.equal((await fetch(`${facts.adminUrl}/flows`)).status, 200);
    assert.deepEqual(facts.capabilities, ['camera']);
    assert.match(facts.nodeRedVersion, /^5\.0\.7/);
    for (const type of ['echo in', 'echo out', 'inject', 'function', 'mqtt in']) {
      assert.ok(facts.nodeTypes.includes(type), type);
    }
    assert.equal(facts.apiMaxBytes, 5 * 1024 * 1024);
  });

  it('keeps its secret where only its user can read it', () => {
    assert.equal(statSync(identity()).mode & 0o777, 0o600);
    assert.ok(!log(gateway).includes('the-secret'));
  });

  it('goes on to the next broker when the first is dead, and shows itself online', () => {
    assert.equal(desk.statuses.at(-1), 'online');
  });

  it('sends heartbeats with load, streams, gates and the counters of ECHO tasks only', async () => {
    const more = {
      name: '',
      x: 0,
      y: 0,
      props: [{ p: 'payload' }],
      payload: '1',
      payloadType: 'num',
      once: true,
    };
    await deploy(gateway, [
      echoTab('t1'),
      { id: 'own', type: 'tab', label: 'own' },
      { id: 'i1', type: 'inject', z: 't1', wires: [['d1']], ...more },
      { id: 'd1', type: 'debug', z: 't1', wires: [], active: true, tosidebar: true, complete: 'payload' },
      { id: 'i2', type: 'inject', z: 'own', wires: [['d2']], ...more },
      { id: 'd2', type: 'debug', z: 'own', wires: [], active: true, tosidebar: true, complete: 'payload' },
    ]);
    const beat = await desk.heard('heartbeat', (h) => h.nodes.d1?.received === 1);
    assert.deepEqual(Object.keys(beat.nodes).sort(), ['d1', 'i1']);
    assert.ok(beat.rssMB > 10 && beat.memFreeMB > 0 && beat.cpuPct >= 0 && beat.cpuPct <= 100);
    assert.deepEqual([beat.gates, beat.streams], [[], []]);
  });

  it('forwards debug messages and statuses of ECHO tasks, not of the own flows', async () => {
    const { data } = await desk.heard('comms', (c) => c.kind === 'debug' && c.node === 'd1');
    assert.equal((data as { msg: string }).msg, '1');
    assert.ok(!desk.said.some((e) => e.type === 'comms' && e.node === 'd2'));
  });

  it('leaves debug messages out when there are too many, and says how many', async () => {
    desk.said.length = 0;
    const func = 'for (let i = 0; i < 1000; i++) node.send({payload: i});';
    await deploy(gateway, [
      echoTab('t1'),
      { id: 'i3', type: 'inject', z: 't1', wires: [['f']], props: [], once: true, onceDelay: 0.1 },
      { id: 'f', type: 'function', z: 't1', wires: [['d3']], func, outputs: 1, timeout: 0, libs: [] },
      { id: 'd3', type: 'debug', z: 't1', wires: [], active: true, tosidebar: true, complete: 'payload' },
    ]);
    const told = await desk.heard('comms', (c) => c.node === '');
    const skipped = Number(/^\d+/.exec((told.data as { msg: string }).msg)?.[0]);
    const sent = desk.said.filter((e) => e.type === 'comms' && e.node === 'd3').length;
    assert.ok(sent >= 50 && sent < 250 && skipped > 700, `${sent} sent, ${skipped} left out`);
  });

  it('answers requests, one that arrives twice only by the same answer', async () => {
    const params = { deploy: 'd', tabs: ['t1'], level: 'all' as const, leaseMs: 60_000, sealed: false };
    const closed = await desk.request({ method: 'gate.close', params });
    assert.equal((closed.result as { level: string }).level, 'all');
    await desk.heard('heartbeat', (h) => h.gates.includes('d'));
    const open = { method: 'gate.open' as const, params: { deploy: 'd', orphans: 'drop' as const } };
    await desk.request(open, 'twice');
    await desk.request({ method: 'gate.close', params });
    await desk.request(open, 'twice');
    const status = await desk.request({ method: 'gate.status', params: { deploy: 'd' } });
    assert.equal((status.result as { level: string }).level, 'all');
    await desk.request(open);
  });

  it('answers what it does not understand with an error, and ignores rubbish', async () => {
    const unknown = await desk.request({ method: 'gate.explode', params: {} });
    assert.equal(unknown.error?.code, 'ECHO_CONTROL_INVALID');
    for (const rubbish of ['', '{', 'null', '[]', '{"v":1}', Buffer.from([0xff, 0xfe])])
      desk.publish(rubbish);
    desk.publish(Buffer.alloc(5 * 1024 * 1024, 0x61));
    const status = await desk.request({ method: 'streams.status', params: {} });
    assert.deepEqual(status.result, []);
    const said = await told(gateway, /a control packet was ignored/);
    assert.equal(said.match(/a control packet was ignored/g)?.length, 1);
  });

  it('is shown offline by its last will when it is killed, and renews with its secret when it returns', async () => {
    const before = (await desk.heard('heartbeat')).boot;
    await gateway.kill();
    await waitFor(() => desk.statuses.at(-1) === 'offline', { what: 'the last will' });
    desk.said.length = 0;
    desk.asked.length = 0;
    await gateway.start();
    const { boot } = await desk.heard('hello');
    assert.equal(boot.disk, before.disk);
    assert.ok(boot.count > before.count);
    const again = await waitFor(() => desk.asked[0], { what: 'the renewal' });
    assert.deepEqual([again.gateway, again.secret, again.token], ['edge-1', 'the-secret', undefined]);
    assert.equal(desk.statuses.at(-1), 'online');
  });

  it('runs from its identity while the orchestrator is down, and renews when that is back', async () => {
    await desk.stop();
    await gateway.stop();
    desk.said.length = 0;
    desk.asked.length = 0;
    await gateway.start();
    await desk.heard('hello');
    await desk.heard('heartbeat');
    await told(gateway, /ECHO_ENROL_UNREACHABLE/);
    await desk.start();
    await waitFor(() => desk.asked.length > 0, { what: 'the renewal' });
  });

  it('comes back by itself when the broker was restarted', async () => {
    await desk.broker.restart();
    desk.said.length = 0;
    await desk.heard('hello');
    assert.equal(desk.statuses.at(-1), 'online');
  });

  it('asks again where the brokers are when it has lost them', async function () {
    this.timeout(30_000);
    const { broker, answer } = desk;
    const moved = await startAedes(kit);
    desk.answer = (request) => {
      const { status, body } = answer(request);
      return { status, body: { ...(body as object), brokers: [{ url: moved.url }] } };
    };
    const client = await mqtt.connectAsync(moved.url);
    kit.add(client, () => client.endAsync(true));
    let online = false;
    client.on('message', () => {
      online = true;
    });
    await client.subscribeAsync('echo/1/edge-1/status');
    await broker.kill();
    await waitFor(() => online, { what: 'the gateway at the other broker', timeout: 20_000 });
    await broker.start();
    desk.answer = answer;
    await moved.kill();
    desk.said.length = 0;
    await waitFor(() => desk.said.some(({ type }) => type === 'hello'), {
      what: 'the gateway to be back',
      timeout: 20_000,
    });
  });

  it('forgets who it was when it is taken out of the fleet', async () => {
    await desk.request({ method: 'gateway.forget', params: {} });
    await waitFor(() => desk.statuses.at(-1) === 'offline', { what: 'the gateway to go offline' });
    assert.ok(!existsSync(identity()));
    assert.equal((await fetch(`${gateway.url}/flows`)).status, 200);
  });

  it('says why it was refused and what to do, once', async () => {
    desk.asked.length = 0;
    desk.answer = () => ({
      status: 401,
      body: { code: 'ECHO_TOKEN_INVALID', detail: 'the token was used', remedy: 'Make another.' },
    });
    await gateway.stop();
    await gateway.start();
    await told(gateway, /ECHO_ENROL_REFUSED: .*ECHO_TOKEN_INVALID: the token was used – Make another\./);
    assert.equal(desk.asked.length, 1);
  });
});
