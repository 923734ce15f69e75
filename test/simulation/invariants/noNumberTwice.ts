/**
 * I2: no opened stream gives a number twice, and what was given before it was opened is counted as a repetition. What a
 * stored cursor says is finished is not given again.
 */
import type { ReceiverCursor } from '../../../src/wire/receiver.ts';
import { compareIncarnations, type Incarnation } from '../../../src/wire/stream.ts';
import type { Invariant, Observations } from '../world/Witness.ts';
import { kept, Logs, type Report } from './books.ts';

export function noNumberTwice(report: Report): Invariant {
  const logs = new Logs();
  /** By stream and consumer. */
  const stored = new Map<string, Observations['consumerStored']>();
  /** By log and consumer: the boots that were given each number last. */
  const given = new Map<string, Map<number, string>>();
  return {
    opened: (event) => logs.opened(event),
    consumerStored: (event) => {
      stored.set(`${event.stream} ${event.consumer}`, event);
    },
    powerCut({ disk }) {
      for (const [key, event] of stored) if (event.disk === disk) stored.delete(key);
    },
    stateLost({ gateway }) {
      for (const [key, event] of stored) if (event.consumer === gateway) stored.delete(key);
    },
    delivered({ stream, consumer, life, incarnation, seq, repeated, exact }) {
      const cursor = stored.get(`${stream} ${consumer}`)?.cursor;
      if (cursor !== undefined && isFinished(cursor, incarnation, seq))
        report(`${stream}: ${consumer} was given ${seq}, which its cursor says is finished`);
      const log = logs.of(stream, incarnation);
      const numbers = kept(given, `${log} ${consumer}`, () => new Map<number, string>());
      const before = numbers.get(seq);
      // A log that is born again starts over: then its numbers may come again, but never uncounted.
      const now = `${life} ${incarnation.born}`;
      if (before === now) report(`${stream}: ${consumer} was given ${seq} twice`);
      else if (before !== undefined && !repeated && !exact)
        report(`${stream}: ${consumer} was given ${seq} again, uncounted`);
      numbers.set(seq, now);
    },
  };
}

const isFinished = (cursor: ReceiverCursor, incarnation: Incarnation, number: number): boolean =>
  compareIncarnations(cursor.incarnation, incarnation) === 0 &&
  (number <= cursor.stable || (cursor.early ?? []).some(({ from, to }) => from <= number && number <= to));
