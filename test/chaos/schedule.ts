/** What goes wrong, when and for how long: the same seed gives the same schedule. Pure. */
import { Random } from '../simulation/world/Random.ts';

export const GATEWAYS = ['edge-1', 'fog-1', 'cloud-1'] as const;
export type GatewayName = (typeof GATEWAYS)[number];
/** Those with logs. */
export const PRODUCERS = ['edge-1', 'fog-1'] as const;

export type Fault =
  /** The gateway is killed and started again. */
  | { readonly kind: 'kill'; readonly target: GatewayName }
  /** The gateway is ended in order and started again. */
  | { readonly kind: 'restart'; readonly target: GatewayName }
  /** The gateway is frozen. */
  | { readonly kind: 'freeze'; readonly target: GatewayName }
  | { readonly kind: 'broker'; readonly target: 'broker' }
  /** The gateway's link to the broker resets connections, or lets nothing through, or little and late. */
  | { readonly kind: 'cut' | 'stall' | 'throttle'; readonly target: GatewayName }
  /** The gateway's disk has no room. */
  | { readonly kind: 'disk'; readonly target: 'edge-1' | 'fog-1' };

export type FaultKind = Fault['kind'];

export type Scheduled = Fault & {
  /** From the beginning, ms. */
  readonly at: number;
  /** How long it lasts, ms. */
  readonly holdMs: number;
};

/** How often each kind comes, and how long it lasts at least and at most, ms. */
const KINDS: readonly { kind: FaultKind; weight: number; hold: readonly [number, number] }[] = [
  { kind: 'kill', weight: 3, hold: [0, 1000] },
  { kind: 'restart', weight: 1, hold: [0, 500] },
  { kind: 'freeze', weight: 3, hold: [200, 6000] },
  { kind: 'broker', weight: 2, hold: [0, 2000] },
  { kind: 'cut', weight: 4, hold: [50, 5000] },
  { kind: 'stall', weight: 3, hold: [200, 6000] },
  { kind: 'throttle', weight: 3, hold: [500, 5000] },
  { kind: 'disk', weight: 2, hold: [200, 3000] },
];

/** Faults one after another, `everyMs` apart on average, as long as they begin within `durationMs`. */
export function schedule(seed: number, durationMs: number, everyMs: number): Scheduled[] {
  const random = new Random(seed);
  const bag = KINDS.flatMap((entry) => Array.from({ length: entry.weight }, () => entry));
  const faults: Scheduled[] = [];
  let at = 0;
  for (;;) {
    at += everyMs * (0.25 + 1.5 * random.next());
    if (at > durationMs) return faults;
    const { kind, hold } = random.pick(bag);
    const holdMs = Math.round(hold[0] + random.next() ** 2 * (hold[1] - hold[0]));
    faults.push({ ...faultAt(kind, random), at: Math.round(at), holdMs });
  }
}

function faultAt(kind: FaultKind, random: Random): Fault {
  switch (kind) {
    case 'broker':
      return { kind, target: 'broker' };
    case 'disk':
      return { kind, target: random.pick(PRODUCERS) };
    default:
      return { kind, target: random.pick(GATEWAYS) };
  }
}
