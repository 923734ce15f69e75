import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AdminClient, type AdminClientOptions } from '../../../src/orchestrator/gateways/adminClient.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { hasOpenssl, NO_OPENSSL, selfSigned } from '../../kit/certificate.ts';
import { disposables } from '../../kit/cleanup.ts';
import { GatewaySimulator, type SimulatedGateway } from '../../kit/simulator/index.ts';
import { skip } from '../../kit/skip.ts';

describe('admin API client', () => {
  const kit = disposables();
  const user = { username: 'echo', password: 'right' };
  let simulator: GatewaySimulator;
  before(async () => {
    simulator = await GatewaySimulator.start();
    kit.add(simulator, () => simulator.close());
  });

  let count = 0;
  const gateway = (withUser = false): SimulatedGateway =>
    simulator.add({ name: `gw-${++count}`, ...(withUser ? { user } : {}) });
  const clientOf = (url: string, more: Partial<AdminClientOptions> = {}): AdminClient => {
    const client = new AdminClient({ gateway: 'gw', url, access: {}, timeoutMs: 2_000, ...more });
    return kit.add(client, () => client.close());
  };
  const rejects = (work: Promise<unknown>, code: string, words = /gw/) =>
    assert.rejects(
      work,
      (e) => isEchoError(e, code) && words.test(e.message) && !e.message.includes(user.password),
    );
  const inject = { id: 'n1', type: 'inject', z: 't1', wires: [[]] };

  it('reads and writes flows by revision', async () => {
    const gw = gateway();
    const client = clientOf(gw.adminUrl);
    const before = await client.flows();
    assert.deepEqual(before.flows, []);
    const { rev } = await client.putFlows({
      rev: before.rev,
      flows: [inject],
      credentials: { n1: { a: 'b' } },
    });
    assert.deepEqual(await client.flows(), { rev, flows: [inject] });
    assert.deepEqual(gw.admin.credentials.get('n1'), { a: 'b' });
    await rejects(client.putFlows({ rev: before.rev, flows: [] }), 'ECHO_FLOWS_CONFLICT');
    assert.deepEqual(gw.admin.flows, [inject]);
  });

  it('counts only types that are enabled and loaded', async () => {
    const types = await clientOf(gateway().adminUrl).nodeTypes();
    assert.ok(types.has('inject') && !types.has('disabled-type') && !types.has('broken-type'));
  });

  it('presses buttons, and says when there is no such node', async () => {
    const gw = gateway();
    gw.admin.edit([inject]);
    const client = clientOf(gw.adminUrl);
    await client.press('n1');
    assert.deepEqual(gw.admin.pressed, ['n1']);
    await rejects(client.press('none'), 'ECHO_GATEWAY_REFUSED', /404/);
  });

  it('logs in when asked to, once, and again when its token ended', async () => {
    const gw = gateway(true);
    const client = clientOf(gw.adminUrl, { access: user });
    await Promise.all([client.flows(), client.flows(), client.nodeTypes()]);
    const logins = () => gw.admin.calls.filter((call) => call === 'POST /auth/token').length;
    assert.equal(logins(), 1);
    gw.admin.expireTokens();
    await client.flows();
    assert.equal(logins(), 2);
  });

  it('says unauthorized for a wrong password, a wrong token, and none', async () => {
    const { adminUrl } = gateway(true);
    for (const access of [{ ...user, password: 'wrong' }, { token: 'wrong' }, {}])
      await rejects(clientOf(adminUrl, { access }).flows(), 'ECHO_GATEWAY_UNAUTHORIZED');
  });

  it('refuses to send a body over the limit, and understands a 413', async () => {
    const flows = [{ ...inject, text: 'x'.repeat(10_000) }];
    const gw = simulator.add({ name: 'gw-small', maxBytes: 5_000 });
    const { rev } = await clientOf(gw.adminUrl).flows();
    const put = { rev, flows };
    await rejects(
      clientOf(gw.adminUrl, { maxBytes: 5_000 }).putFlows(put),
      'ECHO_FLOWS_TOO_LARGE',
      /limit 5000/,
    );
    assert.deepEqual(gw.admin.calls, ['GET /flows']);
    await rejects(clientOf(gw.adminUrl).putFlows(put), 'ECHO_FLOWS_TOO_LARGE');
  });

  it('says unreachable for a closed port, a dropped connection and a silent gateway', async () => {
    await rejects(clientOf('http://127.0.0.1:1').flows(), 'ECHO_GATEWAY_UNREACHABLE');
    const gw = gateway();
    gw.admin.faults.plan('GET /flows', { kind: 'drop' });
    const client = clientOf(gw.adminUrl, { timeoutMs: 200 });
    await rejects(client.flows(), 'ECHO_GATEWAY_UNREACHABLE');
    gw.admin.faults.plan('GET /flows', { kind: 'silence' });
    await rejects(client.flows(), 'ECHO_GATEWAY_UNREACHABLE', /200 ms/);
    await client.flows();
  });

  it("passes on the gateway's own words when it refuses", async () => {
    const gw = gateway();
    gw.admin.faults.plan('GET /flows', { kind: 'answer', status: 500, body: { message: 'disk is full' } });
    await rejects(clientOf(gw.adminUrl).flows(), 'ECHO_GATEWAY_REFUSED', /500: disk is full/);
  });

  it('says so when something else than Node-RED answers', async () => {
    const gw = gateway();
    const client = clientOf(gw.adminUrl);
    for (const body of ['<html>hello</html>', {}, { rev: 1, flows: [] }, { rev: 'a', flows: [1] }]) {
      gw.admin.faults.plan('GET /flows', { kind: 'answer', status: 200, body });
      await rejects(client.flows(), 'ECHO_GATEWAY_REFUSED');
    }
  });

  it('trusts a pinned certificate of whatever name, and no other', async function () {
    if (!hasOpenssl()) skip(this, NO_OPENSSL);
    const { key, cert } = selfSigned(kit.folder());
    const other = selfSigned(kit.folder());
    const server = createServer({ key, cert }, (_req, res) => res.end('{"rev":"r","flows":[]}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    kit.add(server, () => {
      server.closeAllConnections();
      server.close();
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal((await clientOf(url, { access: { certificate: cert } }).flows()).rev, 'r');
    await rejects(clientOf(url).flows(), 'ECHO_GATEWAY_UNREACHABLE');
    await rejects(clientOf(url, { access: { certificate: other.cert } }).flows(), 'ECHO_GATEWAY_UNREACHABLE');
  });
});
