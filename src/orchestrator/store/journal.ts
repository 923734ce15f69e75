/** The journal of deploys. A record is written before its step acts, so that a restart knows what may have happened. */
import type { DatabaseSync } from 'node:sqlite';
import type { Step } from '../deploy/machine.ts';
import type { DeployRecord } from '../deploy/record.ts';

export interface Journal {
  begin(record: DeployRecord): void;
  /** The record's step is about to act. */
  step(record: DeployRecord): void;
  /** Nothing is left to do for it. */
  end(record: DeployRecord, at: number): void;
  /** Records that must be finished or undone, oldest first. */
  unfinished(): DeployRecord[];
  /** Whether a deploy of this id is known and not ended. */
  open(id: string): boolean;
}

export function journalStore(db: DatabaseSync): Journal {
  const begin = db.prepare(
    'INSERT INTO deploys (id, application, step, started, record) VALUES (?, ?, ?, ?, ?)',
  );
  const step = db.prepare('UPDATE deploys SET step = ? WHERE id = ?');
  const end = db.prepare('UPDATE deploys SET step = ?, ended = ?, record = ? WHERE id = ?');
  const unfinished = db.prepare('SELECT step, record FROM deploys WHERE ended IS NULL ORDER BY started, id');
  const open = db.prepare('SELECT 1 FROM deploys WHERE id = ? AND ended IS NULL');
  // A finished deploy explains nothing once many newer ones stand: keep the last thousand.
  const trim = db.prepare(
    `DELETE FROM deploys WHERE ended IS NOT NULL AND started <
     (SELECT started FROM deploys WHERE ended IS NOT NULL ORDER BY started DESC LIMIT 1 OFFSET 1000)`,
  );
  return {
    begin: (r) => void begin.run(r.id, r.application, r.step, r.started, JSON.stringify(r)),
    step: (r) => void step.run(r.step, r.id),
    end(record, at) {
      // What has ended needs no fragments any more.
      end.run(record.step, at, JSON.stringify({ ...record, targets: [] }), record.id);
      trim.run();
    },
    unfinished: () =>
      (unfinished.all() as { step: Step; record: string }[]).map((row) => ({
        ...(JSON.parse(row.record) as DeployRecord),
        step: row.step,
      })),
    open: (id) => open.get(id) !== undefined,
  };
}
