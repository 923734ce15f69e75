/** Liveness: once the faults stop, all that was accepted is passed by every consumer before the deadline. */
import type { Invariant } from '../world/Witness.ts';
import type { Report } from './books.ts';

export function drainsInTheEnd(report: Report): Invariant {
  return {
    ended({ stuck }) {
      if (stuck !== undefined) report(`not drained: ${stuck}`);
    },
  };
}
