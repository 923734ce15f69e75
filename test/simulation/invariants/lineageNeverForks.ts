/**
 * I4: one number of a log stands for one message, one lineage id for one message of a stream and each message has one,
 * and what is given again while a stream is open, under whatever number, is counted as a repetition. A log that was
 * born again names its messages anew: what comes of them further down is not known for the same.
 */
import type { Invariant } from '../world/Witness.ts';
import { kept, Logs, type Report } from './books.ts';

const numbers = (): Map<number, number> => new Map();

export function lineageNeverForks(report: Report): Invariant {
  const logs = new Logs();
  const births = new Map<number, number>();
  const ofNumber = new Map<number, Map<number, number>>();
  const ofId = new Map<string, Map<number, number>>();
  const idOf = new Map<string, Map<number, number>>();
  const given = new Map<number, Set<number>>();
  /** Messages that have two lineages because a log was born again. */
  const renamed = new Set<number>();

  /** A result of the message `v` is `2v` or `2v + 1`. */
  const comesOfRenamed = (value: number): boolean => {
    for (let v = value; v > 0; v = Math.floor(v / 2)) if (renamed.has(v)) return true;
    return false;
  };

  return {
    opened(event) {
      logs.opened(event);
      kept(births, event.log, () => event.incarnation.born);
    },
    accepted({ stream, log, seq, value }) {
      const known = kept(kept(ofNumber, log, numbers), seq, () => value);
      if (known !== value) report(`${stream}: ${seq} was ${known} and is ${value}`);
    },
    delivered({ stream, consumer, life, incarnation, seq, value, id, repeated }) {
      const log = logs.of(stream, incarnation);
      const known = kept(kept(ofNumber, log, numbers), seq, () => value);
      if (known !== value) report(`${stream}: ${consumer} was given ${value} as ${seq}, which is ${known}`);
      const named = kept(kept(ofId, stream, numbers), id, () => value);
      if (named !== value) report(`${stream}: lineage ${id} is ${named} and ${value}`);
      if (births.get(log) !== incarnation.born) renamed.add(value);
      if (kept(kept(idOf, stream, numbers), value, () => id) !== id && !comesOfRenamed(value))
        report(`${stream}: message ${value} has two lineages`);
      const values = kept(given, life, () => new Set<number>());
      if (values.has(value) && !repeated && !comesOfRenamed(value))
        report(`${stream}: ${consumer} was given message ${value} twice, uncounted`);
      values.add(value);
    },
  };
}
