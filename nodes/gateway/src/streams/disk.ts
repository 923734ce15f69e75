/** Identity of the disk and of this process start. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Boot } from '../../../../src/wire/control.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import { readObject, writeWhole } from '../files.ts';

/**
 * Reads or makes `<folder>/disk.json` and counts this boot, durably before anything is sent under it. A lost file is a
 * new identity. Throws ECHO_DISK_UNUSABLE.
 */
export function openDisk(folder: string): Boot {
  const path = join(folder, 'disk.json');
  try {
    mkdirSync(folder, { recursive: true });
    const known = readObject(path);
    const id =
      typeof known?.id === 'string' && known.id !== '' ? known.id : randomBytes(9).toString('base64url');
    const count = (Number.isSafeInteger(known?.boots) ? (known?.boots as number) : 0) + 1;
    writeWhole(path, `${JSON.stringify({ id, boots: count })}\n`);
    return { disk: id, count };
  } catch (cause) {
    throw wireError('ECHO_DISK_UNUSABLE', {
      message: `${folder}: ${(cause as Error).message}`,
      where: folder,
      cause,
    });
  }
}

/**
 * Names this start of the operating system, or '' where it cannot be told. While it lasts, what a killed process had
 * written is still there; after a restart of the machine the last writes may be gone.
 */
export function hostBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
