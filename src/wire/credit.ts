/** How the streams of one connection share what its broker queues for them. */

/**
 * Records all senders together may be ahead of one gateway. Brokers keep a limited queue for each client and drop what
 * is beyond it (mosquitto: 1,000 messages by default), and each record may travel in a message of its own; the rest of
 * the queue is for acknowledgements.
 */
export const CREDIT_BUDGET = 768;

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
