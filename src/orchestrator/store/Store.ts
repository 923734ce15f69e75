/**
 * The orchestrator's store: one SQLite file in the data folder, one repository a concern. Calls are synchronous and
 * on the disk when they return.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CatalogueStore } from '../../registry/ports.ts';
import { isEchoError } from '../../wire/errors.ts';
import type { EnrolmentStore, TokenStore, Vault } from '../gateways/ports.ts';
import { type ApplicationStore, applicationStore } from './applications.ts';
import { type DeployedStore, deployedStore } from './deployed.ts';
import { storeError } from './errors.ts';
import { catalogueStore, enrolmentStore, tokenStore } from './gateways.ts';
import { type Journal, journalStore } from './journal.ts';
import { migrate } from './schema.ts';
import { type StreamEpochStore, streamEpochStore } from './streamEpochs.ts';
import { openVault } from './vault.ts';

export interface Store {
  readonly applications: ApplicationStore;
  readonly deployed: DeployedStore;
  readonly journal: Journal;
  readonly streamEpochs: StreamEpochStore;
  readonly enrolments: EnrolmentStore;
  readonly tokens: TokenStore;
  readonly catalogue: CatalogueStore;
  readonly vault: Vault;
  /** Everything `work` writes becomes durable at once, or nothing of it when it throws. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/**
 * Opens (or makes) `echo.db` and `secret.key` in the folder; one process at a time.
 * Throws ECHO_STORE_UNUSABLE, ECHO_STORE_LOCKED, ECHO_STORE_NEWER, ECHO_STORE_KEY.
 */
export function openStore(dataDir: string): Store {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    db = new DatabaseSync(join(dataDir, 'echo.db'), { enableForeignKeyConstraints: true });
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    migrate(db);
    return repositories(db, openVault(join(dataDir, 'secret.key')));
  } catch (error) {
    db?.close();
    if (isEchoError(error)) throw error;
    const { errcode, message } = error as Error & { errcode?: number };
    const code = errcode === SQLITE_BUSY ? 'ECHO_STORE_LOCKED' : 'ECHO_STORE_UNUSABLE';
    throw storeError(code, { message: `${dataDir}: ${message}`, where: dataDir, cause: error });
  }
}

const SQLITE_BUSY = 5;

function repositories(db: DatabaseSync, vault: Vault): Store {
  return {
    applications: applicationStore(db, vault),
    deployed: deployedStore(db),
    journal: journalStore(db),
    streamEpochs: streamEpochStore(db),
    enrolments: enrolmentStore(db),
    tokens: tokenStore(db),
    catalogue: catalogueStore(db),
    vault,
    transaction(work) {
      if (db.isTransaction) return work();
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => db.close(),
  };
}
