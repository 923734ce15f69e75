/**
 * I5: the state of a task that is kept is the fold of what it was given. At a start as in the end: what it holds is what
 * the messages come to that it took; where checkpoints are of quiet fragments only, it took each number of a log once.
 * In the end every message that it was owed all the time, and neither side declared lost, is among them.
 */
import type { Effect, Message, TaskState } from '../world/Tasks.ts';
import type { Invariant } from '../world/Witness.ts';
import { kept, Logs, type Report } from './books.ts';

interface Log {
  readonly stream: string;
  consumers: readonly string[] | undefined;
  readonly accepted: { readonly seq: number; readonly value: number }[];
  givenUp: number;
  gone: boolean;
}

export function stateIsTheFold(report: Report): Invariant {
  const names = new Logs();
  const logs = new Map<number, Log>();
  const lost = new Map<string, { from: number; to: number }[]>();
  /** Gateways whose tasks began anew. */
  const renewed = new Set<string>();
  /** The end of each run as the tasks see it. */
  const final = new Map<string, ReadonlyMap<string, TaskState>>();

  const isLost = (key: string, seq: number): boolean =>
    (lost.get(key) ?? []).some(({ from, to }) => from <= seq && seq <= to);

  const checkOwed = (id: number, { stream, consumers, accepted, givenUp }: Log): void => {
    for (const consumer of consumers ?? []) {
      const tasks = final.get(consumer);
      if (tasks === undefined || renewed.has(consumer)) continue;
      const had = new Set(effectsOf(tasks.get(stream)).map(({ message }) => message.value));
      for (const { seq, value } of accepted) {
        if (seq > givenUp && !had.has(value) && !isLost(`${id} ${consumer}`, seq))
          report(`${stream}: the state of ${consumer} is without message ${value} (number ${seq})`);
      }
    }
  };

  return {
    opened: (event) => {
      names.opened(event);
      const { log, stream } = event;
      kept(logs, log, () => ({ stream, consumers: undefined, accepted: [], givenUp: 0, gone: false }));
    },
    gone: ({ log }) => {
      logs.get(log)!.gone = true;
    },
    routed({ log, consumers }) {
      const known = logs.get(log)!;
      // Those that were consumers all the time.
      known.consumers = known.consumers?.filter((c) => consumers.includes(c)) ?? consumers;
    },
    givenUp({ log, upTo }) {
      const known = logs.get(log)!;
      known.givenUp = Math.max(known.givenUp, upTo);
    },
    accepted({ log, seq, value }) {
      logs.get(log)!.accepted.push({ seq, value });
    },
    lost({ stream, consumer, incarnation, from, to }) {
      kept(lost, `${names.of(stream, incarnation)} ${consumer}`, () => []).push({ from, to });
    },
    stateLost({ gateway }) {
      renewed.add(gateway);
    },
    powerCut({ gateway, fsync }) {
      if (!fsync) renewed.add(gateway);
    },
    state({ gateway, exact, tasks, final: last }) {
      for (const [stream, state] of tasks) {
        if (exact) checkOnce(stream, gateway, effectsOf(state), report);
        checkHeld(stream, gateway, state, report);
      }
      if (last) final.set(gateway, tasks);
    },
    ended({ stuck }) {
      if (stuck !== undefined) return;
      for (const [id, log] of logs) if (!log.gone) checkOwed(id, log);
    },
  };
}

/** In their order. */
export function effectsOf(state: TaskState | undefined): readonly Effect[] {
  const effects: Effect[] = [];
  for (let effect = state?.effects; effect !== undefined; effect = effect.before) effects.push(effect);
  return effects.reverse();
}

function checkOnce(stream: string, gateway: string, effects: readonly Effect[], report: Report): void {
  const had = new Set<string>();
  for (const { message } of effects) {
    const { pe, born } = message.incarnation;
    const number = `${message.seq} of log ${pe}/${born}`;
    if (had.has(number)) report(`${stream}: the state of ${gateway} has number ${number} twice`);
    had.add(number);
  }
}

/** What a task holds, and what it joined a message with, is what it took since it last joined. */
function checkHeld(stream: string, gateway: string, state: TaskState, report: Report): void {
  let held: readonly Message[] = [];
  const check = (known: readonly Message[], what: string): void => {
    if (known.length === held.length && known.every(({ seq }, i) => seq === held[i]!.seq)) return;
    report(`${stream}: ${gateway} ${what} ${known.length} messages, it took ${held.length}`);
  };
  for (const { message, holds, joined } of effectsOf(state)) {
    if (!holds) check(joined, 'joined');
    held = holds ? [...held, message] : [];
  }
  check(state.held, 'holds');
}
