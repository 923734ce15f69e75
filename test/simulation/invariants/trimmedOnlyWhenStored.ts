/** I6: a log gives up only what every consumer has stored that it has passed, what it is not owed and what was given up. */
import type { Invariant } from '../world/Witness.ts';
import { Logs, type Report } from './books.ts';

export function trimmedOnlyWhenStored(report: Report): Invariant {
  const logs = new Logs();
  const consumers = new Map<number, Set<string>>();
  /** By log and consumer: how far it has ever stored. */
  const stored = new Map<string, number>();
  const raise = (key: string, to: number): void => {
    stored.set(key, Math.max(stored.get(key) ?? 0, to));
  };
  return {
    opened: (event) => logs.opened(event),
    routed({ log, head, consumers: ids }) {
      const known = consumers.get(log);
      consumers.set(log, new Set(ids));
      const left = [...(known ?? [])].filter((id) => !ids.includes(id));
      const start = Math.min(head, ...left.map((id) => stored.get(`${log} ${id}`) ?? 0));
      for (const id of ids) if (!known?.has(id)) raise(`${log} ${id}`, start);
    },
    consumerStored({ stream, consumer, cursor }) {
      if (cursor !== undefined) raise(`${logs.of(stream, cursor.incarnation)} ${consumer}`, cursor.stable);
    },
    givenUp({ log, upTo }) {
      for (const consumer of consumers.get(log) ?? []) raise(`${log} ${consumer}`, upTo);
    },
    trimmed({ stream, log, upTo }) {
      for (const consumer of consumers.get(log) ?? []) {
        const far = stored.get(`${log} ${consumer}`) ?? 0;
        if (upTo > far) report(`${stream}: trimmed up to ${upTo}, ${consumer} has stored ${far}`);
      }
    },
  };
}
