import assert from 'node:assert/strict';
import type { BrowserContext } from 'playwright-core';
import { disposables } from '../kit/cleanup.ts';
import { type Echo, startEcho } from '../kit/echo.ts';
import { skip } from '../kit/skip.ts';
import { waitFor } from '../kit/wait.ts';
import { findBrowser, launchBrowser } from './browser.ts';
import { EditorPage } from './EditorPage.ts';

describe('one flow drawn in the editor, run by three real gateways', function () {
  this.timeout(180_000);
  const kit = disposables();
  let echo: Echo;
  let context: BrowserContext;
  let editor: EditorPage;
  let url: string;

  before(async function () {
    const path = findBrowser();
    if (path === undefined) skip(this, 'no Chromium is installed');
    echo = await startEcho(kit, { editor: true });
    url = `${echo.url}/editor`;
    const browser = await launchBrowser(path);
    kit.add(browser, () => browser.close());
    context = await browser.newContext({ viewport: { width: 1400, height: 850 } });
    editor = new EditorPage(await context.newPage());
    await editor.open(url);
  });
  after(() => {
    if (editor !== undefined) assert.deepEqual(editor.errors, []);
  });

  it('is placed as the panes say, and the debug data of the cloud arrives in the sidebar', async () => {
    await editor.paste([
      {
        id: 'tick',
        type: 'inject',
        name: 'tick',
        props: [{ p: 'payload' }],
        payload: '20',
        payloadType: 'num',
        repeat: '',
        x: 120,
        y: 120,
        wires: [['double']],
      },
      {
        id: 'double',
        type: 'function',
        name: 'double',
        func: 'msg.payload = msg.payload * 2 + 2;\nnode.status({ fill: "green", shape: "dot", text: "doubled" });\nreturn msg;',
        outputs: 1,
        x: 320,
        y: 120,
        wires: [[]],
      },
    ]);
    await editor.place('debug', 520, 120);
    const debug = (await editor.nodes()).find(({ type }) => type === 'debug')!;
    await editor.wire('double', debug.id);
    for (const [id, tier] of [
      ['tick', 'edge'],
      ['double', 'fog'],
      [debug.id, 'cloud'],
    ] as const) {
      await editor.openPane('node', id);
      await editor.page.selectOption('#node-input-echo-tier', tier);
      await editor.done();
    }
    await editor.deploy();
    await editor.notification('runs on 3 gateways');
    const [application] = echo.service.applications();
    assert.deepEqual(echo.service.application(application!.id).placement, {
      tick: 'edge-1',
      double: 'fog-1',
      [debug.id]: 'cloud-1',
    });

    await editor.pressButton('tick');
    await editor.page.locator('.red-ui-debug-msg', { hasText: '42' }).waitFor();
  });

  it('the status of a remote node stands below it', async () => {
    await editor.page.locator('.red-ui-flow-node-status-group', { hasText: 'doubled' }).waitFor();
  });

  it('stands on each gateway as an ordinary, locked tab', async () => {
    const page = await context.newPage();
    const gateway = new EditorPage(page);
    await gateway.open(echo.gateway('fog-1').url);
    const nodes = await gateway.nodes();
    assert.equal(nodes.find(({ type }) => type === 'tab')?.locked, true);
    assert.deepEqual(
      nodes
        .filter(({ type }) => ['function', 'echo in', 'echo out'].includes(type))
        .map(({ type }) => type)
        .sort(),
      ['echo in', 'echo out', 'function'],
    );
    assert.deepEqual(gateway.errors, []);
    await page.close();
  });

  it('an impossible placement is refused with its reason, and nothing changes on the gateways', async () => {
    await editor.openPane('node', 'double');
    await editor.page.fill('#node-input-echo-requires', 'teleport');
    await editor.page.keyboard.press('Enter');
    await editor.done();
    await editor.deploy();
    await editor.notification('was not deployed');
    assert.equal(echo.service.applications()[0]!.version, 1);
    await editor.page.locator('.red-ui-notification button', { hasText: 'Close' }).click();
    await editor.pressButton('tick');
    await waitFor(
      async () => (await editor.page.locator('.red-ui-debug-msg', { hasText: '42' }).count()) > 1,
      {
        what: 'the second message',
      },
    );
  });

  it('messages for a gateway that is away are asked about, and given up when the user says so', async () => {
    await editor.openPane('node', 'double');
    await editor.page.locator('.echo-tags .echo-tag button').click();
    await editor.done();
    await echo.gateway('cloud-1').kill();
    await waitFor(
      () => echo.service.gateways().some(({ id, health }) => id === 'cloud-1' && health === 'down'),
      {
        what: 'cloud-1 to be away',
      },
    );
    await editor.pressButton('tick');
    const [application] = echo.service.applications();
    const waiting = () => {
      const out = echo.service.gateway('fog-1').heartbeat?.streams.find(({ role }) => role === 'out');
      return out?.role === 'out' ? (out.backlog?.records ?? 0) : 0;
    };
    await waitFor(() => waiting() === 1, { what: 'the message to wait' });
    await editor.unwire('double');
    await editor.deploy();
    const dialog = editor.page.locator('.red-ui-notification', { hasText: 'cloud-1 (away)' });
    await dialog.getByText('1 message').waitFor();
    await dialog.locator('button', { hasText: 'Discard' }).click();
    await editor.notification('waits for a gateway');
    const note = echo.service.history(application!.id).find(({ version }) => version === 2)?.note;
    assert.match(note ?? '', /^1 record\(s\) of .* are given up for cloud-1$/);
  });
});
