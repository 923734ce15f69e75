/** I8: a log never takes more than its quota, but for the GAP that declares what did not fit. */
import type { Invariant } from '../world/Witness.ts';
import type { Report } from './books.ts';

export function withinQuota(report: Report): Invariant {
  return {
    logSize({ stream, size, quota }) {
      if (size > quota + 1) report(`${stream}: the log holds ${size}, its quota is ${quota}`);
    },
  };
}
