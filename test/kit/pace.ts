/** Feeds at a steady rate until told to stop: what is late is caught up, nothing is skipped. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Feeder {
  /** Rows sent and accepted so far. */
  readonly sent: number;
  /** Stops after the batch under way; resolves with the number of rows sent. Throws what `send` threw. */
  stop(): Promise<number>;
}

/** Calls `send(first, count)` for consecutive batches of `batch` rows so that `perSecond` rows go out a second. */
export function startFeeder(
  perSecond: number,
  batch: number,
  send: (first: number, count: number) => Promise<void>,
): Feeder {
  let sent = 0;
  let stopping = false;
  const begun = performance.now();
  const run = async () => {
    while (!stopping) {
      const due = ((performance.now() - begun) / 1000) * perSecond;
      if (sent + batch > due) {
        await delay(((sent + batch - due) / perSecond) * 1000);
        continue;
      }
      await send(sent + 1, batch);
      sent += batch;
    }
  };
  const running = run();
  running.catch(() => {});
  return {
    get sent() {
      return sent;
    },
    async stop() {
      stopping = true;
      await running;
      return sent;
    },
  };
}

/** What a numbered stream of rows shows: each number from 1 to `sent` once and in order, or what is wrong with it. */
export function account(rows: readonly number[], sent: number) {
  const seen = new Set<number>();
  let repeated = 0;
  let reordered = 0;
  let last = 0;
  for (const row of rows) {
    if (seen.has(row)) repeated++;
    else {
      if (row < last) reordered++;
      last = Math.max(last, row);
    }
    seen.add(row);
  }
  let lost = 0;
  for (let row = 1; row <= sent; row++) if (!seen.has(row)) lost++;
  return { lost, repeated, reordered };
}
