/** Runs one seed and tells what went wrong; no violation is a pass. The same seed always gives the same answer. */
import { invariants } from './invariants/index.ts';
import type { FaultCounts } from './world/faults.ts';
import { type Invariant, witnessOf } from './world/Witness.ts';
import { World } from './world/World.ts';

export interface Outcome {
  readonly violations: readonly string[];
  readonly faults: FaultCounts;
  readonly messages: MessageCounts;
}

export interface MessageCounts {
  accepted: number;
  delivered: number;
  repeated: number;
  /** Numbers that a consumer declared lost. */
  declaredLost: number;
}

const MOST_REPORTED = 5;

export function simulate(seed: number, trace?: (line: string) => void): Outcome {
  const violations: string[] = [];
  const report = (text: string): void => {
    if (violations.length < MOST_REPORTED) violations.push(text);
  };
  const messages: MessageCounts = { accepted: 0, delivered: 0, repeated: 0, declaredLost: 0 };
  const watching = [counting(messages), ...invariants.map((make) => make(report))];
  const witness = witnessOf(watching, () => violations.length > 0);
  let world: World | undefined;
  if (trace !== undefined) watching.push(telling((line) => world?.note(() => line)));
  const traced = trace === undefined ? witness : witnessOf(watching, () => violations.length > 0);
  world = new World(seed, traced, trace);
  try {
    world.run();
  } catch (error) {
    report(`exception: ${(error as Error).stack}`);
  }
  return { violations, faults: world.faults, messages };
}

function counting(counts: MessageCounts): Invariant {
  return {
    accepted: () => {
      counts.accepted++;
    },
    delivered: ({ repeated }) => {
      counts.delivered++;
      if (repeated) counts.repeated++;
    },
    lost: ({ from, to }) => {
      counts.declaredLost += to - from + 1;
    },
  };
}

/** Everything that is observed, as lines of a trace. */
function telling(tell: (line: string) => void): Invariant {
  return new Proxy(
    {},
    { get: (_, kind) => (event: object) => tell(`${String(kind)} ${JSON.stringify(event, withoutFile)}`) },
  );
}

const withoutFile = (key: string, value: unknown): unknown =>
  key === 'file' || key === 'body' ? undefined : value;
