import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openStore, type Store } from '../../../src/orchestrator/store/Store.ts';

const version = (n: number) => ({
  application: 'app',
  version: n,
  origin: 'cli',
  created: n,
  tasks: 1,
  placement: { t1: 'edge' },
  flow: [{ id: 't1', type: 'inject' }],
  fragments: [],
  streams: [],
  cutWires: [],
  explanations: {},
});
const app = { id: 'app', name: 'App', version: 0, state: 'running', created: 1, updated: 1 } as const;

describe('store', () => {
  let dir: string;
  let store: Store;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'echo-store-'));
    store = openStore(dir);
  });
  afterEach(() => {
    store.close();
    rmSync(dir, { recursive: true });
  });
  const reopen = () => {
    store.close();
    store = openStore(dir);
  };

  it('a committed version and its credentials survive a restart', () => {
    store.applications.put(app);
    store.applications.draft(version(1), { t1: { password: 'hunter2' } });
    store.applications.commit('app', 1);
    store.applications.put({ ...app, version: 1 });
    reopen();
    assert.deepEqual(store.applications.version('app', 1), version(1));
    assert.deepEqual(store.applications.credentials('app', 1), { t1: { password: 'hunter2' } });
    assert.deepEqual(
      store.applications.list().map((a) => a.id),
      ['app'],
    );
  });

  it('a producer epoch once given out is never forgotten nor lowered', () => {
    assert.equal(store.streamEpochs.highest('app/t1:0'), 0);
    store.streamEpochs.burn({ 'app/t1:0': 3, 'app/t2:0': 1 });
    store.streamEpochs.burn({ 'app/t1:0': 2 });
    reopen();
    assert.deepEqual(['app/t1:0', 'app/t2:0'].map(store.streamEpochs.highest), [3, 1]);
  });

  it('a secret never stands in the clear in any file of the data folder', () => {
    store.applications.put(app);
    store.applications.draft(version(1), { t1: { password: 'hunter2' } });
    reopen();
    for (const file of ['echo.db', 'secret.key']) {
      assert.equal(readFileSync(join(dir, file)).includes('hunter2'), false);
    }
    assert.equal(statSync(join(dir, 'secret.key')).mode & 0o777, 0o600);
  });

  it('a discarded first draft leaves no application behind', () => {
    store.applications.put(app);
    store.applications.draft(version(1), {});
    store.applications.discard('app', 1);
    assert.equal(store.applications.find('app'), undefined);
    assert.throws(() => store.applications.get('app'), { code: 'ECHO_APP_UNKNOWN' });
  });

  it('a draft is not part of the history', () => {
    store.applications.put({ ...app, version: 1 });
    store.applications.draft(version(1), {});
    store.applications.commit('app', 1);
    store.applications.draft(version(2), {});
    assert.deepEqual(
      store.applications.history('app').map((v) => v.version),
      [1],
    );
    assert.throws(() => store.applications.version('app', 3), { code: 'ECHO_VERSION_UNKNOWN' });
  });

  it('a transaction that throws leaves nothing of what it wrote', () => {
    assert.throws(() =>
      store.transaction(() => {
        store.applications.put(app);
        throw new Error('no');
      }),
    );
    assert.equal(store.applications.find('app'), undefined);
  });

  it('a token is taken once', () => {
    store.tokens.put({ hash: 'h', name: 'edge-1', expiresAt: 5 });
    store.tokens.put({ hash: 'old', expiresAt: 1 });
    store.tokens.prune(2);
    assert.deepEqual(store.tokens.take('h'), { hash: 'h', name: 'edge-1', expiresAt: 5 });
    assert.equal(store.tokens.take('h'), undefined);
    assert.equal(store.tokens.take('old'), undefined);
  });

  it('a catalogue item keeps its place when it is replaced', () => {
    const item = (href: string, val: string) => ({ href, 'item-metadata': [{ rel: 'r', val }] });
    store.catalogue.put(item('/a', '1'));
    store.catalogue.put(item('/b', '1'));
    store.catalogue.put(item('/a', '2'));
    assert.deepEqual(store.catalogue.load(), [item('/a', '2'), item('/b', '1')]);
    store.catalogue.remove('/a');
    assert.deepEqual(store.catalogue.load(), [item('/b', '1')]);
  });

  it('a second orchestrator on the same data folder is refused', () => {
    assert.throws(() => openStore(dir), { code: 'ECHO_STORE_LOCKED' });
  });

  it('a store of a newer ECHO is refused, not guessed at', () => {
    store.close();
    const db = new DatabaseSync(join(dir, 'echo.db'));
    const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    db.exec('PRAGMA user_version = 99');
    db.close();
    assert.throws(() => openStore(dir), { code: 'ECHO_STORE_NEWER' });
    const again = new DatabaseSync(join(dir, 'echo.db'));
    again.exec(`PRAGMA user_version = ${user_version}`);
    again.close();
    store = openStore(dir);
  });

  it('a secret sealed with another key is an error that says so', () => {
    store.applications.put(app);
    store.applications.draft(version(1), { t1: { password: 'hunter2' } });
    store.close();
    writeFileSync(join(dir, 'secret.key'), Buffer.alloc(32, 7));
    store = openStore(dir);
    assert.throws(() => store.applications.credentials('app', 1), { code: 'ECHO_STORE_KEY' });
  });

  it('a data folder that is a file is refused with its path', () => {
    assert.throws(() => openStore(join(dir, 'secret.key')), { code: 'ECHO_STORE_UNUSABLE' });
  });
});
