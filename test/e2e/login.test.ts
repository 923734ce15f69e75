import assert from 'node:assert/strict';
import { disposables } from '../kit/cleanup.ts';
import { skip } from '../kit/skip.ts';
import { startTestEditor } from '../orchestrator/editor/testEditor.ts';
import { findBrowser, launchBrowser } from './browser.ts';

const KEY = 'a-key-of-the-right-length';

describe('the design editor of an orchestrator with an API key', function () {
  this.timeout(60_000);
  const kit = disposables();

  it('asks for a login, takes the key as password and nothing else', async function () {
    const path = findBrowser();
    if (path === undefined) skip(this, 'no Chromium is installed');
    const { url } = await startTestEditor(kit, { apiKey: KEY });
    const browser = await launchBrowser(path);
    kit.add(browser, () => browser.close());
    const page = await browser.newPage();
    await page.goto(`${url}/`);
    const tryKey = async (password: string): Promise<void> => {
      await page.fill('#node-dialog-login-username', 'anybody');
      await page.fill('#node-dialog-login-password', password);
      await page.click('#node-dialog-login-submit');
    };
    await page.waitForSelector('#node-dialog-login-username');
    await tryKey('a-key-that-is-not-the-one');
    await page.waitForSelector('#node-dialog-login-failed', { state: 'visible' });
    await tryKey(KEY);
    await page.waitForFunction('window.RED?.nodes?.version?.() && RED.workspaces.active()');
    await page.evaluate('RED.sidebar.show("echo")');
    await page.locator('.echo-sidebar td', { hasText: 'edge-1' }).waitFor();
    assert.equal(await page.locator('#node-dialog-login-username').count(), 0);
  });
});
