import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdminClient } from '../../../src/orchestrator/gateways/adminClient.ts';
import { disposables } from '../../kit/cleanup.ts';
import { startRealGateway, told } from '../../kit/gateways.ts';
import { waitFor } from '../../kit/wait.ts';
import { startDesk } from '../kit/desk.ts';
import { echoTab } from '../kit/probed.ts';

const bcrypt = createRequire(createRequire(import.meta.url).resolve('node-red'))('@node-rs/bcrypt') as {
  hashSync(text: string, rounds: number): string;
};

describe('agent: settings of an existing Node-RED', function () {
  this.timeout(60_000);
  const kit = disposables();

  for (const version of ['4.1', '5.0'] as const) {
    it(`can be deployed to with adminAuth, HTTPS and another httpAdminRoot on Node-RED ${version}`, async () => {
      const desk = await startDesk(kit);
      const password = 'a password';
      const user = { username: 'echo', password: bcrypt.hashSync(password, 4), permissions: '*' };
      const gateway = await startRealGateway(kit, {
        version,
        echo: { orchestrator: desk.url, token: 'once', tier: 'fog', admin: { username: 'echo', password } },
        settings: {
          https: selfSigned(kit.folder()),
          httpAdminRoot: '/red/admin/',
          adminAuth: { type: 'credentials', users: [user] },
          apiMaxLength: '1mb',
        },
      });
      const { facts, admin } = await waitFor(() => desk.asked[0], { what: 'the enrolment' });
      assert.equal(facts.adminUrl, gateway.url);
      assert.match(facts.adminUrl, /^https:.*\/red\/admin$/);
      assert.equal(facts.apiMaxBytes, 1024 * 1024);
      const url = facts.adminUrl;
      const client = new AdminClient({ gateway: 'g', url, access: admin!, timeoutMs: 5_000 });
      kit.add(client, () => client.close());
      const { rev } = await client.flows();
      await client.putFlows({ rev, flows: [{ id: 't', type: 'tab', label: 't' }] });
      assert.ok((await client.nodeTypes()).has('echo out'));
      assert.ok(!readFileSync(gateway.logFile, 'utf8').includes(password));
    });
  }

  const refusals: [string, Record<string, unknown>][] = [
    ['ECHO_GATEWAY_PROJECTS_MODE', { editorTheme: { projects: { enabled: true } } }],
    ['ECHO_GATEWAY_READ_ONLY', { readOnly: true }],
    ['ECHO_GATEWAY_NO_ADMIN_API', { httpAdminRoot: false }],
  ];
  for (const [code, settings] of refusals) {
    it(`does not enrol, says ${code} and leaves Node-RED running`, async () => {
      const desk = await startDesk(kit);
      const gateway = await startRealGateway(kit, {
        version: '5.0',
        echo: { orchestrator: desk.url, token: 'once', tier: 'edge' },
        settings,
      });
      const log = (): string => readFileSync(gateway.logFile, 'utf8');
      await waitFor(() => /Started flows|Projects/.test(log()), { what: 'Node-RED to start' });
      await told(gateway, new RegExp(`\\[echo\\] ${code}: .+ – .+settings\\.js`));
      assert.deepEqual(desk.asked, []);
    });
  }

  it('joins without a restart when the package is uploaded to a running Node-RED that is set up', async () => {
    const desk = await startDesk(kit);
    const gateway = await startRealGateway(kit, {
      version: '5.0',
      gatewayPackage: false,
      echo: { orchestrator: desk.url, token: 'once', tier: 'edge', name: 'edge-1' },
    });
    const post = async (path: string, body: FormData | string): Promise<void> => {
      const json = typeof body === 'string' ? { 'content-type': 'application/json' } : undefined;
      const response = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        body,
        ...(json && { headers: json }),
      });
      assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`);
    };
    await post('/flows', JSON.stringify([echoTab('t')]));
    const tarball = new FormData();
    tarball.append('tarball', new Blob([readFileSync(pack(kit.folder()))]), 'node-red-echo.tgz');
    await post('/nodes', tarball);
    await desk.heard('hello', (hello) => hello.facts.nodeTypes.includes('echo out'));
    const params = { deploy: 'd', tabs: ['t'], level: 'all' as const, leaseMs: 60_000, sealed: false };
    await desk.request({ method: 'gate.close', params });
    const opened = await desk.request({ method: 'gate.open', params: { deploy: 'd', orphans: 'drop' } });
    assert.deepEqual(opened.result, { delivered: 0, rerouted: 0, dropped: 0 });
  });

  it('says one friendly line when it is installed and not set up', async () => {
    const gateway = await startRealGateway(kit, { version: '4.1', gatewayPackage: true });
    await told(gateway, /\[info\] \[echo\] not part of a fleet: set echo\./);
  });
});

/** The package as `npm pack` makes it. */
function pack(folder: string): string {
  const cwd = fileURLToPath(new URL('../../../nodes/gateway', import.meta.url));
  const name = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd,
    encoding: 'utf8',
  });
  return join(folder, name.trim());
}

function selfSigned(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
  ];
  const options = ['req', '-x509', '-subj', '/CN=gateway.example', '-days', '2', ...made];
  execFileSync('openssl', options, { stdio: 'ignore' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}
