/** Tasks that must stand together, joined into bundles: what the solver really places. */
import { push } from '../flow/anatomy.ts';
import type { EffectiveHints, HintOrigin, Together } from '../flow/types.ts';
import { UnionFind } from '../flow/union.ts';
import type { PlacementRequest } from './types.ts';

type RequestTask = PlacementRequest['tasks'][number];

/** One demand, and the task and the level of the flow that make it. */
export interface Demand {
  readonly value: string;
  readonly task: string;
  readonly from: HintOrigin;
}

export interface Bundle {
  readonly index: number;
  readonly tasks: readonly string[];
  /** Why these tasks stand together; empty for a single task. */
  readonly ties: readonly Together[];
  /** Each distinct value once; more than one tier or gateway is a contradiction. */
  readonly tiers: readonly Demand[];
  readonly gateways: readonly Demand[];
  readonly requires: readonly Demand[];
  readonly types: readonly string[];
}

/** Bundles in order of their first task. */
export function bundlesOf(request: PlacementRequest): Bundle[] {
  const tasks = new Map(request.tasks.map((task) => [task.id, task]));
  const sets = new UnionFind(tasks.keys());
  for (const { tasks: tied } of request.together) {
    const [first, ...rest] = tied.filter((id) => tasks.has(id));
    for (const id of rest) sets.join(first!, id);
  }
  const ties = new Map<string, Together[]>();
  for (const tie of request.together) {
    const first = tie.tasks.find((id) => tasks.has(id));
    if (first === undefined) continue;
    const root = sets.find(first);
    push(ties, root, tie);
  }
  return sets.sets().map((ids, index) =>
    bundle(
      index,
      ids.map((id) => tasks.get(id)!),
      ids.length > 1 ? (ties.get(sets.find(ids[0]!)) ?? []) : [],
    ),
  );
}

function bundle(index: number, tasks: readonly RequestTask[], ties: readonly Together[]): Bundle {
  const demands = (read: (hints: EffectiveHints) => readonly { value: string; from: HintOrigin }[]) => {
    const found = new Map<string, Demand>();
    for (const task of tasks) {
      for (const { value, from } of read(task.hints)) {
        if (!found.has(value)) found.set(value, { value, task: task.id, from });
      }
    }
    return [...found.values()];
  };
  return {
    index,
    tasks: tasks.map((task) => task.id),
    ties,
    tiers: demands((hints) => (hints.tier ? [hints.tier] : [])),
    gateways: demands((hints) => (hints.gateway ? [hints.gateway] : [])),
    requires: demands((hints) => hints.requires),
    types: [...new Set(tasks.flatMap((task) => task.types))].sort(),
  };
}
