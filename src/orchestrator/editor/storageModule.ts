/**
 * Node-RED's storage behind the design editor: flows and credentials are the draft; user settings and libraries are
 * small files in the editor's folder.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { RawFlow } from '../../flow/types.ts';
import type { Draft } from './draftStore.ts';
import type { StorageModule } from './nodeRed.ts';

export interface DraftHolder {
  draft(): Draft;
  /** A user pressed Deploy (or the canvas followed a deploy, when `user` says so); stored when it resolves. */
  flowsSaved(flows: RawFlow, user: unknown): Promise<void>;
  credentialsSaved(credentials: Record<string, unknown>): Promise<void>;
}

export function storageModule(holder: DraftHolder, folder: string): StorageModule {
  const file = (name: string) => jsonFile(join(folder, name));
  const settings = file('runtime-settings.json');
  const sessions = file('sessions.json');
  return {
    init: async () => {},
    getFlows: async () => structuredClone(holder.draft().flows) as RawFlow,
    saveFlows: (flows, user) => holder.flowsSaved(flows, user),
    getCredentials: async () => structuredClone(holder.draft().credentials),
    saveCredentials: (credentials) => holder.credentialsSaved(credentials),
    getSettings: settings.read,
    saveSettings: settings.write,
    getSessions: sessions.read,
    saveSessions: sessions.write,
    ...library(join(folder, 'library')),
  };
}

function jsonFile(path: string) {
  return {
    read: async (): Promise<Record<string, unknown>> => {
      try {
        return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      } catch {
        // Not written yet, or a preference file nobody can lose anything by.
        return {};
      }
    },
    write: async (value: Record<string, unknown>): Promise<void> => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
  };
}

/** One JSON file a library type: path → `{meta, body}`. Folders are the paths' prefixes. */
function library(folder: string): Pick<StorageModule, 'getLibraryEntry' | 'saveLibraryEntry'> {
  const shelf = (type: string) => {
    const path = resolve(folder, `${type}.json`);
    if (!path.startsWith(resolve(folder) + sep)) {
      throw Object.assign(new Error('forbidden'), { code: 'forbidden' });
    }
    return jsonFile(path);
  };
  const clean = (path: string): string => path.split('/').filter(Boolean).join('/');
  return {
    async getLibraryEntry(type, path) {
      const entries = (await shelf(type).read()) as Record<string, { meta: object; body: string }>;
      const at = clean(path);
      if (entries[at] !== undefined) return entries[at].body;
      const prefix = at === '' ? '' : `${at}/`;
      const inside = Object.entries(entries).filter(([name]) => name.startsWith(prefix));
      if (inside.length === 0 && at !== '') {
        throw Object.assign(new Error('not found'), { code: 'not_found' });
      }
      const folders = new Set<string>();
      const files: object[] = [];
      for (const [name, { meta }] of inside) {
        const [head, ...rest] = name.slice(prefix.length).split('/');
        if (rest.length > 0) folders.add(head!);
        else files.push({ ...meta, fn: head });
      }
      return [...folders, ...files];
    },
    async saveLibraryEntry(type, path, meta, body) {
      const file = shelf(type);
      await file.write({ ...(await file.read()), [clean(path)]: { meta, body } });
    },
  };
}
