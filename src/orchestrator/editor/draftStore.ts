/**
 * Where the canvas is kept. The canvas is a draft: the truth is in the store's application versions. A file of its
 * own, written whole and renamed, so that a crash leaves the old canvas or the new one.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawFlow } from '../../flow/types.ts';
import { editorError } from './errors.ts';

export interface Draft {
  readonly flows: RawFlow;
  /** Encrypted by Node-RED with the editor's own secret. */
  readonly credentials: Record<string, unknown>;
  /** What the canvas last agreed on with the store, per application: anything else on the canvas is a draft. */
  readonly synced: Readonly<Record<string, Synced>>;
}

export interface Synced {
  readonly version: number;
  /** Fingerprint of the application's part of the canvas at that version. */
  readonly fingerprint: string;
  readonly tabs: readonly string[];
}

export const EMPTY_DRAFT: Draft = { flows: [], credentials: {}, synced: {} };

export interface DraftStore {
  /** Undefined before the first save. Throws ECHO_EDITOR_DRAFT_UNREADABLE. */
  load(): Draft | undefined;
  save(draft: Draft): Promise<void>;
}

/** Keeps the draft in `<directory>/canvas.json`, mode 0600. Saves are written in the order they were asked for. */
export function fileDraftStore(directory: string): DraftStore {
  const path = join(directory, 'canvas.json');
  let last: Promise<void> = Promise.resolve();
  return {
    load() {
      if (!existsSync(path)) return undefined;
      try {
        return { ...EMPTY_DRAFT, ...(JSON.parse(readFileSync(path, 'utf8')) as Partial<Draft>) };
      } catch (error) {
        throw editorError('ECHO_EDITOR_DRAFT_UNREADABLE', {
          message: `${path}: ${(error as Error).message}`,
          where: path,
          cause: error,
        });
      }
    },
    save(draft) {
      const text = JSON.stringify(draft);
      mkdirSync(directory, { recursive: true });
      last = last.catch(() => undefined).then(() => writeWhole(path, text));
      return last;
    },
  };
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
