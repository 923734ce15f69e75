/** One consumer of a stream as its producer sees it, and how it changes; part of the sender state machine. */
import type { Boot } from './control.ts';
import type { AckFrame } from './frames.ts';
import { GO_BACK_HOLD_MS } from './retry.ts';

/** What the producer keeps on disk of one consumer. */
export interface ConsumerCursor {
  readonly stable: number;
  /** First sequence the consumer is owed. */
  readonly start: number;
  readonly redeliveredTo: number;
  readonly boot?: Boot;
}

export interface Consumer extends ConsumerCursor {
  readonly received: number;
  readonly done: number;
  readonly credit: number;
  /** Next sequence to send. */
  readonly next: number;
  /** Highest sequence ever sent; after a restart of the producer, all that is in the log. */
  readonly sentTo: number;
  /** A `send` effect is out and its `sent` event is not back. */
  readonly sending: boolean;
  /** Sent beyond `done`, in order. */
  readonly inFlight: readonly { readonly to: number; readonly bytes: number }[];
  /** Wants are not heeded before this time. */
  readonly holdUntil: number;
  readonly probes: number;
  /** When to probe; undefined while nothing is owed or the link is down. */
  readonly probeAt: number | undefined;
}

interface Sent {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export function newConsumer(cursor: ConsumerCursor): Consumer {
  return {
    ...cursor,
    received: cursor.stable,
    done: cursor.stable,
    credit: 0,
    next: cursor.stable + 1,
    sentTo: cursor.stable,
    sending: false,
    inFlight: [],
    holdUntil: 0,
    probes: 0,
    probeAt: undefined,
  };
}

export function cursorOf(c: Consumer): ConsumerCursor {
  const { stable, start, redeliveredTo, boot } = c;
  return { stable, start, redeliveredTo, ...(boot === undefined ? {} : { boot }) };
}

/** Records `from` to `to` went out. */
export function noteSent(c: Consumer, event: Sent): Consumer {
  const sentTo = Math.max(c.sentTo, event.to);
  if (event.from !== c.next) return { ...c, sentTo, sending: false };
  const inFlight = event.bytes > 0 ? [...c.inFlight, { to: event.to, bytes: event.bytes }] : c.inFlight;
  return { ...c, sentTo, sending: false, next: event.to + 1, inFlight };
}

/** Boots of one disk are ordered. Of two disks nobody can tell which came first: the one last heard is believed. */
export function isOlderBoot(boot: Boot, c: Consumer): boolean {
  return c.boot?.disk === boot.disk && boot.count < c.boot.count;
}

export function enterBoot(c: Consumer, boot: Boot): Consumer {
  const redeliveredTo = c.boot === undefined ? c.redeliveredTo : c.sentTo;
  return { ...c, boot, redeliveredTo };
}

/** Back to the first record owed; what went out before may have been delivered. */
export function startOver(c: Consumer): Consumer {
  const redeliveredTo = c.sentTo > c.stable ? Math.max(c.redeliveredTo, c.sentTo) : c.redeliveredTo;
  const { stable } = c;
  return {
    ...c,
    received: stable,
    done: stable,
    credit: 0,
    next: stable + 1,
    redeliveredTo,
    inFlight: [],
    holdUntil: 0,
  };
}

/** Nothing up to `upTo` is owed any more: the next frame's `base` tells the consumer so. */
export function giveUp(c: Consumer, upTo: number): Consumer {
  if (upTo <= c.stable) return c;
  return {
    ...c,
    stable: upTo,
    done: Math.max(c.done, upTo),
    received: Math.max(c.received, upTo),
    next: Math.max(c.next, upTo + 1),
    // It will say that it passed them: that is no claim to numbers never sent.
    sentTo: Math.max(c.sentTo, upTo),
    inFlight: c.inFlight.filter((chunk) => chunk.to > upTo),
    probes: 0,
    probeAt: undefined,
  };
}

/** Within one boot numbers only grow; a newer boot may lower what was received. */
export function applyPositions(c: Consumer, ack: AckFrame, restarted: boolean, at: number): Consumer {
  const floor = (old: number, now: number): number => (restarted ? now : Math.max(old, now));
  const stable = Math.max(c.stable, ack.stable);
  const done = Math.max(stable, floor(c.done, ack.done));
  const received = Math.max(done, floor(c.received, ack.received));
  const credit = floor(c.credit, ack.credit);
  const progressed = received > c.received || done > c.done || stable > c.stable || credit > c.credit;
  const wanted = restarted ? received + 1 : ack.want;
  const goBack = wanted > stable && wanted < c.next && (restarted || at >= c.holdUntil);
  const next = goBack ? wanted : Math.max(c.next, received + 1);
  return {
    ...c,
    stable,
    done,
    received,
    credit,
    next,
    inFlight: c.inFlight.filter((chunk) => chunk.to > done && chunk.to < next),
    holdUntil: goBack ? at + GO_BACK_HOLD_MS : c.holdUntil,
    probes: progressed || restarted ? 0 : c.probes,
    probeAt: progressed || restarted ? undefined : c.probeAt,
  };
}
