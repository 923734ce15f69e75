import assert from 'node:assert/strict';
import type { StrandedStream } from '../../src/orchestrator/types.ts';
import { EchoError } from '../../src/wire/errors.ts';
import { disposables } from '../kit/cleanup.ts';
import { skip } from '../kit/skip.ts';
import { waitFor } from '../kit/wait.ts';
import { startTestEditor, type TestEditor } from '../orchestrator/editor/testEditor.ts';
import { findBrowser, launchBrowser } from './browser.ts';
import { EditorPage } from './EditorPage.ts';

/** Messages for the cloud, which is away, in a stream of the fog. */
const stranded = (application: string): StrandedStream => ({
  stream: `${application}/work:0`,
  from: 'fog-1',
  consumers: ['cloud-1'],
  away: ['cloud-1'],
  records: 7,
  bytes: 1_200,
  ageMs: 7_200_000,
  action: 'refuse',
});

describe('the design editor in Chromium', function () {
  this.timeout(90_000);
  const kit = disposables();
  let at: TestEditor;
  let editor: EditorPage;

  before(async function () {
    const path = findBrowser();
    if (path === undefined) skip(this, 'no Chromium is installed');
    at = await startTestEditor(kit);
    const browser = await launchBrowser(path);
    kit.add(browser, () => browser.close());
    editor = new EditorPage(await browser.newPage({ viewport: { width: 1400, height: 850 } }));
    await editor.open(at.url);
  });
  after(() => {
    if (editor !== undefined) assert.deepEqual(editor.errors, []);
  });

  const echoOf = async (id: string) => (await editor.nodes()).find((node) => node.id === id)?.echo;

  it('a node placed and deployed shows its debug messages', async () => {
    await editor.place('debug', 300, 120);
    const placed = (await editor.nodes()).find(({ type }) => type === 'debug')!;
    await editor.deploy();
    await editor.notification('runs on');
    at.recorder.emit('debug', 'edge-1', placed.id, {
      id: placed.id,
      msg: 'hello edge',
      format: 'string[10]',
    });
    await editor.page.getByText('hello edge').waitFor();
  });

  it('what the pane says stands in the flow, and undo takes it back', async () => {
    await editor.paste([
      {
        id: 'tick',
        type: 'inject',
        name: 'tick',
        props: [{ p: 'payload' }],
        payloadType: 'date',
        x: 100,
        y: 220,
        wires: [['work']],
      },
      {
        id: 'work',
        type: 'function',
        name: 'work',
        func: 'return msg;',
        outputs: 1,
        x: 300,
        y: 220,
        wires: [[]],
      },
    ]);
    await editor.openPane('node', 'work');
    await editor.page.selectOption('#node-input-echo-tier', 'fog');
    await editor.page.fill('#node-input-echo-requires', 'gpu');
    await editor.page.keyboard.press('Enter');
    assert.equal(await editor.page.locator('.echo-fit').textContent(), 'Fits: fog-1');
    await editor.done();
    assert.deepEqual(await echoOf('work'), { tier: 'fog', requires: ['gpu'] });
    await editor.undo();
    assert.equal(await echoOf('work'), undefined);
  });

  it('each delivery level can be chosen, and is shown again', async () => {
    const delivery = editor.page.locator('#node-input-echo-delivery');
    const open = async () => {
      await editor.openPane('node', 'work');
      return await delivery.locator('option:checked').textContent();
    };
    assert.equal(await open(), 'at least once (default)');
    assert.deepEqual(await delivery.locator('option').allTextContents(), [
      ...['at least once (default)', 'at least once', 'effectively once', 'at most once'],
    ]);
    await delivery.selectOption('effectively-once');
    await editor.done();
    assert.deepEqual(await echoOf('work'), { delivery: 'effectively-once' });
    assert.equal(await open(), 'effectively once');
    await editor.page.click('#node-dialog-cancel');
    await editor.page.waitForSelector('.red-ui-tray', { state: 'detached' });
    await editor.undo();
    assert.equal(await echoOf('work'), undefined);
  });

  it('a node shows what its tab says, and who says it', async () => {
    const tab = await editor.activeTab();
    await editor.openPane('tab', tab);
    await editor.page.selectOption('#node-input-echo-tier', 'edge');
    await editor.page.selectOption('#node-input-echo-delivery', 'at-most-once');
    await editor.done();
    await editor.openPane('node', 'work');
    const shown = editor.page.locator('#node-input-echo-tier option:checked');
    assert.equal(await shown.textContent(), 'edge (from tab “Flow 1”)');
    await editor.page.fill('#node-input-echo-gateway', 'cloud-1');
    assert.equal(await shown.textContent(), 'any tier', 'a gateway named here ends the inheritance');
    await editor.page.fill('#node-input-echo-requires', 'gpu');
    await editor.page.keyboard.press('Enter');
    assert.match((await editor.page.locator('.echo-fit').textContent()) ?? '', /No enrolled gateway fits/);
    await editor.page.click('#node-dialog-cancel');
    await editor.page.waitForSelector('.red-ui-tray', { state: 'detached' });
  });

  it('options of the wires are said in a section of their own, and inherited', async () => {
    const tab = await editor.activeTab();
    await editor.openPane('tab', tab);
    await editor.page.click('.echo-wire summary');
    await editor.page.selectOption('#node-input-echo-credit', 'pull');
    await editor.page.fill('#node-input-echo-quotaMB', '64');
    await editor.done();
    await editor.openPane('node', 'work');
    const placeholder = (option: string) =>
      editor.page.locator(`#node-input-echo-${option}`).getAttribute('placeholder');
    assert.equal(await placeholder('quotaMB'), '64 (from tab “Flow 1”)');
    assert.equal(await placeholder('priority'), '0 (default)');
    await editor.page.click('.echo-wire summary');
    await editor.page.selectOption('#node-input-echo-durability', 'fsync');
    await editor.page.fill('#node-input-echo-priority', '-3');
    await editor.done();
    assert.deepEqual(await echoOf('work'), { durability: 'fsync', priority: -3 });
    await editor.undo();
    assert.equal(await echoOf('work'), undefined);
    await editor.undo();
  });

  it('hints reach the orchestrator and survive a reload', async () => {
    await editor.paste([
      {
        id: 'grp',
        type: 'group',
        name: 'G',
        style: { label: true },
        nodes: ['in-g'],
        x: 60,
        y: 290,
        w: 200,
        h: 80,
        echo: { gateway: 'edge-1' },
      },
      {
        id: 'in-g',
        type: 'change',
        g: 'grp',
        x: 150,
        y: 330,
        rules: [],
        wires: [[]],
        echo: { tier: 'edge' },
      },
      { id: 'odd', type: 'not-installed', x: 400, y: 330, wires: [[]], echo: { tier: 'cloud' } },
    ]);
    const count = at.recorder.deploys.length;
    await editor.deploy();
    // Node-RED asks before it deploys unknown types.
    await editor.page.locator('.red-ui-notification button', { hasText: 'Confirm deploy' }).click();
    await waitFor(() => at.recorder.deploys.length > count, { what: 'the deploy' });
    const flow = at.recorder.deploys.at(-1)!.flow as { id: string; echo?: object }[];
    const hints = (id: string) => flow.find((entry) => entry.id === id)?.echo;
    const tab = await editor.activeTab();
    assert.deepEqual(hints('grp'), { gateway: 'edge-1' });
    assert.deepEqual(hints('in-g'), { tier: 'edge' });
    assert.deepEqual(hints('odd'), { tier: 'cloud' });
    assert.deepEqual(hints(tab), { tier: 'edge', delivery: 'at-most-once', app: 'app-1' });

    await editor.open(at.url);
    for (const id of ['grp', 'in-g', 'odd']) assert.deepEqual(await echoOf(id), hints(id), id);
  });

  it('badges and sidebar show where the tasks run', async () => {
    await editor.page.locator('.echo-badge', { hasText: 'edge-1' }).first().waitFor();
    await editor.showSidebar('echo');
    const sidebar = editor.page.locator('.echo-sidebar');
    await sidebar.getByText('Version 2, running').waitFor();
    await sidebar.locator('table', { hasText: 'cloud-1' }).first().waitFor();
  });

  it('“Plan only” shows what would change and touches nothing', async () => {
    await editor.paste([{ id: 'more', type: 'change', rules: [], x: 500, y: 220, wires: [['work']] }]);
    const count = at.recorder.deploys.length;
    await editor.page.click('#red-ui-header-button-deploy-options');
    assert.equal(await editor.page.getByText('Restart Flows').count(), 0);
    await editor.page.getByText('Plan only (ECHO)').click();
    await editor.page.locator('.echo-sidebar', { hasText: 'Plan: Flow 1' }).waitFor();
    assert.equal(at.recorder.deploys.length, count);
  });

  it('a refusal is told with its remedy and keeps the draft', async () => {
    at.recorder.refusal = new EchoError(
      'ECHO_PLACEMENT_IMPOSSIBLE',
      { status: 409, title: 'no', remedy: 'Enrol a gateway with a camera.' },
      { message: 'No gateway can take “work”.', where: 'work' },
    );
    await editor.deploy();
    await editor.page.locator('.red-ui-notification button', { hasText: 'Confirm deploy' }).click();
    await editor.notification('Enrol a gateway with a camera.');
    at.recorder.refusal = undefined;
    assert.ok((await editor.nodes()).some(({ id }) => id === 'more'));
  });

  it('messages that a deploy would strand are asked about: cancel keeps the draft, an answer deploys it', async () => {
    const application = at.recorder.applications()[0]!.id;
    at.recorder.stranded = [stranded(application)];
    const dialog = editor.page.locator('.red-ui-notification', { hasText: '7 messages' });
    await editor.page.locator('.red-ui-notification button', { hasText: 'Deploy again' }).click();
    await dialog.getByText('7 messages, 1.2 kB, the oldest 2 h old').waitFor();
    await dialog.getByText('cloud-1 (away)').waitFor();
    await dialog.getByText('Discard: the messages are given up').waitFor();
    const { version } = at.recorder.application(application);
    await dialog.locator('button', { hasText: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(at.recorder.application(application).version, version);

    await editor.showSidebar('echo');
    const sidebar = editor.page.locator('.echo-sidebar');
    await sidebar.getByText('7 messages').waitFor();
    await sidebar.locator('a', { hasText: 'Drain first' }).click();
    await editor.notification('runs on');
    assert.deepEqual(at.recorder.deploys.at(-1)?.options, {
      drain: true,
      drainMs: 60_000,
      allowOffline: true,
    });
    at.recorder.stranded = [];
  });

  it('messages held by a gateway that is away cannot be drained first', async () => {
    const { id } = at.recorder.applications()[0]!;
    at.recorder.stranded = [{ ...stranded(id), away: ['fog-1', 'cloud-1'] }];
    await editor.paste([{ id: 'last', type: 'change', rules: [], x: 500, y: 270, wires: [[]] }]);
    await editor.deploy();
    await editor.page.locator('.red-ui-notification button', { hasText: 'Confirm deploy' }).click();
    const dialog = editor.page.locator('.red-ui-notification', { hasText: '7 messages' });
    await dialog.getByText('can be drained when it is back').waitFor();
    assert.equal(await dialog.locator('button', { hasText: 'Drain first' }).count(), 0);
    await dialog.locator('button', { hasText: 'Discard' }).click();
    await editor.notification('runs on');
    assert.equal(at.recorder.deploys.at(-1)?.options?.discard, true);
    at.recorder.stranded = [];
  });

  it('a plan that comes after a deploy is not shown', async () => {
    const { promise: asked, resolve: release } = Promise.withResolvers<void>();
    await editor.page.route('**/echo/plan', async (route) => {
      const response = await route.fetch();
      await asked;
      await route.fulfill({ response });
    });
    await editor.paste([{ id: 'late', type: 'change', rules: [], x: 500, y: 370, wires: [[]] }]);
    await editor.page.click('#red-ui-header-button-deploy-options');
    await editor.page.getByText('Plan only (ECHO)').click();
    const planning = editor.page.locator('.red-ui-notification', { hasText: /^Planning…$/ });
    await planning.waitFor();
    const { version } = at.recorder.applications()[0]!;
    await editor.deploy();
    await editor.page.locator('.red-ui-notification button', { hasText: 'Confirm deploy' }).click();
    await editor.notification(`version ${version + 1} runs on`);
    release();
    await planning.waitFor({ state: 'detached' });
    assert.equal(await editor.page.locator('.echo-sidebar', { hasText: 'Plan: Flow 1' }).count(), 0);
    await editor.page.unroute('**/echo/plan');
  });

  it('a canvas without changes of its own follows a deploy from elsewhere', async () => {
    await at.recorder.deploy({
      name: 'From a shell',
      flow: [
        { id: 'shell', type: 'tab', label: 'From a shell' },
        { id: 'cli', type: 'debug', z: 'shell', x: 100, y: 100, wires: [] },
      ],
    });
    await waitFor(async () => (await editor.nodes()).some(({ id }) => id === 'cli'), { what: 'the new tab' });
    const review = editor.page.locator('.red-ui-notification', { hasText: 'Review changes' });
    await waitFor(async () => (await review.count()) === 0, { what: 'nothing to review' });
  });

  it('an inject button presses the node on its gateway', async () => {
    await editor.pressButton('tick');
    await waitFor(() => at.recorder.injected.some(([id]) => id === 'tick'), { what: 'the press' });
  });
});
