/** I2: no opened stream gives a number twice, and what was given before it was opened is counted as a repetition. */
import type { Invariant } from '../world/Witness.ts';
import { kept, Logs, type Report } from './books.ts';

export function noNumberTwice(report: Report): Invariant {
  const logs = new Logs();
  /** By log and consumer: the boots that were given each number last. */
  const given = new Map<string, Map<number, string>>();
  return {
    opened: (event) => logs.opened(event),
    delivered({ stream, consumer, life, incarnation, seq, repeated }) {
      const log = logs.of(stream, incarnation);
      const numbers = kept(given, `${log} ${consumer}`, () => new Map<number, string>());
      const before = numbers.get(seq);
      // A log that is born again starts over: then its numbers may come again, but never uncounted.
      const now = `${life} ${incarnation.born}`;
      if (before === now) report(`${stream}: ${consumer} was given ${seq} twice`);
      else if (before !== undefined && !repeated)
        report(`${stream}: ${consumer} was given ${seq} again, uncounted`);
      numbers.set(seq, now);
    },
  };
}
