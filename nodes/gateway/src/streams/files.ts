/** Small files that are whole or absent: written beside, synced, renamed. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';

export function writeWhole(path: string, text: string): void {
  const beside = `${path}.new`;
  const fd = openSync(beside, 'w');
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, path);
}

/** The same without holding up the event loop. */
export async function writeWholeLater(path: string, text: string): Promise<void> {
  const beside = `${path}.later`;
  const file = await open(beside, 'w');
  try {
    await file.write(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}

/** The JSON object in the file, or undefined when there is none that can be read. */
export function readObject(path: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
