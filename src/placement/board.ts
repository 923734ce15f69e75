/** The solver's working state: which bundle stands where, what room is left, what a place would cost. */

import type { Bundle } from './bundles.ts';
import type { Options } from './constraints.ts';
import type { PlacementRequest } from './types.ts';

/** Wires between two bundles, seen from one of them. */
interface Tie {
  readonly bundle: number;
  readonly wires: number;
}

/** Compared from left to right; less is better. */
export type Cost = readonly number[];

export class Board {
  readonly request: PlacementRequest;
  readonly bundles: readonly Bundle[];
  readonly options: readonly Options[];
  readonly ties: readonly (readonly Tie[])[];
  /** Where each bundle stood before, when it may stand there still. */
  readonly previous: readonly (number | undefined)[];
  /** Candidate index of each bundle; -1: not placed. */
  readonly at: number[];
  /** Room left on each candidate, tasks. */
  readonly room: number[];

  constructor(request: PlacementRequest, bundles: readonly Bundle[], options: readonly Options[]) {
    this.request = request;
    this.bundles = bundles;
    this.options = options;
    this.ties = tiesOf(request, bundles);
    this.previous = bundles.map((bundle, i) => previousOf(bundle, request, options[i]!));
    this.at = bundles.map(() => -1);
    this.room = request.candidates.map((candidate) => candidate.freeTasks ?? Number.POSITIVE_INFINITY);
  }

  size(bundle: number): number {
    return this.bundles[bundle]!.tasks.length;
  }

  put(bundle: number, gateway: number): void {
    this.take(bundle);
    this.at[bundle] = gateway;
    this.room[gateway]! -= this.size(bundle);
  }

  take(bundle: number): void {
    const gateway = this.at[bundle]!;
    if (gateway < 0) return;
    this.room[gateway]! += this.size(bundle);
    this.at[bundle] = -1;
  }

  hasRoom(bundle: number, gateway: number): boolean {
    return this.at[bundle] === gateway || this.room[gateway]! >= this.size(bundle);
  }

  /** Candidates that may take it and have room, best first. */
  choices(bundle: number): number[] {
    return this.options[bundle]!.fits.filter((g) => this.hasRoom(bundle, g))
      .map((g) => ({ g, cost: this.cost(bundle, g) }))
      .sort((a, b) => compare(a.cost, b.cost))
      .map(({ g }) => g);
  }

  /** The first of `choices`, of all candidates that fit or of the given ones. */
  best(bundle: number, among: Iterable<number> = this.options[bundle]!.fits): number | undefined {
    let best: { readonly g: number; readonly cost: Cost } | undefined;
    for (const g of among) {
      if (!this.hasRoom(bundle, g)) continue;
      const cost = this.cost(bundle, g);
      if (!best || compare(cost, best.cost) < 0) best = { g, cost };
    }
    return best?.g;
  }

  /**
   * Whether it is down; whether the bundle would leave where it stood; wires cut; of these, between sites; whether
   * it is stale or degraded; its load in tenths; its place in the list, which is in order of id.
   */
  cost(bundle: number, gateway: number): Cost {
    const { candidates } = this.request;
    const candidate = candidates[gateway]!;
    const was = this.previous[bundle];
    let cut = 0;
    let far = 0;
    for (const { bundle: other, wires } of this.ties[bundle]!) {
      const there = this.at[other]!;
      if (there < 0 || there === gateway) continue;
      cut += wires;
      if (candidates[there]!.site !== candidate.site) far += wires;
    }
    return [
      candidate.health === 'down' ? 1 : 0,
      was === undefined || was === gateway ? 0 : 1,
      cut,
      far,
      candidate.health === 'up' ? 0 : 1,
      Math.round((candidate.cpuPct ?? 0) / 10),
      gateway,
    ];
  }
}

export function compare(a: Cost, b: Cost): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

function tiesOf({ wires }: PlacementRequest, bundles: readonly Bundle[]): Tie[][] {
  const owner = new Map(bundles.flatMap((bundle) => bundle.tasks.map((id) => [id, bundle.index] as const)));
  const counts = bundles.map(() => new Map<number, number>());
  for (const { from, to } of wires) {
    const a = owner.get(from.node);
    const b = owner.get(to);
    if (a === undefined || b === undefined || a === b) continue;
    counts[a]!.set(b, (counts[a]!.get(b) ?? 0) + 1);
    counts[b]!.set(a, (counts[b]!.get(a) ?? 0) + 1);
  }
  return counts.map((map) => [...map].map(([bundle, n]) => ({ bundle, wires: n })));
}

/** Where most of its tasks stood, of the places it may still stand. */
function previousOf(bundle: Bundle, request: PlacementRequest, options: Options): number | undefined {
  const votes = new Map<string, number>();
  for (const id of bundle.tasks) {
    const gateway = request.previous?.get(id);
    if (gateway !== undefined) votes.set(gateway, (votes.get(gateway) ?? 0) + 1);
  }
  let best: number | undefined;
  for (const g of options.fits) {
    const count = votes.get(request.candidates[g]!.id) ?? 0;
    const most = best === undefined ? 0 : (votes.get(request.candidates[best]!.id) ?? 0);
    if (count > most) best = g;
  }
  return best;
}
