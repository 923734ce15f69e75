/**
 * Highest producer epoch ever given to each stream. It outlives the deploy that asked for it and the application, so
 * that no log of theirs can pass for a later one's.
 */
import type { DatabaseSync } from 'node:sqlite';

export interface StreamEpochStore {
  /** 0 when none was ever given. */
  highest(stream: string): number;
  /** These epochs are given out and never again. */
  burn(epochs: Readonly<Record<string, number>>): void;
}

export function streamEpochStore(db: DatabaseSync): StreamEpochStore {
  const highest = db.prepare('SELECT epoch FROM stream_epochs WHERE stream = ?');
  const burn = db.prepare(
    `INSERT INTO stream_epochs VALUES (?, ?)
     ON CONFLICT (stream) DO UPDATE SET epoch = max(epoch, excluded.epoch)`,
  );
  return {
    highest: (stream) => (highest.get(stream) as { epoch: number } | undefined)?.epoch ?? 0,
    burn(epochs) {
      for (const [stream, epoch] of Object.entries(epochs)) burn.run(stream, epoch);
    },
  };
}
