/**
 * The producer's side of one stream: `(state, event) → (state, effects)`, no I/O, no clock. Times are ms of any clock
 * that does not go back. Rules are numbered as in docs/PROTOCOL.md.
 */
import {
  applyPositions,
  type Consumer,
  type ConsumerCursor,
  cursorOf,
  enterBoot,
  giveUp,
  isOlderBoot,
  newConsumer,
  noteSent,
  startOver,
} from './consumer.ts';
import type { AckFrame } from './frames.ts';
import { probeDelay } from './retry.ts';
import { compareIncarnations, type Incarnation, sameBoot, WINDOW_BYTES, WINDOW_FRAMES } from './stream.ts';

export interface SenderState {
  readonly incarnation: Incarnation;
  readonly head: number;
  readonly connected: boolean;
  readonly consumers: Readonly<Record<string, Consumer>>;
  /** Everything up to here has been given up by every consumer. */
  readonly trimmed: number;
}

export type SenderEvent =
  | { readonly type: 'appended'; readonly head: number; readonly at: number }
  | { readonly type: 'ack'; readonly ack: AckFrame; readonly at: number }
  /** Answer to a `send` effect: records `from` to `to` went out. */
  | {
      readonly type: 'sent';
      readonly consumer: string;
      readonly from: number;
      readonly to: number;
      readonly bytes: number;
      readonly at: number;
    }
  /** `earliest`: those among them that, when new, start at the first record held instead of from now. */
  | {
      readonly type: 'consumers';
      readonly ids: readonly string[];
      readonly earliest?: readonly string[];
      readonly at: number;
    }
  /** The named consumer, or every one, is owed nothing up to here: declared loss. */
  | { readonly type: 'giveUp'; readonly upTo: number; readonly consumer?: string; readonly at: number }
  | { readonly type: 'link'; readonly up: boolean; readonly at: number }
  /** Answer to an `outborn` effect: the log has taken a later birth. */
  | { readonly type: 'reborn'; readonly incarnation: Incarnation; readonly at: number }
  | { readonly type: 'tick'; readonly at: number };

export type SenderEffect =
  /** Send records from `from`, at most to `to` and about `maxBytes` but at least one; answer with `sent`. */
  | {
      readonly type: 'send';
      readonly consumer: string;
      readonly from: number;
      readonly to: number;
      readonly maxBytes: number;
    }
  /** Send a frame without records. */
  | { readonly type: 'probe'; readonly consumer: string }
  /** Nothing up to here is owed to anyone. */
  | { readonly type: 'trim'; readonly upTo: number }
  /** Keep the cursor; undefined for a consumer that was retired. */
  | { readonly type: 'persist'; readonly consumer: string; readonly cursor: ConsumerCursor | undefined }
  /** The consumer knows a later birth, or numbers never sent from this log, the one live of its epoch: be reborn. */
  | { readonly type: 'outborn'; readonly by: Incarnation };

export interface Reduced<S, E> {
  readonly state: S;
  readonly effects: readonly E[];
}

/** A gateway may be called `constructor`. */
const consumerOf = ({ consumers }: SenderState, id: string): Consumer | undefined =>
  Object.hasOwn(consumers, id) ? consumers[id] : undefined;

/** State at process start, from the log's extent and the persisted cursors. */
export function initSender(
  incarnation: Incarnation,
  log: { readonly head: number; readonly base: number },
  cursors: Readonly<Record<string, ConsumerCursor>>,
): SenderState {
  const consumers: Record<string, Consumer> = {};
  for (const [id, cursor] of Object.entries(cursors)) {
    const stable = Math.min(Math.max(cursor.stable, log.base - 1), log.head);
    // Without a boot the cursor is from before the first ACK: what was sent since then was not noted.
    const redeliveredTo = cursor.boot === undefined ? log.head : cursor.redeliveredTo;
    consumers[id] = { ...newConsumer({ ...cursor, stable, redeliveredTo }), sentTo: log.head };
  }
  return withTrim({ incarnation, head: log.head, connected: false, consumers, trimmed: log.base - 1 }, [])
    .state;
}

