/** How the streams of one connection share what its broker queues for them. */
import { WINDOW_FRAMES } from './stream.ts';

/**
 * Frames all senders together may be ahead of one gateway. Brokers keep a limited queue for each client and drop what
 * is beyond it (mosquitto: 1,000 messages by default); the rest of the queue is for acknowledgements.
 */
export const CREDIT_BUDGET = 768;

/**
 * Windows in records, in the order of `wanted`: what is wanted while there is room for the frames of all, else shares
 * of the budget, since each record of a small window may travel in a frame of its own.
 */
export function windowsWithin(wanted: readonly number[], budget = CREDIT_BUDGET): number[] {
  const frames = wanted.map((window) => Math.min(window, WINDOW_FRAMES));
  const fits = frames.reduce((sum, n) => sum + n, 0) <= budget;
  return fits ? [...wanted] : shareCredit(frames, budget);
}

/**
 * Max-min fair shares of the budget, in the order of `wanted`: nobody gets more than it wants, what is left over by
 * those who want little goes to the others in equal parts, and everyone gets at least one.
 */
export function shareCredit(wanted: readonly number[], budget = CREDIT_BUDGET): number[] {
  const shares = wanted.map(() => 0);
  const smallestFirst = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  let left = budget;
  for (const [at, i] of smallestFirst.entries()) {
    const equal = Math.floor(left / (wanted.length - at));
    shares[i] = Math.max(1, Math.min(wanted[i]!, equal));
    left -= shares[i]!;
  }
  return shares;
}
