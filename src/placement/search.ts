/**
 * Finds a place for every bundle: greedily, then by moving others aside, and when bundles of several sizes still do
 * not fit, by an exhaustive search within a budget.
 */
import type { Board } from './board.ts';

/** Places the exhaustive search may look at before it gives up: well under a second. */
const SEARCH_BUDGET = 5_000_000;
/** Above this many bundles it is not tried: it recurses once per bundle. */
const SEARCH_BUNDLES = 2_000;

/** Places all bundles; returns the first that found no place, or undefined when all stand. */
export function placeAll(board: Board): number | undefined {
  for (const bundle of inOrder(board)) {
    const best = board.best(bundle);
    if (best !== undefined) board.put(bundle, best);
    else if (!makeRoom(board, bundle, new Set()) && !searchAll(board)) return bundle;
  }
  improve(board);
  return undefined;
}

/**
 * Those with one place, those that stood somewhere, then always the one with most wires to what is placed (on a tie
 * the one with fewest places, then flow order): an unhinted task ends up beside its neighbours.
 */
function* inOrder(board: Board): Generator<number> {
  const pulls = board.bundles.map(() => 0);
  const left = new Set(board.bundles.keys());
  const done = (bundle: number): number => {
    left.delete(bundle);
    for (const tie of board.ties[bundle]!) pulls[tie.bundle]! += tie.wires;
    return bundle;
  };
  const fits = (bundle: number): number => board.options[bundle]!.fits.length;
  for (const bundle of [...left].filter((b) => fits(b) === 1)) yield done(bundle);
  for (const bundle of [...left].filter((b) => board.previous[b] !== undefined)) yield done(bundle);
  while (left.size > 0) {
    let next = -1;
    for (const bundle of left) {
      if (
        next < 0 ||
        pulls[bundle]! > pulls[next]! ||
        (pulls[bundle] === pulls[next] && fits(bundle) < fits(next))
      ) {
        next = bundle;
      }
    }
    yield done(next);
  }
}

/**
 * Moves one bundle aside, and if need be another for it, and so on (an augmenting path). Complete when all bundles
 * are of one size. `tried` holds the gateways already asked.
 */
function makeRoom(board: Board, bundle: number, tried: Set<number>): boolean {
  const need = board.size(bundle);
  for (const gateway of board.options[bundle]!.fits) {
    if (tried.has(gateway)) continue;
    if (board.room[gateway]! >= need) {
      board.put(bundle, gateway);
      return true;
    }
    tried.add(gateway);
    for (const other of standingOn(board, gateway)) {
      if (board.size(other) + board.room[gateway]! < need) continue;
      board.take(other);
      board.put(bundle, gateway);
      if (makeRoom(board, other, tried)) return true;
      board.take(bundle);
      board.put(other, gateway);
    }
  }
  return false;
}

function* standingOn(board: Board, gateway: number): Generator<number> {
  for (const [bundle, at] of [...board.at.entries()]) if (at === gateway) yield bundle;
}

/** Depth first over all bundles: always the one with fewest places left. Restores the board when it fails. */
function searchAll(board: Board): boolean {
  const oneSize = board.bundles.every((bundle) => bundle.tasks.length === board.size(0));
  // For bundles of one size `makeRoom` has shown already that there is no way.
  if (oneSize || board.bundles.length > SEARCH_BUNDLES) return false;
  const before = [...board.at];
  for (const bundle of board.bundles.keys()) board.take(bundle);
  let budget = SEARCH_BUDGET;
  const open = new Set(board.bundles.keys());
  const step = (): boolean => {
    if (open.size === 0) return true;
    const { bundle, looked } = tightest(board, open);
    budget -= looked;
    open.delete(bundle);
    for (const gateway of board.choices(bundle)) {
      if (budget < 0) break;
      board.put(bundle, gateway);
      if (step()) return true;
      board.take(bundle);
    }
    open.add(bundle);
    return false;
  };
  if (step()) return true;
  before.forEach((gateway, bundle) => {
    if (gateway >= 0) board.put(bundle, gateway);
  });
  return false;
}

/** Fewest places with room, then the largest; `looked`: how many places it asked about. */
function tightest(board: Board, open: ReadonlySet<number>): { bundle: number; looked: number } {
  let bundle = -1;
  let fewest = Number.POSITIVE_INFINITY;
  let looked = 0;
  for (const other of open) {
    const { fits } = board.options[other]!;
    looked += fits.length;
    const places = fits.reduce((sum, g) => sum + (board.hasRoom(other, g) ? 1 : 0), 0);
    if (places > fewest || (places === fewest && board.size(other) <= board.size(bundle))) continue;
    [bundle, fewest] = [other, places];
  }
  return { bundle, looked };
}

const ROUNDS = 4;

/** Moves single bundles beside neighbours while that makes things better; ends after a few rounds at the latest. */
function improve(board: Board): void {
  for (let round = 0, moved = true; moved && round < ROUNDS; round++) {
    moved = false;
    for (const bundle of board.bundles.keys()) {
      const at = board.at[bundle]!;
      const near = new Set(board.ties[bundle]!.map((tie) => board.at[tie.bundle]!));
      near.add(at);
      const { fits } = board.options[bundle]!;
      const best = board.best(
        bundle,
        fits.filter((g) => near.has(g)),
      );
      if (best === undefined || best === at) continue;
      board.put(bundle, best);
      moved = true;
    }
  }
}
