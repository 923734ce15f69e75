/**
 * I4: one number of a log stands for one message, one lineage id for one message of a stream, and what is given
 * again while a stream is open, under whatever number, is counted as a repetition.
 */
import type { Invariant } from '../world/Witness.ts';
import { kept, Logs, type Report } from './books.ts';

export function lineageNeverForks(report: Report): Invariant {
  const logs = new Logs();
  const ofNumber = new Map<string, number>();
  const ofId = new Map<string, number>();
  const given = new Map<number, Set<number>>();
  return {
    opened: (event) => logs.opened(event),
    accepted({ stream, log, seq, value }) {
      const known = kept(ofNumber, `${log} ${seq}`, () => value);
      if (known !== value) report(`${stream}: ${seq} was ${known} and is ${value}`);
    },
    delivered({ stream, consumer, life, incarnation, seq, value, id, repeated }) {
      const log = logs.of(stream, incarnation);
      const known = kept(ofNumber, `${log} ${seq}`, () => value);
      if (known !== value) report(`${stream}: ${consumer} was given ${value} as ${seq}, which is ${known}`);
      const named = kept(ofId, `${stream} ${id}`, () => value);
      if (named !== value) report(`${stream}: lineage ${id} is ${named} and ${value}`);
      const values = kept(given, life, () => new Set<number>());
      if (values.has(value) && !repeated)
        report(`${stream}: ${consumer} was given message ${value} twice, uncounted`);
      values.add(value);
    },
  };
}
