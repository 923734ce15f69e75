/** A lock between processes: a file that names its holder; a dead holder's lock is taken over. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fleetError } from './errors.ts';

const POLL_MS = 250;

/**
 * Runs `work` while holding the lock file `path`. Waits for another living holder up to `limitMs`, calling
 * `onWait` once; then ECHO_INSTALL_BUSY.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: { readonly limitMs?: number; readonly onWait?: (pid: number) => void } = {},
): Promise<T> {
  const deadline = Date.now() + (options.limitMs ?? 900_000);
  let told = false;
  for (let holder = take(path); holder !== undefined; holder = take(path)) {
    if (!told) options.onWait?.(holder);
    told = true;
    if (Date.now() > deadline) {
      throw fleetError('ECHO_INSTALL_BUSY', { message: `process ${holder} holds ${path}`, where: path });
    }
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Takes the lock and returns undefined, or returns the pid of its living holder. */
function take(path: string): number | undefined {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = holderOf(path);
    if (holder !== undefined && isAlive(holder)) return holder;
    rmSync(path, { force: true });
  }
}

function holderOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
