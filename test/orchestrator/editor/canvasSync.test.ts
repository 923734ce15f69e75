import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { RawFlow } from '../../../src/flow/types.ts';
import { CanvasSync, FOLLOWING } from '../../../src/orchestrator/editor/CanvasSync.ts';
import { appOf } from '../../../src/orchestrator/editor/canvas.ts';
import { fileDraftStore } from '../../../src/orchestrator/editor/draftStore.ts';
import type { StrandedStream } from '../../../src/orchestrator/types.ts';
import type { DeployNotice } from '../../../src/wire/editor.ts';
import { EchoError } from '../../../src/wire/errors.ts';
import { RecordingService } from './recordingService.ts';

const tab = (id: string) => ({ id, type: 'tab', label: `Tab ${id}` });
const node = (id: string, z: string, extra: object = {}) => ({
  id,
  type: 'function',
  z,
  x: 10,
  y: 10,
  wires: [[]],
  ...extra,
});
/** Records that wait, nobody having said what becomes of them. */
const waiting: StrandedStream = {
  stream: 'app-1/n:0',
  from: 'edge-1',
  consumers: ['cloud-1'],
  away: ['cloud-1'],
  records: 7,
  ageMs: 61_000,
  action: 'refuse',
};
const log = pino({ level: 'silent' });
const refusal = (where: string) =>
  new EchoError('ECHO_TEST', { status: 409, title: 'no', remedy: 'do so' }, { message: 'cannot', where });

