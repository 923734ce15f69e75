/** The tables, as a list of migrations. A released migration is never edited: a change is a new one at the end. */
import type { DatabaseSync } from 'node:sqlite';
import { storeError } from './errors.ts';

const migrations: readonly string[] = [
  `
  CREATE TABLE applications (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,          -- the current one; 0 before the first deploy is committed
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped')),
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE versions (
    application TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    committed INTEGER NOT NULL DEFAULT 0,
    origin TEXT NOT NULL,
    note TEXT,
    created INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    placement TEXT NOT NULL,           -- JSON {task: gateway}
    credentials TEXT,                  -- sealed JSON {node: {name: value}}
    -- JSON {flow, fragments, streams, cutWires, explanations}. Large: hence the last column, of a table with row
    -- ids (without them, looking up a key reads whole rows).
    body TEXT NOT NULL,
    PRIMARY KEY (application, version)
  ) STRICT;

  CREATE TABLE deployed (
    application TEXT NOT NULL,
    gateway TEXT NOT NULL,
    version INTEGER NOT NULL,
    nodes TEXT NOT NULL,               -- JSON, the fragment as it was written
    shared TEXT NOT NULL,              -- JSON ids in it that the gateway had before, and keeps
    PRIMARY KEY (application, gateway)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pending (
    application TEXT NOT NULL,
    gateway TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('apply', 'undo')),
    deploy TEXT NOT NULL,              -- whose gate may still be closed there
    nodes TEXT NOT NULL,               -- JSON, what may stand there besides the deployed fragment
    since INTEGER NOT NULL,
    PRIMARY KEY (application, gateway)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE deploys (
    id TEXT PRIMARY KEY,
    application TEXT NOT NULL,
    step TEXT NOT NULL,
    ended INTEGER,                     -- null while it must be finished or undone
    started INTEGER NOT NULL,
    record TEXT NOT NULL               -- JSON DeployRecord
  ) STRICT;
  CREATE INDEX deploys_unfinished ON deploys (started) WHERE ended IS NULL;

  CREATE TABLE enrolments (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    admin_sealed TEXT,
    facts TEXT NOT NULL,
    enrolled_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    name TEXT,
    expires_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE catalogue (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    href TEXT NOT NULL UNIQUE,
    item TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE stream_epochs (
    stream TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL             -- the highest ever given
  ) STRICT, WITHOUT ROWID;
  `,
];

/** Brings the database to the newest schema, one transaction a migration. Throws ECHO_STORE_NEWER. */
export function migrate(db: DatabaseSync): void {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (row.user_version > migrations.length) {
    throw storeError('ECHO_STORE_NEWER', {
      message: `The store has schema ${row.user_version}; this ECHO knows up to ${migrations.length}.`,
    });
  }
  migrations.slice(row.user_version).forEach((sql, i) => {
    db.exec(`BEGIN; ${sql}; PRAGMA user_version = ${row.user_version + i + 1}; COMMIT`);
  });
}
