import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { RawFlow } from '../../../src/flow/types.ts';
import type { DeployNotice } from '../../../src/wire/editor.ts';
import { EchoError } from '../../../src/wire/errors.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import { GATEWAYS } from './recordingService.ts';
import { startTestEditor, type TestEditor } from './testEditor.ts';

const KEY = 'a-key-of-the-right-length';

describe('design editor', function () {
  this.timeout(30_000);
  const kit = disposables();
  let at: TestEditor;
  let socket: WebSocket;
  const heard: { topic: string; data: unknown }[] = [];

  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${at.url}${path}`, {
      ...init,
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        'node-red-api-version': 'v2',
        ...init.headers,
      },
    });
  const canvas = async () => (await (await call('/flows')).json()) as { flows: RawFlow; rev: string };
  const save = async (flows: object[], rev?: string): Promise<Response> =>
    call('/flows', { method: 'POST', body: JSON.stringify({ flows, rev: rev ?? (await canvas()).rev }) });
  const notice = <K extends DeployNotice['kind']>(kind: K) =>
    waitFor(
      () =>
        heard.map(({ data }) => data as DeployNotice).find((one) => one?.kind === kind) as
          | Extract<DeployNotice, { kind: K }>
          | undefined,
      { what: `a notice “${kind}”` },
    );

  before(async () => {
    at = await startTestEditor(kit, { apiKey: KEY });
    socket = new WebSocket(`${at.url.replace('http', 'ws')}/comms`);
    kit.add(socket, () => socket.terminate());
    await new Promise((open) => socket.once('open', open));
    socket.on('message', (text) => {
      const message = JSON.parse(String(text)) as { auth?: string } | { topic: string; data: unknown }[];
      if (Array.isArray(message)) heard.push(...message);
    });
    socket.send(JSON.stringify({ auth: KEY }));
  });
  beforeEach(() => {
    heard.length = 0;
    at.recorder.deploys.length = 0;
    at.recorder.refusal = undefined;
  });

  const tab = { id: 'tab1', type: 'tab', label: 'City' };
  const inject = { id: 'inj1', type: 'inject', z: 'tab1', x: 100, y: 100, props: [], wires: [['dbg1']] };
  const debug = { id: 'dbg1', type: 'debug', z: 'tab1', x: 300, y: 100, wires: [] };

  it('shows the editor, with ECHO’s nodes and plugin, to whoever knows the key', async () => {
    assert.match(await (await fetch(`${at.url}/`)).text(), /<title>ECHO<\/title>/);
    assert.equal((await fetch(`${at.url}/flows`)).status, 401);
    assert.equal((await fetch(`${at.url}/echo/fleet`)).status, 401);
    const nodes = await (await call('/nodes', { headers: { accept: 'application/json' } })).json();
    const types = (nodes as { types: string[]; err?: string }[]).flatMap((set) => set.types);
    assert.ok(types.includes('echo in') && types.includes('inject'));
    const plugins = await (await call('/plugins', { headers: { accept: 'text/html' } })).text();
    assert.match(plugins, /echo-editor/);
  });

  it('never installs a package', async () => {
    const answer = await call('/nodes', { method: 'POST', body: JSON.stringify({ module: 'left-pad' }) });
    assert.ok(answer.status >= 400);
  });

  it('Deploy deploys through the orchestrator and tells gateway by gateway', async () => {
    assert.equal((await save([tab, inject, debug])).status, 200);
    const done = await notice('done');
    assert.equal(done.application, 'app-1');
    assert.deepEqual(
      done.gateways.map(({ gateway }) => gateway),
      GATEWAYS.map(({ id }) => id),
    );
    assert.equal(done.cutWires, 1);
    assert.deepEqual(
      (at.recorder.deploys[0]!.flow as RawFlow).map(({ id }) => id),
      ['tab1', 'inj1', 'dbg1'],
    );
  });

  it('a stale revision is refused as Node-RED refuses it, and deploys nothing', async () => {
    const answer = await save([tab, inject], 'stale');
    assert.equal(answer.status, 409);
    assert.equal(((await answer.json()) as { code: string }).code, 'version_mismatch');
    await at.editor.idle();
    assert.deepEqual(at.recorder.deploys, []);
  });

  it('credentials travel decrypted to the orchestrator, are stored encrypted, and never come back', async () => {
    const broker = {
      id: 'br1',
      type: 'mqtt-broker',
      broker: 'h',
      credentials: { user: 'u', password: 'hush' },
    };
    const out = { id: 'mq1', type: 'mqtt out', z: 'tab1', x: 1, y: 1, broker: 'br1', wires: [] };
    await save([tab, inject, debug, out, broker]);
    await at.editor.idle();
    assert.deepEqual(at.recorder.deploys[0]!.credentials, { br1: { user: 'u', password: 'hush' } });
    assert.doesNotMatch(JSON.stringify(await canvas()), /hush/);
    assert.doesNotMatch(readFileSync(join(at.folder, 'canvas.json'), 'utf8'), /hush/);
  });

  it('a refusal says what to do, points at the node, and keeps the draft', async () => {
    at.recorder.refusal = new EchoError(
      'ECHO_TEST',
      { status: 409, title: 'no', remedy: 'Move it.' },
      { message: 'Nothing fits.', where: '/1' },
    );
    const changed = { ...inject, name: 'draft' };
    await save([tab, changed, debug]);
    const { problem } = await notice('refused');
    assert.deepEqual(problem, {
      code: 'ECHO_TEST',
      message: 'Nothing fits.',
      where: '/1',
      remedy: 'Move it.',
      node: 'inj1',
    });
    assert.equal((await canvas()).flows.find(({ id }) => id === 'inj1')!.name, 'draft');
    assert.equal(at.editor.guard.hasUnsavedDraft('app-1'), true);
  });

  it('a deploy from elsewhere becomes the canvas of open editors', async () => {
    const flow = [
      { id: 'z', type: 'tab', label: 'Z' },
      { ...debug, id: 'zd', z: 'z' },
    ];
    await at.recorder.deploy({ flow, name: 'Z' });
    await waitFor(() => heard.find(({ topic }) => topic === 'echo/canvas'), { what: 'the canvas notice' });
    assert.ok((await canvas()).flows.some(({ id }) => id === 'zd'));
  });

  it('debug messages and status of remote nodes reach the editor', async () => {
    at.recorder.emit('debug', 'edge-1', 'dbg1', { id: 'dbg1', msg: 'hello', format: 'string[5]' });
    at.recorder.emit('nodeStatus', 'edge-1', 'inj1', { fill: 'green', shape: 'dot', text: 'fine' });
    await waitFor(() => heard.find(({ topic }) => topic === 'debug'), { what: 'the debug message' });
    const status = await waitFor(() => heard.find(({ topic }) => topic === 'status/inj1'), {
      what: 'the status',
    });
    assert.deepEqual(status.data, { fill: 'green', shape: 'dot', text: 'fine' });
  });

  it('an inject button presses the node on its gateway', async () => {
    const body = { __user_inject_props__: [] };
    assert.equal((await call('/inject/inj1', { method: 'POST', body: JSON.stringify(body) })).status, 200);
    assert.deepEqual(at.recorder.injected.at(-1), ['inj1', body]);
  });

  it('the button of a debug node switches it where it runs', async () => {
    assert.equal((await call('/debug/dbg1/disable', { method: 'POST' })).status, 201);
    const body = JSON.stringify({ nodes: ['dbg1', 'dbg2'] });
    assert.equal((await call('/debug/enable', { method: 'POST', body })).status, 200);
    assert.deepEqual(at.recorder.switched, [
      ['dbg1', false],
      ['dbg1', true],
      ['dbg2', true],
    ]);
  });

  it('a refused draft can be deployed again without another change', async () => {
    assert.equal((await call('/echo/deploy', { method: 'POST' })).status, 202);
    await notice('done');
    assert.equal(at.editor.guard.hasUnsavedDraft('app-1'), false);
    await call('/echo/deploy', { method: 'POST' });
    await at.editor.idle();
    assert.equal(at.recorder.deploys.length, 1, 'nothing is deployed twice');
  });

  it('rubbish for a plan is refused', async () => {
    assert.equal((await call('/echo/plan', { method: 'POST', body: '{"flows":7}' })).status, 400);
    assert.equal((await call('/echo/plan', { method: 'POST', body: '{' })).status, 400);
  });

  it('keeps its secret to itself', () => {
    for (const file of ['credential-secret', 'canvas.json']) {
      assert.equal(statSync(join(at.folder, file)).mode & 0o777, 0o600);
    }
  });
});
