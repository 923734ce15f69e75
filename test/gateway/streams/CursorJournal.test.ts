import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CursorJournal } from '../../../nodes/gateway/src/streams/CursorJournal.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';

describe('cursor journal', () => {
  const kit = disposables();
  const path = (): string => join(kit.folder(), 'cursors.log');
  const open = (file: string, errors: Error[] = []): CursorJournal =>
    new CursorJournal(file, (error) => errors.push(error));

  it('tells when a value is written, and brings the last one back', async () => {
    const file = path();
    const journal = open(file);
    let written = 0;
    for (let i = 1; i <= 100; i++) journal.set('in a', { stable: i }, () => written++);
    assert.equal(written, 0);
    await waitFor(() => written === 100, { what: 'the write' });
    assert.deepEqual(open(file).get('in a'), { stable: 100 });
  });

  it('forgets a key for good', () => {
    const file = path();
    const journal = open(file);
    journal.set('in a', 1);
    journal.set('out b x', 2);
    journal.flush();
    journal.set('in a', undefined);
    journal.flush();
    assert.deepEqual(open(file).entries(''), [['out b x', 2]]);
    assert.deepEqual(open(file).entries('in '), []);
  });

  it('a torn last line is passed over', () => {
    const file = path();
    const journal = open(file);
    journal.set('in a', { stable: 7 });
    journal.flush();
    appendFileSync(file, '["in a",{"stab');
    const again = open(file);
    assert.deepEqual(again.get('in a'), { stable: 7 });
    again.set('in a', { stable: 8 });
    again.flush();
    assert.deepEqual(open(file).get('in a'), { stable: 8 });
  });

  it('stays small however often a cursor moves', () => {
    const file = path();
    const journal = open(file);
    for (let i = 0; i < 20_000; i++) {
      journal.set('in some/stream:0', { stable: i, incarnation: { pe: 0, born: 1_795_200_000_000 } });
      journal.flush();
    }
    assert.ok(statSync(file).size < 600 * 1024);
    assert.equal((open(file).get('in some/stream:0') as { stable: number }).stable, 19_999);
  });

  it('what is said to be written is whole, also on a disk that fills up', () => {
    const file = path();
    const limited = 'ulimit -f 8 && exec "$@"';
    const child = [process.execPath, fileURLToPath(new URL('fullDisk.ts', import.meta.url)), file];
    const last = execFileSync('sh', ['-c', limited, 'sh', ...child], { encoding: 'utf8' });
    assert.ok(Number(last) > 100);
    assert.deepEqual(open(file).get('in app/task:0'), { stable: Number(last) });
  });

  it('a write that fails is reported and tried again', async () => {
    const file = path();
    const errors: Error[] = [];
    const journal = open(file, errors);
    rmSync(file);
    mkdirSync(file);
    let written = false;
    journal.set('in a', 1, () => {
      written = true;
    });
    journal.flush();
    assert.equal(errors.length, 1);
    assert.equal(written, false);
    rmdirSync(file);
    await waitFor(() => written, { what: 'the second attempt' });
    assert.equal(open(file).get('in a'), 1);
  });
});
