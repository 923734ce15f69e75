/** I3: what is given has growing numbers while the stream is open, and logs only follow each other in their order. */
import { compareIncarnations, type Incarnation } from '../../../src/wire/stream.ts';
import type { Invariant } from '../world/Witness.ts';
import type { Report } from './books.ts';

export function inOrder(report: Report): Invariant {
  const last = new Map<number, { incarnation: Incarnation; seq: number }>();
  return {
    delivered({ stream, consumer, life, incarnation, seq }) {
      const before = last.get(life);
      last.set(life, { incarnation, seq });
      if (before === undefined) return;
      const { pe, born } = incarnation;
      const order = compareIncarnations(incarnation, before.incarnation);
      if (pe < before.incarnation.pe || order < 0)
        report(`${stream}: ${consumer} was given ${seq} of log ${pe}/${born} after a later log`);
      else if (order === 0 && seq <= before.seq)
        report(`${stream}: ${consumer} was given ${seq} after ${before.seq}`);
    },
  };
}
