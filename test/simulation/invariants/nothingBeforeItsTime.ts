/**
 * I9: nothing is sent before it is on disk and its number reserved durably, nor above the credit that was given; and no
 * consumer has more than a window of messages that it has not finished.
 */
import type { Invariant } from '../world/Witness.ts';
import { Logs, type Report } from './books.ts';

export function nothingBeforeItsTime(report: Report): Invariant {
  const logs = new Logs();
  const credit = new Map<string, number>();
  return {
    opened: (event) => logs.opened(event),
    acknowledged({ stream, consumer, positions }) {
      const key = `${logs.of(stream, positions.incarnation)} ${consumer}`;
      credit.set(key, Math.max(credit.get(key) ?? 0, positions.credit));
    },
    sent({ stream, log, consumer, last, file }) {
      const onDisk = file.entries.at(-1)?.to ?? 0;
      if (last.to > onDisk) report(`${stream}: ${last.to} was sent, ${onDisk} is on disk`);
      if (last.to > file.reserved) report(`${stream}: ${last.to} was sent, ${file.reserved} is reserved`);
      const most = credit.get(`${log} ${consumer}`) ?? 0;
      if (last.seq > most) report(`${stream}: ${last.seq} was sent to ${consumer}, its credit is ${most}`);
    },
    delivered({ stream, consumer, seq, done, window }) {
      if (seq > done + window) report(`${stream}: ${consumer} was given ${seq} and has finished ${done}`);
    },
  };
}
