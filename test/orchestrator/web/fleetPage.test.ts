import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { skip } from '../../kit/skip.ts';
import { waitFor } from '../../kit/wait.ts';
import { exampleFlow, heartbeat } from '../api/memoryService.ts';
import { type ServedApi, serveApi } from '../api/serveApi.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

describe('fleet page', function () {
  this.timeout(60_000);
  let api: ServedApi;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const text = async (selector: string) => (await page.locator(selector).allInnerTexts()).join('\n');
  const shows = (selector: string, pattern: RegExp) =>
    waitFor(async () => pattern.test(await text(selector)), { what: `${selector} to show ${pattern}` });

  before(async function () {
    if (CHROMIUM === undefined) return skip(this, 'Chromium is not installed');
    api = await serveApi();
    await fetch(`${api.url}/api/v1/deploy`, {
      method: 'POST',
      body: JSON.stringify({ flow: exampleFlow, application: 'city' }),
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(api.url);
  });
  after(async () => {
    await browser?.close();
    await api?.close();
  });

  it('shows each gateway under its tier, with a link to its own editor', async () => {
    await shows('.tier-edge', /edge-1[\s\S]*13 %[\s\S]*Node-RED 4\.1\.14[\s\S]*camera/);
    assert.equal(await page.locator('.tier-fog .open').getAttribute('href'), 'http://127.0.0.1:1882');
    assert.equal(await page.locator('a', { hasText: 'Open the editor' }).getAttribute('href'), '/editor/');
  });

  it('shows each broker, and which gateways reach it', async () => {
    await shows(
      '#brokers .broker:first-child',
      /Shared broker[\s\S]*mqtt:\/\/127\.0\.0\.1:1899[\s\S]*embedded/,
    );
    await shows('#brokers .broker:last-child', /Broker of site hall[\s\S]*offered by fog-1/);
    const chips = page.locator('#brokers .broker:last-child .chip');
    const reach = await chips.evaluateAll((all) => all.map((chip) => [chip.textContent, chip.title]));
    assert.deepEqual(reach, [
      ['edge-1', 'Does not reach it'],
      ['fog-1', 'Reaches it'],
      ['cloud-1', 'Not meant to reach it'],
    ]);
  });

  it('draws where the tasks of an application run, with its cut wires', async () => {
    await shows('.app summary', /City sensors[\s\S]*version 1[\s\S]*running[\s\S]*2 cut wires/);
    await waitFor(async () => (await page.locator('.graph .task').count()) === 4, { what: 'four tasks' });
    assert.equal(await page.locator('.graph .box').count(), 3);
    assert.equal(await page.locator('.graph .wire.cut').count(), 2);
  });

  it('brings rate, backlog, latency, lost, repeated and set aside of a cut wire live from heartbeats', async () => {
    await shows('#live', /live/);
    await shows('.wires tbody', /parse edge-1 → average fog-1/);
    for (const [at, records] of [
      [11_000, 500],
      [13_000, 1_500],
    ] as const) {
      api.service.say('heartbeat', 'edge-1', heartbeat('edge-1', at, records));
      api.service.say('heartbeat', 'fog-1', heartbeat('fog-1', at, records));
    }
    await shows('.wires tbody tr:first-child', /500\/s\s+1,500\s+3\s+2 \/ 40 ms\s+0\s+1\s+1/);
    const labels = page.locator('.graph .label text');
    await waitFor(async () => (await labels.allTextContents()).includes('500/s · 3 behind'), {
      what: 'the label',
    });
    assert.equal(await page.locator('.wire.moving').count(), 1);
  });

  it('tells that a gateway went down, and follows new applications', async () => {
    api.service.down('fog-1');
    api.service.say('gateway', 'fog-1', 'down');
    await shows('#summary', /1 not up/);
    await shows('.tier-fog .facts', /^down, seen/);
    await shows('#log', /fog-1\s*is down/);
    await fetch(`${api.url}/api/v1/deploy`, {
      method: 'POST',
      body: JSON.stringify({ flow: exampleFlow.slice(0, 3), application: 'second', name: 'Second' }),
    });
    await shows('.app summary', /Second/);
  });

  it('says why a task is where it is when it is clicked', async () => {
    await page.locator('.task', { hasText: 'average' }).click();
    await shows(
      '#explain',
      /average[\s\S]*It runs on fog-1 because[\s\S]*the tab asks for this tier[\s\S]*edge-1 its tier is edge/,
    );
    await page.keyboard.press('Escape');
  });

  it('reads nothing from the fleet as HTML, and obeys its own content policy', async () => {
    const evil = exampleFlow.slice(0, 3).map((node) => ({ ...node, name: '<img src=x onerror=alert(1)>' }));
    await fetch(`${api.url}/api/v1/deploy`, {
      method: 'POST',
      body: JSON.stringify({ flow: evil, application: 'evil', name: '<b>Evil</b>' }),
    });
    await shows('.app summary', /<b>Evil<\/b>/);
    assert.equal(await page.locator('main img').count(), 0);
    const policy = (await fetch(api.url)).headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.deepEqual(complaints, []);
  });
});
