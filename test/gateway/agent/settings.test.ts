import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { AdminClient } from '../../../src/orchestrator/gateways/adminClient.ts';
import { disposables } from '../../kit/cleanup.ts';
import { startRealGateway } from '../../kit/gateways.ts';
import { waitFor } from '../../kit/wait.ts';
import { startDesk } from '../kit/desk.ts';

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
      assert.match(log(), new RegExp(`\\[echo\\] ${code}: .+ – .+settings\\.js`));
      assert.deepEqual(desk.asked, []);
    });
  }

  it('says one friendly line when it is installed and not set up', async () => {
    const gateway = await startRealGateway(kit, { version: '4.1', gatewayPackage: true });
    assert.match(readFileSync(gateway.logFile, 'utf8'), /\[info\] \[echo\] not part of a fleet: set echo\./);
  });
});

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
