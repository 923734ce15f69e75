/** Feeds rows to the edge until they are taken, and remembers which were fed more than once. */
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../kit/enrolled.ts';
import type { FeedReply, FeedRequest } from './flows.ts';

const RETRY_MS = 100;

export class Feed {
  readonly #edge: { readonly url: string };
  /** How often a row was fed whose first feed was not answered, or refused. */
  readonly attempts = new Map<number, number>();
  /** Highest row that may have been fed. */
  highest = 0;
  /** Rows a log did not take at once. */
  refused = 0;
  #batch = 0;

  constructor(edge: { readonly url: string }) {
    this.#edge = edge;
  }

  async send(first: number, count: number): Promise<void> {
    this.highest = first + count - 1;
    for (let attempt = 1; ; attempt++) {
      const request: FeedRequest = { batch: ++this.#batch, first, count };
      for (let row = first; attempt > 1 && row < first + count; row++) this.attempts.set(row, attempt);
      try {
        const { failed } = await ask<FeedReply>(this.#edge, '/feed', request);
        this.refused += failed;
        if (failed === 0) return;
      } catch {
        // Killed, starting, or frozen for too long: whether it took the rows is not known.
      }
      await delay(RETRY_MS);
    }
  }
}