export function reduceSender(state: SenderState, event: SenderEvent): Reduced<SenderState, SenderEffect> {
  const effects: SenderEffect[] = [];
  switch (event.type) {
    case 'appended':
      return advanceAll({ ...state, head: event.head }, event.at, effects);
    case 'link':
      return onLink(state, event.up, event.at, effects);
    case 'consumers':
      return withTrim(advanceAll(onConsumers(state, event, effects), event.at, effects).state, effects);
    case 'giveUp':
      return onGiveUp(state, event, effects);
    case 'reborn':
      return onReborn(state, event.incarnation, event.at, effects);
    case 'tick':
      return onTick(state, event.at, effects);
    case 'sent': {
      const consumer = consumerOf(state, event.consumer);
      if (consumer === undefined) return { state, effects };
      return update(state, event.consumer, noteSent(consumer, event), event.at, effects);
    }
    case 'ack':
      return onAck(state, event.ack, event.at, effects);
  }
}

/** Earliest time a `tick` has something to do. */
export function senderDue(state: SenderState): number | undefined {
  let due: number | undefined;
  for (const { probeAt } of Object.values(state.consumers)) {
    if (probeAt !== undefined && (due === undefined || probeAt < due)) due = probeAt;
  }
  return due;
}

function onLink(state: SenderState, up: boolean, at: number, effects: SenderEffect[]) {
  const consumers: Record<string, Consumer> = {};
  for (const [id, c] of Object.entries(state.consumers)) {
    consumers[id] = { ...c, sending: false, probes: 0, probeAt: undefined };
    if (up) effects.push({ type: 'probe', consumer: id });
  }
  return advanceAll({ ...state, connected: up, consumers }, at, effects);
}

/** A newcomer that replaces others starts where the last of them stood; any other from now, or at what is held. */
function onConsumers(
  state: SenderState,
  { ids, earliest = [] }: Extract<SenderEvent, { type: 'consumers' }>,
  effects: SenderEffect[],
): SenderState {
  const removed = Object.entries(state.consumers).filter(([id]) => !ids.includes(id));
  const taken = Math.min(state.head, ...removed.map(([, c]) => c.stable));
  const redeliveredTo = Math.max(0, ...removed.map(([, c]) => (c.sentTo > c.stable ? c.sentTo : 0)));
  const consumers: Record<string, Consumer> = {};
  for (const id of ids) {
    const known = consumerOf(state, id);
    if (known !== undefined) {
      consumers[id] = known;
      continue;
    }
    const stable = earliest.includes(id) && removed.length === 0 ? state.trimmed : taken;
    const cursor = { stable, start: stable + 1, redeliveredTo };
    // It may have been a consumer before and say so: nothing above the head was ever sent.
    consumers[id] = { ...newConsumer(cursor), sentTo: state.head };
    effects.push({ type: 'persist', consumer: id, cursor });
    if (state.connected) effects.push({ type: 'probe', consumer: id });
  }
  for (const [id] of removed) effects.push({ type: 'persist', consumer: id, cursor: undefined });
  return { ...state, consumers };
}

function onGiveUp(
  state: SenderState,
  event: Extract<SenderEvent, { type: 'giveUp' }>,
  effects: SenderEffect[],
) {
  const upTo = Math.min(event.upTo, state.head);
  const consumers: Record<string, Consumer> = {};
  for (const [id, c] of Object.entries(state.consumers)) {
    const named = event.consumer === undefined || event.consumer === id;
    const next = named ? giveUp(c, upTo) : c;
    consumers[id] = next;
    if (next === c) continue;
    effects.push({ type: 'persist', consumer: id, cursor: cursorOf(next) });
    if (state.connected) effects.push({ type: 'probe', consumer: id });
  }
  return withTrim(advanceAll({ ...state, consumers }, event.at, effects).state, effects);
}

function onReborn(state: SenderState, incarnation: Incarnation, at: number, effects: SenderEffect[]) {
  const consumers: Record<string, Consumer> = {};
  for (const [id, c] of Object.entries(state.consumers)) {
    consumers[id] = startOver(c);
    effects.push({ type: 'persist', consumer: id, cursor: cursorOf(consumers[id]) });
    if (state.connected) effects.push({ type: 'probe', consumer: id });
  }
  return advanceAll({ ...state, incarnation, consumers }, at, effects);
}

