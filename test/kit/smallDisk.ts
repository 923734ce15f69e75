/** A disk that can be filled: a file system of its own in memory, where the machine lets one be mounted. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Disposables } from './cleanup.ts';

export interface SmallDisk {
  readonly full: boolean;
  /** Takes all the room there is. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

const CHUNK = Buffer.alloc(64 * 1024);

/** Mounts `megabytes` at `folder`; undefined where that takes rights this process has not. */
export function mountSmallDisk(kit: Disposables, folder: string, megabytes: number): SmallDisk | undefined {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'echo-test', folder], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  kit.add(folder, () => {
    try {
      execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
    } catch {
      // Somebody has unmounted it: nothing is left to do, and what was measured on it stands.
    }
  });
  const filler = join(folder, 'filler');
  const disk: SmallDisk = {
    get full() {
      return statfsSync(folder).bavail === 0;
    },
    fill() {
      const fd = openSync(filler, 'w');
      try {
        for (let size = CHUNK.length; size >= 1; size = Math.floor(size / 4)) fillWith(fd, size);
      } finally {
        closeSync(fd);
      }
    },
    free: () => rmSync(filler, { force: true }),
  };
  return disk;
}

function fillWith(fd: number, size: number): void {
  try {
    for (;;) writeSync(fd, CHUNK, 0, size);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
