/** Applications and their versions: the one truth. */
import type { DatabaseSync } from 'node:sqlite';
import type { CutStream, Fragment, RawFlow } from '../../flow/types.ts';
import type { Explanation } from '../../placement/types.ts';
import type { Vault } from '../gateways/ports.ts';
import type { Credentials, CutWire } from '../types.ts';
import { storeError } from './errors.ts';

export interface ApplicationRow {
  readonly id: string;
  readonly name: string;
  /** Current version; 0 before the first deploy is committed. */
  readonly version: number;
  readonly state: 'running' | 'stopped';
  readonly created: number;
  readonly updated: number;
}

export interface VersionHead {
  readonly application: string;
  readonly version: number;
  readonly origin: string;
  readonly note?: string;
  readonly created: number;
  readonly tasks: number;
  readonly placement: Readonly<Record<string, string>>;
}

export interface VersionBody {
  /** The flow as it was submitted. */
  readonly flow: RawFlow;
  readonly fragments: readonly Fragment[];
  readonly streams: readonly CutStream[];
  readonly cutWires: readonly CutWire[];
  readonly explanations: Readonly<Record<string, Explanation>>;
}

export type Version = VersionHead & VersionBody;

export interface ApplicationStore {
  /** Applications that have a committed version, by id. */
  list(): ApplicationRow[];
  find(id: string): ApplicationRow | undefined;
  /** Throws ECHO_APP_UNKNOWN. */
  get(id: string): ApplicationRow;
  put(row: ApplicationRow): void;
  /** Forgets the application and every version of it. */
  remove(id: string): void;

  /** Committed versions, newest first. */
  history(id: string): VersionHead[];
  /** A committed version or a draft. Throws ECHO_APP_UNKNOWN, ECHO_VERSION_UNKNOWN. */
  version(id: string, version: number): Version;
  /** As `version`, without its body. */
  head(id: string, version: number): VersionHead;
  /** A number never used before for this application. */
  nextVersion(id: string): number;
  /** Adds a version that is not committed yet (the application row must exist). */
  draft(version: Version, credentials: Credentials): void;
  commit(id: string, version: number): void;
  /** Forgets a version that was never committed, and the application with it when it was the first. */
  discard(id: string, version: number): void;
  credentials(id: string, version: number): Credentials;
}

interface HeadRow {
  application: string;
  version: number;
  origin: string;
  note: string | null;
  created: number;
  tasks: number;
  placement: string;
}

const toHead = (row: HeadRow): VersionHead => ({
  application: row.application,
  version: row.version,
  origin: row.origin,
  ...(row.note === null ? {} : { note: row.note }),
  created: row.created,
  tasks: row.tasks,
  placement: JSON.parse(row.placement) as Record<string, string>,
});

const unknownVersion = (id: string, version: number) =>
  storeError('ECHO_VERSION_UNKNOWN', {
    message: `Application '${id}' has no version ${version}.`,
    where: id,
  });

const HEAD = 'application, version, origin, note, created, tasks, placement';

export function applicationStore(db: DatabaseSync, vault: Vault): ApplicationStore {
  const all = db.prepare('SELECT * FROM applications WHERE version > 0 ORDER BY id');
  const one = db.prepare('SELECT * FROM applications WHERE id = ?');
  const put = db.prepare(
    `INSERT INTO applications VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
     name = excluded.name, version = excluded.version, state = excluded.state, updated = excluded.updated`,
  );
  const remove = db.prepare('DELETE FROM applications WHERE id = ?');
  const heads = db.prepare(
    `SELECT ${HEAD} FROM versions WHERE application = ? AND committed = 1 ORDER BY version DESC`,
  );
  const head = db.prepare(`SELECT ${HEAD}, body FROM versions WHERE application = ? AND version = ?`);
  const headOnly = db.prepare(`SELECT ${HEAD} FROM versions WHERE application = ? AND version = ?`);
  const highest = db.prepare('SELECT max(version) AS n FROM versions WHERE application = ?');
  const draft = db.prepare(
    `INSERT INTO versions (${HEAD}, body, credentials) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const commit = db.prepare('UPDATE versions SET committed = 1 WHERE application = ? AND version = ?');
  const discard = db.prepare('DELETE FROM versions WHERE application = ? AND version = ? AND committed = 0');
  const dropEmpty = db.prepare('DELETE FROM applications WHERE id = ? AND version = 0');
  const sealed = db.prepare('SELECT credentials FROM versions WHERE application = ? AND version = ?');

  const find = (id: string) => one.get(id) as ApplicationRow | undefined;
  const get = (id: string): ApplicationRow => {
    const row = find(id);
    if (row === undefined) {
      throw storeError('ECHO_APP_UNKNOWN', { message: `There is no application '${id}'.`, where: id });
    }
    return row;
  };
  return {
    list: () => all.all() as unknown as ApplicationRow[],
    find,
    get,
    put: (r) => void put.run(r.id, r.name, r.version, r.state, r.created, r.updated),
    remove: (id) => void remove.run(id),
    history: (id) => (heads.all(get(id).id) as unknown as HeadRow[]).map(toHead),
    version(id, version) {
      const row = head.get(get(id).id, version) as (HeadRow & { body: string }) | undefined;
      if (row === undefined) throw unknownVersion(id, version);
      return { ...toHead(row), ...(JSON.parse(row.body) as VersionBody) };
    },
    head(id, version) {
      const row = headOnly.get(get(id).id, version) as HeadRow | undefined;
      if (row === undefined) throw unknownVersion(id, version);
      return toHead(row);
    },
    nextVersion: (id) => ((highest.get(id) as { n: number | null }).n ?? 0) + 1,
    draft(v, credentials) {
      const { flow, fragments, streams, cutWires, explanations } = v;
      const body = JSON.stringify({ flow, fragments, streams, cutWires, explanations });
      const secrets = Object.keys(credentials).length === 0 ? null : vault.seal(JSON.stringify(credentials));
      const placement = JSON.stringify(v.placement);
      const { application, version, origin, created, tasks } = v;
      draft.run(application, version, origin, v.note ?? null, created, tasks, placement, body, secrets);
    },
    commit: (id, version) => void commit.run(id, version),
    discard(id, version) {
      discard.run(id, version);
      dropEmpty.run(id);
    },
    credentials(id, version) {
      const row = sealed.get(id, version) as { credentials: string | null } | undefined;
      return row?.credentials == null ? {} : (JSON.parse(vault.open(row.credentials)) as Credentials);
    },
  };
}