/** A `send` that was never answered (its records could not be read) is tried again as well. */
function onTick(state: SenderState, at: number, effects: SenderEffect[]) {
  const consumers: Record<string, Consumer> = {};
  for (const [id, c] of Object.entries(state.consumers)) {
    const due = c.probeAt !== undefined && c.probeAt <= at;
    const probed = { ...c, sending: false, probes: c.probes + 1, probeAt: at + probeDelay(c.probes + 1) };
    if (due) effects.push({ type: 'probe', consumer: id });
    consumers[id] = due ? advance(state, id, probed, at, effects) : c;
  }
  return { state: { ...state, consumers }, effects };
}

function onAck(state: SenderState, ack: AckFrame, at: number, effects: SenderEffect[]) {
  const c = consumerOf(state, ack.consumer);
  if (c === undefined || isOlderBoot(ack.boot, c)) return { state, effects };
  // Another producer was given a later epoch; only births are this log's own to answer.
  if (ack.incarnation.pe > state.incarnation.pe) return { state, effects };
  const order = compareIncarnations(ack.incarnation, state.incarnation);
  if (order > 0 || (order === 0 && ack.received > c.sentTo)) {
    effects.push({ type: 'outborn', by: ack.incarnation });
    return { state, effects };
  }

  const restarted = c.boot === undefined || !sameBoot(c.boot, ack.boot);
  const booted = restarted ? enterBoot(c, ack.boot) : c;
  const next = order < 0 ? meetNewcomer(booted, ack, effects) : applyPositions(booted, ack, restarted, at);
  if (restarted || next.stable > c.stable || next.redeliveredTo > c.redeliveredTo)
    effects.push({ type: 'persist', consumer: ack.consumer, cursor: cursorOf(next) });
  return withTrim(update(state, ack.consumer, next, at, effects).state, effects);
}

/** The consumer has not heard of this log: tell it, and begin at what is owed. */
function meetNewcomer(c: Consumer, ack: AckFrame, effects: SenderEffect[]): Consumer {
  effects.push({ type: 'probe', consumer: ack.consumer });
  return startOver(c);
}

function advanceAll(state: SenderState, at: number, effects: SenderEffect[]) {
  const consumers: Record<string, Consumer> = {};
  for (const [id, c] of Object.entries(state.consumers)) consumers[id] = advance(state, id, c, at, effects);
  return { state: { ...state, consumers }, effects };
}

function update(state: SenderState, id: string, c: Consumer, at: number, effects: SenderEffect[]) {
  const consumers = { ...state.consumers, [id]: advance(state, id, c, at, effects) };
  return { state: { ...state, consumers }, effects };
}

/** Sends what credit and the windows of frames and bytes allow; keeps the probe timer running while anything is owed. */
function advance(state: SenderState, id: string, c: Consumer, at: number, effects: SenderEffect[]): Consumer {
  if (!state.connected) return c;
  const to = Math.min(state.head, c.credit);
  const used = c.inFlight.reduce((sum, chunk) => sum + chunk.bytes, 0);
  const room = used < WINDOW_BYTES && unreceived(c) < WINDOW_FRAMES;
  const sending = c.sending || (c.next <= to && room);
  if (sending && !c.sending)
    effects.push({ type: 'send', consumer: id, from: c.next, to, maxBytes: WINDOW_BYTES - used });
  const owed = c.stable < state.head;
  const probeAt = owed ? (c.probeAt ?? at + probeDelay(c.probes)) : undefined;
  return { ...c, sending, probeAt };
}

/** Frames that may still be on their way. */
function unreceived({ inFlight, received }: Consumer): number {
  let first = inFlight.length;
  while (first > 0 && inFlight[first - 1]!.to > received) first--;
  return inFlight.length - first;
}

/** Rule 1: trim only what every consumer has stably passed. */
function withTrim(state: SenderState, effects: SenderEffect[]) {
  const stables = Object.values(state.consumers).map((c) => c.stable);
  const upTo = stables.length === 0 ? state.trimmed : Math.min(...stables);
  if (upTo <= state.trimmed) return { state, effects };
  effects.push({ type: 'trim', upTo });
  return { state: { ...state, trimmed: upTo }, effects };
}
