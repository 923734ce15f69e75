/**
 * The consumer's side of one stream: `(state, event) → (state, effects)`, no I/O, no clock. Times are ms of any clock
 * that does not go back. Rules are numbered as in docs/PROTOCOL.md.
 */
import type { Boot } from './control.ts';
import type { DataFrame, SequencedRecord } from './frames.ts';
import type { GapReason } from './records.ts';
import { ACK_INTERVAL_MS, GO_BACK_HOLD_MS } from './retry.ts';
import type { Reduced } from './sender.ts';
import {
  compareIncarnations,
  type Incarnation,
  NO_INCARNATION,
  sameBoot,
  WINDOW_BYTES,
  WINDOW_RECORDS,
} from './stream.ts';

/** What the consumer keeps on disk. */
export interface ReceiverCursor {
  readonly incarnation: Incarnation;
  readonly stable: number;
  /** Finished beyond `stable`, where the state of the tasks is kept with the cursor; these are not handed over again. */
  readonly early?: readonly Range[];
  /**
   * Nothing above was ever handed over; written at a clean end only. Without it, the sender's word stands for what may
   * have been.
   */
  readonly handed?: number;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface ReceiverState {
  readonly boot: Boot;
  readonly incarnation: Incarnation;
  readonly received: number;
  readonly done: number;
  readonly stable: number;
  /** Finished beyond `done`, in order, disjoint, not touching. */
  readonly early: readonly Range[];
  /** Last limit told to the sender. */
  readonly credit: number;
  /** False while no further credit is given (a log downstream is full). */
  readonly open: boolean;
  /** Records the sender may be ahead of `done`. */
  readonly window: number;
  readonly connected: boolean;
  /** `done` of the last persist effect. */
  readonly persisting: number;
  readonly ackedAt: number;
  readonly ackedDone: number;
  /** Bytes of messages taken since the last ACK in which `done` moved: the sender's byte window may be full of them. */
  readonly unackedBytes: number;
  /** When the next ACK is due; undefined when there is nothing to say. */
  readonly ackAt: number | undefined;
  /** The sequence last asked for is not asked for again before `askAt`. */
  readonly asked: number;
  readonly askAt: number;
  readonly duplicates: number;
  readonly lost: number;
}

export type ReceiverEvent =
  | { readonly type: 'data'; readonly frame: DataFrame; readonly at: number }
  /** The tasks finished with these records of this log. */
  | {
      readonly type: 'settled';
      readonly incarnation: Incarnation;
      readonly seqs: readonly number[];
      readonly at: number;
    }
  /** The cursor of a `persist` effect survives a crash now. */
  | { readonly type: 'persisted'; readonly cursor: ReceiverCursor; readonly at: number }
  | { readonly type: 'link'; readonly up: boolean; readonly at: number }
  | { readonly type: 'grant'; readonly open: boolean; readonly window?: number; readonly at: number }
  /** Passes over the first `count` unfinished records: declared loss. */
  | { readonly type: 'skip'; readonly count: number; readonly at: number }
  | { readonly type: 'tick'; readonly at: number };

export interface AckPositions {
  readonly incarnation: Incarnation;
  readonly received: number;
  readonly done: number;
  readonly stable: number;
  readonly credit: number;
  readonly want: number;
}

export type ReceiverEffect =
  /** Hand over, in order; each is answered by its sequence in a `settled` event. */
  | { readonly type: 'deliver'; readonly records: readonly SequencedRecord[]; readonly redeliveredTo: number }
  | { readonly type: 'persist'; readonly cursor: ReceiverCursor }
  | { readonly type: 'ack'; readonly positions: AckPositions }
  /** Declared loss. */
  | {
      readonly type: 'loss';
      readonly from: number;
      readonly to: number;
      readonly reason: GapReason | 'base' | 'skipped';
    };

/** State at process start; without a cursor the receiver starts where the sender says. */
export function initReceiver(
  boot: Boot,
  cursor: ReceiverCursor = { incarnation: NO_INCARNATION, stable: 0 },
): ReceiverState {
  return {
    boot,
    incarnation: cursor.incarnation,
    received: cursor.stable,
    done: cursor.stable,
    stable: cursor.stable,
    early: cursor.early ?? [],
    credit: cursor.stable,
    open: true,
    window: WINDOW_RECORDS,
    connected: false,
    persisting: cursor.stable,
    ackedAt: Number.NEGATIVE_INFINITY,
    ackedDone: cursor.stable,
    unackedBytes: 0,
    ackAt: undefined,
    asked: 0,
    askAt: 0,
    duplicates: 0,
    lost: 0,
  };
}

/** Where the consumer stands now: for a checkpoint, in which it goes with the state of the tasks. */
export function cursorNow({ incarnation, done, early }: ReceiverState): ReceiverCursor {
  return early.length === 0 ? { incarnation, stable: done } : { incarnation, stable: done, early };
}

export function reduceReceiver(
  state: ReceiverState,
  event: ReceiverEvent,
): Reduced<ReceiverState, ReceiverEffect> {
  const effects: ReceiverEffect[] = [];
  switch (event.type) {
    case 'data':
      return onData(state, event.frame, event.at, effects);
    case 'settled': {
      if (compareIncarnations(event.incarnation, state.incarnation) !== 0) return { state, effects };
      const settled = settle(
        state,
        event.seqs.map((seq) => ({ from: seq, to: seq })),
      );
      return acknowledge(persist(settled, effects), event.at, effects);
    }
    case 'persisted': {
      const { incarnation, stable } = event.cursor;
      if (compareIncarnations(incarnation, state.incarnation) !== 0) return { state, effects };
      const persisting = Math.max(state.persisting, stable);
      const moved = { ...state, stable: Math.max(state.stable, stable), persisting };
      return acknowledge(persist(moved, effects), event.at, effects);
    }
    case 'link':
      if (!event.up) return { state: { ...state, connected: false, ackAt: undefined }, effects };
      return ackNow({ ...state, connected: true }, event.at, effects, state.received + 1);
    case 'grant': {
      const granted = { ...state, open: event.open, window: event.window ?? state.window };
      return creditOf(granted) > state.credit
        ? ackNow(granted, event.at, effects)
        : { state: granted, effects };
    }
    case 'skip':
      return acknowledge(persist(skip(state, event.count, effects), effects), event.at, effects);
    case 'tick':
      return state.ackAt !== undefined && state.ackAt <= event.at
        ? ackNow(state, event.at, effects)
        : { state, effects };
  }
}

function onData(before: ReceiverState, frame: DataFrame, at: number, effects: ReceiverEffect[]) {
  const order = compareIncarnations(frame.incarnation, before.incarnation);
  // What is meant for an earlier boot is not marked as delivered before, and its `base` may be out of date.
  const meant = frame.boot.disk === '' || sameBoot(frame.boot, before.boot);
  if (order < 0 || !meant) return acknowledge(before, at, effects);
  const fresh = order > 0;
  const joined = joinLog(before, frame, fresh, effects);
  const taken = takeRecords(joined, frame, effects);
  const state = persist(taken.state, effects);
  if (taken.missing && (state.asked !== state.received + 1 || at >= state.askAt))
    return ackNow(state, at, effects, state.received + 1);
  return frame.records.length === 0 || fresh ? ackNow(state, at, effects) : acknowledge(state, at, effects);
}

/** A later log supersedes the one known; what the sender no longer owes or holds is passed over. */
function joinLog(
  before: ReceiverState,
  frame: DataFrame,
  fresh: boolean,
  effects: ReceiverEffect[],
): ReceiverState {
  const position = fresh ? frame.base - 1 : Math.max(before.received, frame.start - 1);
  let state = before;
  if (fresh) {
    const at = {
      received: position,
      done: position,
      stable: position,
      credit: position,
      persisting: position,
    };
    state = { ...before, ...at, incarnation: frame.incarnation, early: [], ackedDone: position, asked: 0 };
    effects.push({ type: 'persist', cursor: { incarnation: frame.incarnation, stable: position } });
  } else if (position > before.received) {
    state = settle({ ...before, received: position }, [{ from: before.received + 1, to: position }]);
  }
  return frame.base > state.received + 1 ? lose(state, frame.base - 1, 'base', effects) : state;
}

/** Rule 2: in sequence only; at or below `received` is a duplicate, above the next is a hole. */
function takeRecords(before: ReceiverState, frame: DataFrame, effects: ReceiverEffect[]) {
  let state = before;
  let missing = frame.records.length === 0 && frame.first > state.received + 1;
  let received = state.received;
  let duplicates = 0;
  let { unackedBytes } = state;
  const limit = creditOf(state);
  const messages: SequencedRecord[] = [];
  const passed: Range[] = [];
  for (const entry of frame.records) {
    if (entry.to <= received) {
      duplicates++;
      continue;
    }
    if (entry.seq > received + 1) missing = true;
    if (missing || entry.seq > limit) break;
    if (entry.record.kind !== 'message') passed.push({ from: received + 1, to: entry.to });
    else if (!isEarly(state.early, entry.seq)) messages.push(entry);
    if (entry.record.kind === 'message') unackedBytes += entry.record.body.length;
    if (entry.record.kind === 'gap') {
      effects.push({ type: 'loss', from: received + 1, to: entry.to, reason: entry.record.reason });
      state = { ...state, lost: state.lost + entry.to - received };
    }
    received = entry.to;
  }
  state = { ...state, received, unackedBytes, duplicates: state.duplicates + duplicates };
  if (passed.length > 0) state = settle(state, passed);
  if (messages.length > 0)
    effects.push({ type: 'deliver', records: messages, redeliveredTo: frame.redeliveredTo });
  return { state, missing };
}

/** Finished before this boot, as its cursor says: `done` moves over it by itself. */
function isEarly(early: readonly Range[], seq: number): boolean {
  const last = early.at(-1);
  return last !== undefined && seq <= last.to && early.some(({ from, to }) => from <= seq && seq <= to);
}

function lose(state: ReceiverState, to: number, reason: GapReason | 'base', effects: ReceiverEffect[]) {
  const from = state.received + 1;
  effects.push({ type: 'loss', from, to, reason });
  return settle({ ...state, received: to, lost: state.lost + to - from + 1 }, [{ from, to }]);
}

/** Whatever the tasks still do with a record passed over changes nothing any more. */
function skip(before: ReceiverState, count: number, effects: ReceiverEffect[]): ReceiverState {
  let state = before;
  for (let i = 0; i < count && state.done < state.received; i++) {
    const next = state.done + 1;
    effects.push({ type: 'loss', from: next, to: next, reason: 'skipped' });
    state = { ...settle(state, [{ from: next, to: next }]), lost: state.lost + 1 };
  }
  return state;
}

/** Moves `done` over what is finished without a hole; what an earlier boot has finished need not be received. */
function settle(state: ReceiverState, ranges: readonly Range[]): ReceiverState {
  let { done } = state;
  let early = state.early;
  for (const range of ranges) {
    if (range.to <= done) continue;
    if (range.from <= done + 1 && early.length === 0) done = range.to;
    else early = insert(early, range);
    for (let first = early[0]; first !== undefined && first.from <= done + 1; first = early[0]) {
      done = Math.max(done, first.to);
      early = early.slice(1);
    }
  }
  return { ...state, received: Math.max(state.received, done), done, early };
}

function insert(ranges: readonly Range[], range: Range): readonly Range[] {
  let { from, to } = range;
  const before: Range[] = [];
  const after: Range[] = [];
  for (const r of ranges) {
    if (r.to + 1 < from) before.push(r);
    else if (r.from > to + 1) after.push(r);
    else {
      from = Math.min(from, r.from);
      to = Math.max(to, r.to);
    }
  }
  return [...before, { from, to }, ...after];
}

/** One persist at a time: the next begins when the last is on disk. */
function persist(state: ReceiverState, effects: ReceiverEffect[]): ReceiverState {
  if (state.done <= state.persisting || state.persisting > state.stable) return state;
  effects.push({ type: 'persist', cursor: { incarnation: state.incarnation, stable: state.done } });
  return { ...state, persisting: state.done };
}

/** Credit is absolute and never shrinks: what was promised may be on its way. */
function creditOf(state: ReceiverState): number {
  return state.open ? Math.max(state.credit, state.done + state.window) : state.credit;
}

/** At once when idle or when the sender may be short of credit, else at the next interval. */
function acknowledge(state: ReceiverState, at: number, effects: ReceiverEffect[]) {
  if (!state.connected) return { state, effects };
  const news = state.done - state.ackedDone;
  const short = news >= state.window / 4 || (news > 0 && state.unackedBytes >= WINDOW_BYTES / 4);
  if (short || at - state.ackedAt >= ACK_INTERVAL_MS) return ackNow(state, at, effects);
  if (state.ackAt !== undefined) return { state, effects };
  return { state: { ...state, ackAt: state.ackedAt + ACK_INTERVAL_MS }, effects };
}

function ackNow(state: ReceiverState, at: number, effects: ReceiverEffect[], want = 0) {
  if (!state.connected) return { state, effects };
  const { incarnation, received, done, stable } = state;
  const credit = creditOf(state);
  effects.push({ type: 'ack', positions: { incarnation, received, done, stable, credit, want } });
  const unackedBytes = done > state.ackedDone ? 0 : state.unackedBytes;
  const acked = { ...state, credit, ackedAt: at, ackedDone: done, unackedBytes, ackAt: undefined };
  return { state: want === 0 ? acked : { ...acked, asked: want, askAt: at + GO_BACK_HOLD_MS }, effects };
}
