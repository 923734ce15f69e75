/** The journal of deploys. A record is written before its step acts, so that a restart knows what may have happened. */
import type { DatabaseSync } from 'node:sqlite';
import type { DeployRecord } from '../deploy/record.ts';

export interface Journal {
  /** Inserts, or replaces the record of the same id. */
  put(record: DeployRecord): void;
  /** Nothing is left to do for it. */
  end(record: DeployRecord, at: number): void;
  /** Records that must be finished or undone, oldest first. */
  unfinished(): DeployRecord[];
  /** Whether a deploy of this id is known and not ended. */
  open(id: string): boolean;
}

export function journalStore(db: DatabaseSync): Journal {
  const put = db.prepare(
    `INSERT INTO deploys (id, application, step, started, record) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET step = excluded.step, record = excluded.record`,
  );
  const end = db.prepare('UPDATE deploys SET step = ?, ended = ? WHERE id = ?');
  const unfinished = db.prepare('SELECT record FROM deploys WHERE ended IS NULL ORDER BY started, id');
  const open = db.prepare('SELECT 1 FROM deploys WHERE id = ? AND ended IS NULL');
  // A finished deploy explains nothing once many newer ones stand: keep the last thousand.
  const trim = db.prepare(
    `DELETE FROM deploys WHERE ended IS NOT NULL AND started <
     (SELECT started FROM deploys WHERE ended IS NOT NULL ORDER BY started DESC LIMIT 1 OFFSET 1000)`,
  );
  return {
    put: (r) => void put.run(r.id, r.application, r.step, r.started, JSON.stringify(r)),
    end(record, at) {
      end.run(record.step, at, record.id);
      trim.run();
    },
    unfinished: () =>
      (unfinished.all() as { record: string }[]).map((row) => JSON.parse(row.record) as DeployRecord),
    open: (id) => open.get(id) !== undefined,
  };
}
