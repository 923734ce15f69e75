import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockFolder } from '../../nodes/gateway/src/folderLock.ts';
import { disposables } from '../kit/cleanup.ts';

describe('folder of a gateway', () => {
  const kit = disposables();
  const module = new URL('../../nodes/gateway/src/folderLock.ts', import.meta.url);

  /** A process that holds the lock until it is killed. */
  async function holder(folder: string): Promise<ChildProcess> {
    const code = `import { lockFolder } from ${JSON.stringify(module.href)};
      lockFolder(process.argv[1]); process.stdout.write('held'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    kit.add(child, () => void child.kill('SIGKILL'));
    await once(child.stdout!, 'data');
    return child;
  }

  it('is refused to a second process, and free as soon as the first was killed', async () => {
    const folder = kit.folder();
    const child = await holder(folder);
    assert.throws(() => lockFolder(folder), {
      code: 'ECHO_GATEWAY_FOLDER_IN_USE',
      message: new RegExp(`process ${child.pid}$`),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockFolder(folder);
    lockFolder(folder);
  });

  it('is not kept by a process that has the number of a former holder', async function () {
    if (process.platform !== 'linux') this.skip();
    const folder = kit.folder();
    await holder(folder);
    const path = join(folder, 'lock.json');
    const lock = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...lock, started: 'before the machine was restarted' }));
    lockFolder(folder);
  });

  it('a damaged lock is nobody’s', () => {
    const folder = kit.folder();
    writeFileSync(join(folder, 'lock.json'), '{"pid":');
    lockFolder(folder);
  });
});
