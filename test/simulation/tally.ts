/** What many seeds came to. */
import type { Outcome } from './simulate.ts';

export interface Tally {
  seeds: number;
  readonly failures: { readonly seed: number; readonly violation: string }[];
  readonly faults: Record<string, number>;
  readonly messages: Record<string, number>;
}

/** Seeds from `from` to below `to`. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export const emptyTally = (): Tally => ({ seeds: 0, failures: [], faults: {}, messages: {} });

export function addTo(tally: Tally, seed: number, { violations, faults, messages }: Outcome): void {
  tally.seeds++;
  if (violations[0] !== undefined) tally.failures.push({ seed, violation: violations[0] });
  addCounts(tally.faults, { ...faults });
  addCounts(tally.messages, { ...messages });
}

export function merge(tally: Tally, part: Tally): void {
  tally.seeds += part.seeds;
  tally.failures.push(...part.failures);
  addCounts(tally.faults, part.faults);
  addCounts(tally.messages, part.messages);
}

function addCounts(to: Record<string, number>, from: Record<string, number>): void {
  for (const [name, count] of Object.entries(from)) to[name] = (to[name] ?? 0) + count;
}
