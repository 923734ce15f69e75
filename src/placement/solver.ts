/**
 * The first solver: constraints are kept exactly; after them it keeps tasks where they stood, cuts few wires and
 * spreads to the less loaded gateways, by greedy choice and local improvement. Deterministic.
 */
import { Board } from './board.ts';
import { bundlesOf } from './bundles.ts';
import { optionsFor } from './constraints.ts';
import { conflictOf, explanations } from './explain.ts';
import { placeAll } from './search.ts';
import type { PlacementRequest, PlacementResult, Solver } from './types.ts';

export const solver: Solver = { name: 'greedy', solve };

function solve(given: PlacementRequest): PlacementResult {
  const candidates = [...given.candidates].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const request = { ...given, candidates };
  const bundles = bundlesOf(request);
  const options = optionsFor(candidates, request.allowOffline ?? false);
  const board = new Board(request, bundles, bundles.map(options));
  const hopeless = bundles.filter((bundle) => board.options[bundle.index]!.fits.length === 0);
  if (hopeless.length > 0)
    return { ok: false, conflicts: hopeless.map((bundle) => conflictOf(board, bundle)) };
  const homeless = placeAll(board);
  if (homeless !== undefined) return { ok: false, conflicts: [conflictOf(board, bundles[homeless]!)] };
  const found = explanations(board);
  const placement = new Map(request.tasks.map(({ id }) => [id, found.get(id)!.gateway]));
  return { ok: true, placement, explanations: found };
}
