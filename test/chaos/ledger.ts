/** What became of the rows of one wire: lost, repeated, reordered, or accounted for. Pure. */
import { account } from '../kit/pace.ts';
import type { ChaosWire } from './wires.ts';

/** A process that kept rows was killed. */
export interface Kill {
  /** Highest row that had arrived over the wire. */
  readonly arrived: number;
  /** Highest row that may have been fed. */
  readonly fed: number;
}

export interface Story {
  /** Rows fed. */
  readonly rows: number;
  /** As they arrived, without arrivals that a repeated feed explains. */
  readonly arrivals: readonly number[];
  /** Rows an error was raised for in mid-flow. */
  readonly refused: ReadonlySet<number>;
  /** Kills of the gateways that hold the logs of the wire. */
  readonly kills: readonly Kill[];
  /** The most that may be done again for the kills of consumers there were. */
  readonly mayRepeat: number;
}

export interface WireReport {
  readonly wire: string;
  readonly lost: number;
  readonly reordered: number;
  /** Rows that arrived again though they were fed once; the most the level allows for the kills there were. */
  readonly repeated: number;
  readonly repeatedAllowed: number;
  /** Rows that did not arrive and for which the wire says so: refused with an error, or in the memory that was killed. */
  readonly declared: number;
}

export function settle({ name, level, durability }: ChaosWire, story: Story): WireReport {
  const { rows, arrivals, refused, kills, mayRepeat } = story;
  const arrived = new Set(arrivals);
  const inMemory = (row: number): boolean =>
    durability === 'memory' && kills.some((kill) => row > kill.arrived && row <= kill.fed);
  let lost = 0;
  let declared = 0;
  for (let row = 1; row <= rows; row++) {
    if (arrived.has(row)) continue;
    if (refused.has(row) || inMemory(row)) declared++;
    else lost++;
  }
  // What was refused in mid-flow may come after all, when its consumer is killed before it has stored that it is done.
  const { repeated, reordered } = account(
    arrivals.filter((row) => !refused.has(row)),
    rows,
  );
  const repeatedAllowed = level === 'effectively-once' ? 0 : mayRepeat;
  return { wire: name, lost, reordered, repeated, repeatedAllowed, declared };
}

/** Leaves out arrivals that a repeated feed explains; `attempts`: how often a row was fed, where more than once. */
export function fedOnce(arrivals: readonly number[], attempts: ReadonlyMap<number, number>): number[] {
  const left = new Map(attempts);
  const seen = new Set<number>();
  return arrivals.filter((row) => {
    const count = left.get(row);
    if (!seen.has(row) || count === undefined || count < 2) return seen.add(row);
    left.set(row, count - 1);
    return false;
  });
}
