/** Records that a change would strand, and what somebody can say to that. */

/** A stream whose route a change ends while records wait in it, as its producer last reported. */
export interface StrandedStream {
  readonly stream: string;
  /** Gateway that holds the log. */
  readonly from: string;
  /** Gateways that would not get what waits. */
  readonly consumers: readonly string[];
  /** Those of its gateways that are away. */
  readonly away: readonly string[];
  readonly records: number;
  readonly bytes?: number;
  /** Age of the oldest. */
  readonly ageMs?: number;
  /** What a deploy does with them. `refuse`: nothing before somebody has said; `none`: its producer cannot be asked. */
  readonly action: 'drain' | 'discard' | 'refuse' | 'none';
}

/** The answer: wait until they are processed, or give them up as declared loss. */
export type StrandedChoice = 'drain' | 'discard';

/** Refusals that an answer clears. */
const ASKS: readonly string[] = ['ECHO_STREAM_NOT_DRAINED', 'ECHO_DRAIN_TIMEOUT'];
/** What else may be in the way: a gateway that is away is brought in line when it returns. */
const BESIDE: readonly string[] = ['ECHO_GATEWAY_OFFLINE'];

/** The streams to ask about: what waits, if an answer would clear all that is in the way. */
export function inQuestion(
  problems: readonly { readonly code: string }[],
  stranded: readonly StrandedStream[] = [],
): readonly StrandedStream[] {
  const asks = problems.some(({ code }) => ASKS.includes(code));
  return asks && problems.every(({ code }) => [...ASKS, ...BESIDE].includes(code)) ? stranded : [];
}
