/**
 * I9: nothing is sent before it is on disk and its number reserved durably, nor above the credit that was given, nor on
 * an effectively-once stream before a checkpoint that holds what caused it is stored; and no consumer has more than a window of messages that it has not finished.
 */
import type { Invariant } from '../world/Witness.ts';
import { Logs, type Report } from './books.ts';

export function nothingBeforeItsTime(report: Report): Invariant {
  const logs = new Logs();
  const released = new Map<number, number>();
  const exact = new Map<string, boolean>();
  const credit = new Map<string, number>();
  return {
    opened: (event) => logs.opened(event),
    routed: (event) => {
      exact.set(event.stream, event.exact);
    },
    released: ({ log, upTo }) => {
      released.set(log, Math.max(released.get(log) ?? 0, upTo));
    },
    acknowledged({ stream, consumer, positions }) {
      const key = `${logs.of(stream, positions.incarnation)} ${consumer}`;
      credit.set(key, Math.max(credit.get(key) ?? 0, positions.credit));
    },
    sent({ stream, log, consumer, last, file }) {
      const onDisk = file.entries.at(-1)?.to ?? 0;
      if (last.to > onDisk) report(`${stream}: ${last.to} was sent, ${onDisk} is on disk`);
      if (last.to > file.reserved) report(`${stream}: ${last.to} was sent, ${file.reserved} is reserved`);
      const known = released.get(log) ?? 0;
      if (exact.get(stream) && last.to > known)
        report(`${stream}: ${last.to} was sent, a checkpoint holds what caused ${known}`);
      const most = credit.get(`${log} ${consumer}`) ?? 0;
      if (last.seq > most) report(`${stream}: ${last.seq} was sent to ${consumer}, its credit is ${most}`);
    },
    delivered({ stream, consumer, seq, done, window }) {
      if (seq > done + window) report(`${stream}: ${consumer} was given ${seq} and has finished ${done}`);
    },
  };
}