describe('canvas and store', () => {
  let folder: string;
  let recorder: RecordingService;
  let sync: CanvasSync;
  let notices: DeployNotice[];

  const open = async (): Promise<void> => {
    notices = [];
    sync = new CanvasSync({ service: recorder.service, store: fileDraftStore(folder), log });
    await sync.start({
      credentials: () => ({}),
      changeCanvas: (change) =>
        sync.flowsSaved(structuredClone(change(sync.draft().flows)) as RawFlow, FOLLOWING),
      notify: (notice) => void notices.push(notice),
      changed: () => {},
    });
  };
  const press = async (flows: RawFlow): Promise<void> => {
    await sync.flowsSaved(flows, undefined);
    await sync.idle();
  };
  const kinds = () => notices.map(({ kind }) => kind);
  const canvasIds = () => sync.draft().flows.map(({ id }) => id);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'echo-sync-'));
    recorder = new RecordingService();
    await open();
  });
  afterEach(async () => {
    await sync.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('Deploy deploys every application that changed, and only those', async () => {
    const canvas = [tab('a'), tab('b'), node('n', 'a'), node('m', 'b')];
    await press(canvas);
    assert.deepEqual(
      recorder.deploys.map(({ name, origin }) => [name, origin]),
      [
        ['Tab a', 'editor'],
        ['Tab b', 'editor'],
      ],
    );
    recorder.deploys.length = 0;
    await press([tab('a'), tab('b'), node('n', 'a'), node('m', 'b', { name: 'new' })]);
    assert.deepEqual(
      recorder.deploys.map(({ application }) => application),
      ['app-2'],
    );
  });

  it('a tab keeps its application although the editor posts it without the id', async () => {
    await press([tab('a'), node('n', 'a')]);
    await press([tab('a'), node('n', 'a', { name: 'again' })]);
    assert.equal(recorder.deploys[1]!.application, 'app-1');
    assert.equal(appOf(sync.draft().flows[0]!), 'app-1');
  });

  it('a refusal keeps the draft and names the node', async () => {
    recorder.refusal = refusal('/1/wires');
    await press([tab('a'), node('n', 'a')]);
    assert.deepEqual(kinds(), ['started', 'progress', 'refused']);
    const notice = notices.at(-1) as Extract<DeployNotice, { kind: 'refused' }>;
    assert.equal(notice.problem.node, 'n');
    assert.deepEqual(canvasIds(), ['a', 'n']);

    recorder.refusal = undefined;
    await press([tab('a'), node('n', 'a')]);
    assert.equal(kinds().at(-1), 'done');
  });

  it('an undeployed change is a draft, a deployed one is not', async () => {
    await press([tab('a'), node('n', 'a')]);
    assert.equal(sync.hasUnsavedDraft('app-1'), false);
    recorder.refusal = refusal('n');
    await press([tab('a'), node('n', 'a', { name: 'draft' })]);
    assert.equal(sync.hasUnsavedDraft('app-1'), true);
    assert.equal(sync.hasUnsavedDraft('unknown'), false);
  });

  it('an application whose last node left the canvas is taken off', async () => {
    await press([tab('a'), tab('b'), node('n', 'a'), node('m', 'b')]);
    await press([tab('a'), tab('b'), node('n', 'a')]);
    assert.deepEqual(recorder.removed, ['app-2']);
    assert.equal(kinds().at(-1), 'removed');
  });

  it('a deploy from elsewhere changes the canvas', async () => {
    await press([tab('a'), node('n', 'a')]);
    await recorder.deploy({ application: 'app-1', name: 'Tab a', flow: [tab('a'), node('cli', 'a')] });
    await recorder.deploy({ name: 'other', flow: [tab('z'), node('y', 'z')] });
    await sync.idle();
    assert.deepEqual(canvasIds(), ['a', 'cli', 'z', 'y']);
    assert.equal(sync.hasUnsavedDraft('app-1'), false);
    recorder.deploys.length = 0;
    await press([tab('a'), node('cli', 'a'), tab('z'), node('y', 'z')]);
    assert.deepEqual(recorder.deploys, []);
  });

  it('a deploy from elsewhere never overwrites a draft unasked', async () => {
    await press([tab('a'), node('n', 'a')]);
    recorder.refusal = refusal('n');
    await press([tab('a'), node('draft', 'a')]);
    recorder.refusal = undefined;
    await recorder.deploy({ application: 'app-1', name: 'Tab a', flow: [tab('a'), node('cli', 'a')] });
    await sync.idle();
    assert.deepEqual(canvasIds(), ['a', 'draft']);
    assert.equal(kinds().at(-1), 'diverged');

    sync.discardDraft('app-1');
    await recorder.deploy({ application: 'app-1', name: 'Tab a', flow: [tab('a'), node('cli', 'a')] });
    await sync.idle();
    assert.deepEqual(canvasIds(), ['a', 'cli']);
  });

  it('who gave up one draft did not give up the next', async () => {
    await press([tab('a'), node('n', 'a')]);
    sync.discardDraft('app-1');
    recorder.refusal = refusal('n');
    await press([tab('a'), node('next', 'a')]);
    assert.equal(sync.hasUnsavedDraft('app-1'), true);
  });

  it('an application removed elsewhere leaves the canvas', async () => {
    await press([tab('a'), tab('b'), node('n', 'a'), node('m', 'b')]);
    await recorder.remove('app-1');
    await sync.idle();
    assert.deepEqual(canvasIds(), ['b', 'm']);
  });

  it('a restart brings the canvas up to what was deployed meanwhile', async () => {
    await press([tab('a'), node('n', 'a')]);
    await sync.stop();
    await recorder.deploy({ application: 'app-1', name: 'Tab a', flow: [tab('a'), node('cli', 'a')] });
    await recorder.deploy({ name: 'other', flow: [tab('z'), node('y', 'z')] });
    await open();
    assert.deepEqual(canvasIds(), ['a', 'cli', 'z', 'y']);
  });

  it('a draft survives a restart', async () => {
    recorder.refusal = refusal('n');
    await press([tab('a'), node('n', 'a')]);
    await sync.stop();
    await open();
    assert.deepEqual(canvasIds(), ['a', 'n']);
  });

  it('tabs tied by a link become the application that had the first, and the other is taken off', async () => {
    await press([tab('a'), tab('b'), node('n', 'a'), node('m', 'b')]);
    recorder.deploys.length = 0;
    const tied = [
      tab('a'),
      tab('b'),
      node('n', 'a', { type: 'link out', links: ['m'] }),
      node('m', 'b', { type: 'link in', links: ['n'] }),
    ];
    recorder.refusal = refusal('n');
    await press(tied);
    assert.deepEqual(recorder.removed, [], 'nothing is taken off for a deploy that would be refused');
    recorder.refusal = undefined;
    await press(tied);
    assert.deepEqual(recorder.removed, ['app-2']);
    assert.deepEqual(
      recorder.deploys.map(({ application }) => application),
      ['app-1'],
    );
  });

  it('records that wait are asked about, and the answer is good for one deploy', async () => {
    await press([tab('a'), node('n', 'a')]);
    recorder.stranded = [waiting];
    await press([tab('a'), node('m', 'a')]);
    const asked = notices.at(-1) as Extract<DeployNotice, { kind: 'stranded' }>;
    assert.deepEqual([asked.kind, asked.application, asked.stranded], ['stranded', 'app-1', [waiting]]);
    assert.equal(asked.problem.code, 'ECHO_STREAM_NOT_DRAINED');
    assert.equal(sync.hasUnsavedDraft('app-1'), true);

    sync.deployDraft({ application: 'app-1', stranded: 'discard' });
    await sync.idle();
    assert.equal(kinds().at(-1), 'done');
    assert.equal(recorder.deploys.at(-1)?.options?.discard, true);
    await press([tab('a'), node('o', 'a')]);
    assert.equal(kinds().at(-1), 'stranded');
    sync.deployDraft({ application: 'app-1', stranded: 'drain' });
    await sync.idle();
    assert.equal(recorder.deploys.at(-1)?.options?.drain, true);
  });

  it('nothing is asked where something else is in the way', async () => {
    await press([tab('a'), node('n', 'a')]);
    const blockers = [{ code: 'ECHO_DRIFT', message: 'edited', remedy: 'look' }];
    recorder.refusal = new EchoError(
      'ECHO_DRIFT',
      { status: 409, title: 'edited', remedy: 'look' },
      { details: { blockers, stranded: [waiting] } },
    );
    await press([tab('a'), node('m', 'a')]);
    assert.equal(kinds().at(-1), 'refused');
  });

  it('a removal asks as well', async () => {
    await press([tab('a'), tab('b'), node('n', 'a'), node('m', 'b')]);
    recorder.stranded = [waiting];
    const canvas = [tab('a'), tab('b'), node('n', 'a')];
    const plan = await sync.plan(canvas);
    assert.deepEqual(
      plan.map((one) => one.kind === 'remove' && one.stranded),
      [[waiting]],
    );
    await press(canvas);
    assert.deepEqual([kinds().at(-1), recorder.removed], ['stranded', []]);
    sync.deployDraft({ application: 'app-2', stranded: 'discard' });
    await sync.idle();
    assert.deepEqual(recorder.removed, ['app-2']);
  });

  it('an application that takes over the tabs of another waits for the answer about that one', async () => {
    await press([tab('a'), tab('b'), node('n', 'a'), node('m', 'b')]);
    recorder.deploys.length = 0;
    const [source, target] = [
      node('n', 'a', { type: 'link out', links: ['m'] }),
      node('m', 'b', { type: 'link in', links: ['n'] }),
    ];
    recorder.remove = async () => {
      throw refusal('app-2');
    };
    await press([tab('a'), tab('b'), source, target]);
    assert.deepEqual([kinds().at(-1), recorder.deploys], ['refused', []]);
  });

  it('a plan touches nothing', async () => {
    await press([tab('a'), node('n', 'a')]);
    recorder.deploys.length = 0;
    const plan = await sync.plan([tab('b'), node('m', 'b')]);
    assert.deepEqual(
      plan.map(({ kind, name }) => [kind, name]),
      [
        ['remove', 'Tab a'],
        ['plan', 'Tab b'],
      ],
    );
    assert.deepEqual(recorder.deploys, []);
    assert.deepEqual(canvasIds(), ['a', 'n']);
  });
});
