/** The shapes of flows that are simulated: who produces what for whom. The last two gateways of each are spare. */
import { WINDOW_RECORDS } from '../../../src/wire/stream.ts';
import type { Random } from './Random.ts';
import type { Stream } from './World.ts';

type Wire = readonly [name: string, producer: string, consumers: string, fedBy?: string];

/** Gateways are single letters. */
const shapes: readonly (readonly Wire[])[] = [
  [['s', 'p', 'c']],
  [['s', 'p', 'cd']],
  [['s', 'p', 'cde']],
  // Fan-in.
  [
    ['s', 'p', 'c'],
    ['t', 'q', 'c'],
  ],
  // Several wires between the same two, one of them back.
  [
    ['s', 'p', 'c'],
    ['t', 'p', 'c'],
    ['u', 'c', 'p', 's'],
  ],
  // Chains.
  [
    ['s', 'p', 'm'],
    ['t', 'm', 'c', 's'],
  ],
  [
    ['s', 'p', 'm'],
    ['t', 'm', 'n', 's'],
    ['u', 'n', 'c', 't'],
  ],
  // A diamond: fan-out and fan-in.
  [
    ['s', 'p', 'mn'],
    ['t', 'm', 'c', 's'],
    ['u', 'n', 'c', 's'],
  ],
];

const SPARE = ['x', 'y'];

export function drawShape(random: Random): { gateways: string[]; streams: Stream[] } {
  const wires = random.pick(shapes);
  const quota = random.pick([12, 60, 10_000, 10_000]);
  const dropsOldest = random.chance(0.2);
  const start = random.chance(0.3) ? 'earliest' : 'now';
  const window = random.pick([WINDOW_RECORDS, WINDOW_RECORDS, 8, 1]);
  // All wires, none, or some.
  const exact = random.pick([0, 0, 1, 1, 0.5]);
  const streams = wires.map(([name, producer, consumers, fedBy]): Stream => {
    return {
      name,
      producer,
      epoch: 1,
      consumers: [...consumers],
      fedBy: fedBy === undefined ? [] : [fedBy],
      quota,
      dropsOldest,
      start,
      window,
      exact: random.chance(exact),
      joins: random.chance(0.15),
    };
  });
  const gateways = new Set(streams.flatMap((s) => [s.producer, ...s.consumers]));
  return { gateways: [...gateways, ...SPARE], streams };
}
