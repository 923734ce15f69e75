import assert from 'node:assert/strict';
import { disposables } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { skip } from '../kit/skip.ts';
import { findBrowser, launchBrowser } from './browser.ts';
import { EditorPage } from './EditorPage.ts';

const FLOW = [
  {
    id: 'node',
    type: 'change',
    rules: [],
    x: 100,
    y: 220,
    wires: [[]],
    echo: { tier: 'edge', requires: ['gpu'] },
  },
  { id: 'sub', type: 'subflow', name: 'Sub', in: [], out: [], env: [] },
  { id: 'instance', type: 'subflow:sub', x: 300, y: 100, wires: [], echo: { tier: 'fog' } },
  { id: 'unknown', type: 'not-installed', x: 400, y: 220, wires: [], echo: { tier: 'cloud' } },
  {
    id: 'group',
    type: 'group',
    style: { label: true },
    nodes: ['inside'],
    x: 60,
    y: 290,
    w: 200,
    h: 80,
    echo: { gateway: 'edge-1' },
  },
  { id: 'inside', type: 'change', g: 'group', rules: [], x: 150, y: 330, wires: [[]] },
];

for (const version of ['4.1', '5.0'] as const) {
  describe(`the editor of a gateway on Node-RED ${version}`, function () {
    this.timeout(120_000);
    const kit = disposables();

    it('keeps hints through import, edit, deploy and reload', async function () {
      const path = findBrowser();
      if (path === undefined) skip(this, 'no Chromium is installed');
      const gateway = await startRealGateway(kit, { version, gatewayPackage: true });
      const browser = await launchBrowser(path);
      kit.add(browser, () => browser.close());
      const editor = new EditorPage(await browser.newPage({ viewport: { width: 1400, height: 850 } }));
      await editor.open(gateway.url);
      await editor.paste(FLOW);
      await editor.openPane('node', 'inside');
      assert.equal(
        await editor.page.locator('#node-input-echo-gateway').getAttribute('placeholder'),
        'edge-1 (from group “group”)',
      );
      await editor.page.selectOption('#node-input-echo-tier', 'edge');
      await editor.done();
      await editor.deploy();
      await editor.page.locator('.red-ui-notification button', { hasText: 'Confirm deploy' }).click();
      await editor.notification('Successfully deployed');

      await editor.open(gateway.url);
      const hints = Object.fromEntries((await editor.nodes()).map(({ id, echo }) => [id, echo]));
      for (const { id, echo } of FLOW) {
        assert.deepEqual(hints[id], id === 'inside' ? { tier: 'edge' } : echo, id);
      }
      assert.deepEqual(editor.errors, []);
    });
  });
}
