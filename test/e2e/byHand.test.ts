import assert from 'node:assert/strict';
import type { HandFacts } from '../../nodes/gateway/src/byHand/facts.ts';
import { findMosquitto, startMosquitto } from '../kit/brokers.ts';
import { disposables } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { skip } from '../kit/skip.ts';
import { waitFor } from '../kit/wait.ts';
import { findBrowser, launchBrowser } from './browser.ts';
import { EditorPage } from './EditorPage.ts';

for (const version of ['4.1', '5.0'] as const) {
  describe(`wires by hand in the editor of Node-RED ${version}`, function () {
    this.timeout(120_000);
    const kit = disposables();

    it('are set up in dialogs, which then show who is at the other end', async function () {
      const path = findBrowser();
      if (path === undefined) skip(this, 'no Chromium is installed');
      if (findMosquitto() === undefined) skip(this, 'mosquitto is not installed');
      const broker = await startMosquitto(kit);
      const gateway = await startRealGateway(kit, { version, gatewayPackage: true });
      const browser = await launchBrowser(path);
      kit.add(browser, () => browser.close());
      const editor = new EditorPage(await browser.newPage({ viewport: { width: 1400, height: 950 } }));
      const { page } = editor;
      await editor.open(gateway.url);
      const url = broker.url;
      await editor.paste([
        { id: 'b1', type: 'echo broker', z: undefined, name: 'One', url, gateway: 'hall-a' },
        { id: 'b2', type: 'echo broker', z: undefined, name: 'Other', url, gateway: 'hall-b' },
        { id: 'out', type: 'echo out', x: 200, y: 100, wires: [], consumers: [] },
        { id: 'in', type: 'echo in', x: 200, y: 200, wires: [[]] },
      ]);
      const select = (field: string, value: string) => page.selectOption(`#node-input-${field}`, value);
      await editor.edit('out');
      await page.fill('#node-input-stream', 'readings');
      await select('broker', 'b1');
      await select('whenFull', 'drop-oldest');
      await page.fill('#node-input-attempts', '3');
      assert.equal(await page.locator('.echo-deployed').first().isVisible(), false);
      await editor.done();
      await editor.edit('in');
      await page.fill('#node-input-stream', 'readings');
      await select('broker', 'b2');
      await editor.done();
      await editor.deploy();
      await editor.notification('Successfully deployed');

      const facts = async () => (await (await fetch(`${gateway.url}/echo/wires`)).json()) as HandFacts[];
      await waitFor(async () => (await facts()).at(-1)?.wires[0]?.standing === 'joined', {
        what: 'the ends to meet',
      });
      await editor.edit('in');
      await page.locator('#echo-in-now', { hasText: 'Joined; hall-a sends it.' }).waitFor();
      await editor.done();
      await editor.edit('out');
      await page.locator('#echo-out-now', { hasText: 'hall-b (0 waiting)' }).waitFor();
      assert.equal(await page.inputValue('#node-input-attempts'), '3');
      assert.equal(await page.inputValue('#node-input-whenFull'), 'drop-oldest');
      const answered = page.waitForResponse(/echo\/wires\/b1$/);
      await page.click('#echo-out-now a');
      assert.deepEqual(await (await answered).json(), { forgotten: 1 });
      assert.deepEqual(editor.errors, []);
    });

    it('leave those that ECHO deployed as they are: nothing of them can be changed', async function () {
      const path = findBrowser();
      if (path === undefined) skip(this, 'no Chromium is installed');
      const gateway = await startRealGateway(kit, { version, gatewayPackage: true });
      const browser = await launchBrowser(path);
      kit.add(browser, () => browser.close());
      const editor = new EditorPage(await browser.newPage({ viewport: { width: 1400, height: 950 } }));
      await editor.open(gateway.url);
      const wire = { stream: 'app/f:0', level: 'at-least-once', durability: 'fsync' };
      await editor.paste([
        {
          id: 'out',
          type: 'echo out',
          ...wire,
          consumers: [{ gateway: 'fog-1', tasks: ['t'] }],
          x: 200,
          y: 100,
          wires: [],
        },
        {
          id: 'in',
          type: 'echo in',
          ...wire,
          producer: 'edge-1',
          from: { node: 'f', port: 0 },
          x: 200,
          y: 200,
          wires: [[]],
        },
      ]);
      for (const [id, shown] of [
        ['out', 'fog-1'],
        ['in', 'at-least-once'],
      ] as const) {
        await editor.edit(id);
        await editor.page.locator('.echo-deployed', { hasText: shown }).first().waitFor();
        assert.equal(await editor.page.locator('.echo-by-hand').first().isVisible(), false);
        assert.equal(await editor.page.locator('#node-input-stream').getAttribute('readonly'), '');
        await editor.done();
      }
      assert.deepEqual(editor.errors, []);
    });
  });
}
