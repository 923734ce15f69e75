import assert from 'node:assert/strict';
import { credentialsOf, type PaletteSource } from '../../../src/orchestrator/editor/palette.ts';
import { AdminClient } from '../../../src/orchestrator/gateways/adminClient.ts';
import { disposables } from '../../kit/cleanup.ts';
import { startRealGateway } from '../../kit/gateways.ts';
import { waitFor } from '../../kit/wait.ts';
import { startTestEditor } from './testEditor.ts';

const HTML = `
<script type="text/html" data-template-name="plc read"><input id="node-input-tag"></script>
<script type="text/javascript">
  RED.nodes.registerType('plc read', {
    category: 'plant', defaults: { name: { value: '' }, plc: { type: 'plc link' } }, inputs: 1, outputs: 1,
  });
  RED.nodes.registerType("plc link", {
    category: 'config',
    defaults: { host: { value: '' } },
    credentials: { user: { type: 'text' }, 'pass-word': { type: "password", required: true } },
  });
</script>`;

const plc: PaletteSource = {
  nodeSets: async () => [
    {
      id: '@plant/node-red-plc/plc',
      module: '@plant/node-red-plc',
      name: 'plc',
      version: '1.2.3',
      enabled: true,
      types: ['plc read', 'plc link'],
    },
    { id: '../evil/x', module: '../evil', name: 'x', version: '1.0.0', enabled: true, types: ['evil'] },
    { id: 'node-red/old', module: 'node-red', name: 'old', version: '4.1.0', enabled: true, types: ['old'] },
  ],
  nodeSetEditor: async () => ({ html: HTML, messages: { plc: { label: 'PLC' } } }),
};

describe('the palette of the fleet', function () {
  this.timeout(60_000);
  const kit = disposables();

  it('credentials are read from the declaration without running it', () => {
    assert.deepEqual(credentialsOf('plc read', HTML), {});
    assert.deepEqual(credentialsOf('plc link', HTML), {
      user: { type: 'text' },
      'pass-word': { type: 'password' },
    });
    assert.deepEqual(credentialsOf('unknown', HTML), {});
  });

  it('types only a gateway has can be drawn, with their credentials; core sets and paths are left out', async () => {
    const { url, recorder, editor } = await startTestEditor(kit, { palette: () => plc });
    const sets = async () =>
      (await (await fetch(`${url}/nodes`, { headers: { accept: 'application/json' } })).json()) as {
        id: string;
        types: string[];
        err?: string;
      }[];
    const types = async () => (await sets()).flatMap((set) => (set.err === undefined ? set.types : []));
    await waitFor(async () => (await types()).includes('plc read'), { what: 'the stub' });
    assert.ok(!(await types()).includes('evil'));
    assert.ok(!(await types()).includes('old'));
    const page = await fetch(`${url}/nodes/@plant/node-red-plc/plc`, { headers: { accept: 'text/html' } });
    assert.match(await page.text(), /data-template-name="plc read"/);

    const flows = [
      { id: 't', type: 'tab', label: 'T' },
      { id: 'r', type: 'plc read', z: 't', x: 1, y: 1, plc: 'l', wires: [[]] },
      { id: 'l', type: 'plc link', host: 'h', credentials: { user: 'u', 'pass-word': 'hush' } },
    ];
    const { rev } = (await (
      await fetch(`${url}/flows`, { headers: { 'node-red-api-version': 'v2' } })
    ).json()) as { rev: string };
    await fetch(`${url}/flows`, {
      method: 'POST',
      headers: { 'node-red-api-version': 'v2', 'content-type': 'application/json' },
      body: JSON.stringify({ flows, rev }),
    });
    await editor.idle();
    assert.deepEqual(recorder.deploys[0]!.credentials, { l: { user: 'u', 'pass-word': 'hush' } });
    const shown = await (await fetch(`${url}/credentials/plc-link/l`)).json();
    assert.deepEqual(shown, { user: 'u', 'has_pass-word': true });
  });

  for (const version of ['4.1', '5.0'] as const) {
    it(`a real Node-RED ${version} gives node sets and their editor halves`, async () => {
      const { url } = await startRealGateway(kit, { version, gatewayPackage: true });
      const admin = new AdminClient({ gateway: 'g', url, access: {}, timeoutMs: 10_000 });
      kit.add(admin, () => admin.close());
      const set = (await admin.nodeSets()).find(({ types }) => types.includes('echo in'))!;
      assert.equal(set.module, '@echo-dataflow/node-red-echo');
      const { html, messages } = await admin.nodeSetEditor(set.id);
      assert.match(html, /registerType\(\s*['"]echo in['"]/);
      assert.equal(typeof messages, 'object');
    });
  }
});
