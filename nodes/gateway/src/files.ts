/** Small files that are whole or absent: written beside (all of it, or an error), synced, renamed. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

export function writeWhole(path: string, text: string | Uint8Array): void {
  const beside = `${path}.new`;
  const fd = openSync(beside, 'w');
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, path);
}

/** The same without holding up the event loop; when it resolves a power cut does not bring the old text back. */
export async function writeWholeLater(path: string, text: string): Promise<void> {
  const beside = `${path}.later`;
  const file = await open(beside, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncFolder(dirname(path));
}

/** What was written to the file survives a power cut; one that is gone needs to no more. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+').catch(unlessGone);
  try {
    await file?.datasync();
  } finally {
    await file?.close();
  }
}

/** The names in the folder survive a power cut, where the system lets a folder be synced. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
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

/** A file or folder name for a stream or an application: readable, safe on every file system, its own. */
export function folderName(stream: string): string {
  const plain = encodeURIComponent(stream).replaceAll('.', '%2E').replaceAll('*', '%2A');
  if (plain.length <= 150) return plain;
  return `${plain.slice(0, 100)}-${createHash('sha256').update(stream).digest('hex').slice(0, 32)}`;
}
