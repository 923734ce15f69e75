/** Sentences: why a task stands where it stands, and why tasks that fit nowhere fit nowhere. */
import { push } from '../flow/anatomy.ts';
import type { HintOrigin } from '../flow/types.ts';
import type { Board } from './board.ts';
import type { Bundle, Demand } from './bundles.ts';
import { placementError } from './errors.ts';
import type { Explanation, PlacementResult, Rejection } from './types.ts';

type Conflict = Extract<PlacementResult, { ok: false }>['conflicts'][number];

export function explanations(board: Board): ReadonlyMap<string, Explanation> {
  const all = new Map<string, Explanation>();
  for (const bundle of board.bundles) {
    const at = board.at[bundle.index]!;
    const gateway = board.request.candidates[at]!.id;
    const { rejected, more } = listed([...board.options[bundle.index]!.rejected, ...full(board, bundle)]);
    for (const task of bundle.tasks) {
      const ties = bundle.ties.filter((tie) => tie.tasks.includes(task)).map((tie) => tie.reason);
      const because = [...demanded(bundle), ...ties, ...preferred(board, bundle), ...more];
      all.set(task, { task, gateway, because, rejected });
    }
  }
  return all;
}

/** Rejections kept with each task; a fleet has thousands of gateways and a flow hundreds of tasks. */
const LISTED = 32;

function listed(all: readonly Rejection[]): { rejected: readonly Rejection[]; more: readonly string[] } {
  if (all.length <= LISTED) return { rejected: all, more: [] };
  return {
    rejected: all.slice(0, LISTED),
    more: [`${all.length} gateways do not fit; ${LISTED} are listed.`],
  };
}

function demanded(bundle: Bundle): string[] {
  return [
    ...bundle.gateways.map((d) => `It must run on gateway ${d.value} (${saidBy(d, bundle)}).`),
    ...bundle.tiers.map((d) => `It must run on tier ${d.value} (${saidBy(d, bundle)}).`),
    ...bundle.requires.map((d) => `Its gateway must have ${d.value} (${saidBy(d, bundle)}).`),
  ];
}

const LEVELS: Readonly<Record<HintOrigin['kind'], string>> = {
  node: 'set on node',
  group: 'set on group',
  tab: 'set on tab',
  'group-env': 'set in the environment of group',
  'tab-env': 'set in the environment of tab',
};

function saidBy({ task, from }: Demand, bundle: Bundle): string {
  const level = `${LEVELS[from.kind]} ${from.id}`;
  return bundle.tasks.length > 1 && from.kind !== 'node' ? `${level}, for node ${task}` : level;
}

function preferred(board: Board, bundle: Bundle): string[] {
  const at = board.at[bundle.index]!;
  const { candidates } = board.request;
  const options = board.options[bundle.index]!;
  if (options.fits.length === 1) return [`${candidates[at]!.id} is the only gateway that fits.`];
  if (board.previous[bundle.index] === at) return ['It stood there already.'];
  const near = board.ties[bundle.index]!.filter((tie) => board.at[tie.bundle] === at);
  if (near.length > 0) {
    const wires = near.reduce((sum, tie) => sum + tie.wires, 0);
    return [`${wires} of its wires stay inside ${candidates[at]!.id}.`];
  }
  return [`Of ${options.fits.length} gateways that fit, ${candidates[at]!.id} has the least load.`];
}

/** Gateways that would fit but for what already stands there. */
function full(board: Board, bundle: Bundle): Rejection[] {
  const at = board.at[bundle.index]!;
  return board.options[bundle.index]!.fits.filter(
    (g) => g !== at && board.room[g]! < bundle.tasks.length,
  ).map((g) => noRoom(board, g, bundle.tasks.length));
}

const noRoom = (board: Board, gateway: number, need: number): Rejection => ({
  gateway: board.request.candidates[gateway]!.id,
  code: 'capacity',
  reason: `room for ${board.room[gateway]} tasks beside the others of this flow, not ${need}`,
});

/** For a bundle that found no place: every gateway, and why not. */
export function conflictOf(board: Board, bundle: Bundle): Conflict {
  const options = board.options[bundle.index]!;
  if (options.fits.length === 0)
    return { tasks: bundle.tasks, reason: reasonOf(board, bundle), rejected: options.rejected };
  const crowded = options.fits.map((g) => noRoom(board, g, bundle.tasks.length));
  const order = new Map(board.request.candidates.map((candidate, i) => [candidate.id, i]));
  return {
    tasks: bundle.tasks,
    reason: reasonOf(board, bundle),
    rejected: [...options.rejected, ...crowded].sort((a, b) => order.get(a.gateway)! - order.get(b.gateway)!),
  };
}

function reasonOf(board: Board, bundle: Bundle): string {
  if (board.request.candidates.length === 0) return 'No gateway is enrolled.';
  const ties = [...new Set(bundle.ties.map((tie) => tie.reason))].join(' ');
  for (const [what, demands] of [
    ['gateway', bundle.gateways],
    ['tier', bundle.tiers],
  ] as const) {
    if (demands.length < 2) continue;
    const said = demands.map(
      (d) => `node ${d.task} says ${what} ${d.value} (${LEVELS[d.from.kind]} ${d.from.id})`,
    );
    return `They must stand on one gateway, but ${said.join(', ')}. ${ties}`;
  }
  const needs = demanded(bundle).join(' ');
  const crowded = board.options[bundle.index]!.fits.length > 0 ? 'The gateways that fit are full.' : '';
  return [needs || 'They may run anywhere that has their node types and room.', crowded, ties]
    .filter((text) => text !== '')
    .join(' ');
}

/** Conflicts one error tells of; the first of many is seldom the last. */
const TOLD = 10;

/** ECHO_PLACEMENT_UNSATISFIABLE for the conflicts of a failed solve, each with every gateway and why not. */
export function unsatisfiable(conflicts: readonly Conflict[]) {
  const told = conflicts.slice(0, TOLD);
  const lines = told.map(({ tasks, reason, rejected }) => {
    const who = tasks.length === 1 ? `Node ${tasks[0]} fits` : `Nodes ${tasks.join(', ')} fit`;
    return `${who} on no gateway. ${reason}${rejected.length > 0 ? ` Rejected: ${byReason(rejected)}.` : ''}`;
  });
  if (conflicts.length > TOLD) lines.push(`And ${conflicts.length - TOLD} more.`);
  return placementError('ECHO_PLACEMENT_UNSATISFIABLE', {
    message: lines.join('\n'),
    ...(told[0]?.tasks[0] !== undefined && { where: told[0].tasks[0] }),
    details: { conflicts: told },
  });
}

function byReason(rejected: readonly Rejection[]): string {
  const reasons = new Map<string, string[]>();
  for (const { gateway, reason } of rejected) push(reasons, reason, gateway);
  return [...reasons].map(([reason, gateways]) => `${gateways.join(', ')} (${reason})`).join('; ');
}
