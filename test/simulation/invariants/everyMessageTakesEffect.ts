/**
 * I1: every message that was accepted takes effect at every place that consumes the stream, or that place, or the
 * producer, has declared it lost; with fsync a power cut is no reason. What a full log refused is declared before the
 * next message. Only a log that is itself lost or superseded may take messages with it.
 */
import type { Invariant } from '../world/Witness.ts';
import { kept, Logs, type Report } from './books.ts';

interface Accepted {
  readonly stream: string;
  readonly seq: number;
  readonly value: number;
  readonly owed: readonly string[];
}

interface Log {
  consumers: readonly string[];
  /** The head when each became a consumer. */
  readonly since: Map<string, number>;
  /** A consumer that left, and those that took its place. */
  readonly heirs: Map<string, Set<string>>;
  readonly accepted: Accepted[];
  /** The head at each refusal that is not declared yet. */
  refused: number[];
  last: number;
  gone: boolean;
  /** Declared lost by the producer up to here. */
  givenUp: number;
}

export function everyMessageTakesEffect(report: Report): Invariant {
  const names = new Logs();
  const logs = new Map<number, Log>();
  const completed = new Map<string, Set<number>>();
  const lost = new Map<string, { from: number; to: number }[]>();
  let fsync = false;
  const logOf = (id: number): Log =>
    kept(logs, id, () => ({
      consumers: [],
      since: new Map(),
      heirs: new Map(),
      accepted: [],
      refused: [],
      last: 0,
      gone: false,
      givenUp: 0,
    }));

  const hadBy = (id: number, { stream, seq, value }: Accepted, consumer: string): boolean =>
    completed.get(`${stream} ${consumer}`)?.has(value) ||
    (lost.get(`${id} ${consumer}`) ?? []).some(({ from, to }) => from <= seq && seq <= to);

  /** By the consumer it was owed to, or by one that took its place. */
  const hadAtPlace = (
    id: number,
    message: Accepted,
    consumer: string,
    asked = new Set<string>(),
  ): boolean => {
    if (asked.has(consumer)) return false;
    asked.add(consumer);
    const heirs = [...(logOf(id).heirs.get(consumer) ?? [])];
    return hadBy(id, message, consumer) || heirs.some((heir) => hadAtPlace(id, message, heir, asked));
  };

  return {
    opened(event) {
      names.opened(event);
      // A crash forgets what was refused; whoever gave it was told.
      logOf(event.log).refused = [];
    },
    gone: ({ log }) => {
      logOf(log).gone = true;
    },
    routed({ log, head, consumers }) {
      const known = logOf(log);
      const left = known.consumers.filter((c) => !consumers.includes(c));
      const came = consumers.filter((c) => !known.consumers.includes(c));
      for (const c of came) known.since.set(c, head);
      for (const c of left) for (const heir of came) kept(known.heirs, c, () => new Set()).add(heir);
      known.consumers = consumers;
    },
    refused({ log, after }) {
      logOf(log).refused.push(after);
    },
    givenUp({ log, upTo }) {
      logOf(log).givenUp = Math.max(logOf(log).givenUp, upTo);
    },
    accepted({ stream, log, seq, value }) {
      const known = logOf(log);
      const before = known.refused.filter((after) => after < seq).length;
      if (before > 0 && seq <= known.last + before)
        report(`${stream}: ${before} refused messages are not declared before ${seq}`);
      known.refused = known.refused.slice(before);
      known.last = seq;
      known.accepted.push({
        stream,
        seq,
        value,
        owed: known.consumers.filter((c) => seq > known.since.get(c)!),
      });
    },
    completed: ({ stream, consumer, value }) => {
      kept(completed, `${stream} ${consumer}`, () => new Set<number>()).add(value);
    },
    powerCut: (event) => {
      fsync = event.fsync;
    },
    lost: ({ stream, consumer, incarnation, from, to, reason }) => {
      const id = names.of(stream, incarnation);
      kept(lost, `${id} ${consumer}`, () => []).push({ from, to });
      if (!fsync || reason !== 'lost-tail') return;
      const taken = logOf(id).accepted.find(({ seq }) => from <= seq && seq <= to);
      if (taken !== undefined) report(`${stream}: a power cut took ${taken.seq}, which was synced`);
    },
    ended({ stuck }) {
      if (stuck !== undefined) return;
      for (const [id, log] of logs) {
        if (log.gone) continue;
        for (const message of log.accepted) {
          if (message.seq <= log.givenUp) continue;
          for (const consumer of message.owed) {
            if (!hadAtPlace(id, message, consumer))
              report(
                `${message.stream}: message ${message.value} (number ${message.seq}) never took effect at ${consumer}`,
              );
          }
        }
      }
    },
  };
}
