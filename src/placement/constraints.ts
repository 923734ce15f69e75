/** Which gateways may take a bundle, and why the others may not. Capacity beside other bundles is the solver's. */
import type { Bundle, Demand } from './bundles.ts';
import { placementError } from './errors.ts';
import type { Candidate, Rejection } from './types.ts';

export interface Options {
  /** Indexes into the candidates. */
  readonly fits: readonly number[];
  /** One per gateway that does not fit: the first reason found. */
  readonly rejected: readonly Rejection[];
}

/** Answers for one request; bundles that demand the same share one answer. */
export function optionsFor(
  candidates: readonly Candidate[],
  allowOffline: boolean,
): (bundle: Bundle) => Options {
  const cache = new Map<string, Options>();
  return (bundle) => {
    const values = (demands: readonly Demand[]) => demands.map((d) => d.value);
    const { tiers, gateways, requires, types, tasks } = bundle;
    const key = JSON.stringify([values(tiers), values(gateways), values(requires), types, tasks.length]);
    let options = cache.get(key);
    if (!options) {
      const fits: number[] = [];
      const rejected: Rejection[] = [];
      candidates.forEach((candidate, index) => {
        const rejection = reject(bundle, candidate, allowOffline);
        if (rejection) rejected.push(rejection);
        else fits.push(index);
      });
      options = { fits, rejected };
      cache.set(key, options);
    }
    return options;
  };
}

function reject(bundle: Bundle, candidate: Candidate, allowOffline: boolean): Rejection | undefined {
  const no = (code: Rejection['code'], reason: string): Rejection => ({
    gateway: candidate.id,
    code,
    reason,
  });
  const { id, tier, health, capabilities, nodeTypes, freeTasks } = candidate;
  const gateway = bundle.gateways.find((d) => d.value !== id);
  if (gateway) return no('gateway', `not gateway ${gateway.value}`);
  const wrongTier = bundle.tiers.find((d) => d.value !== tier);
  if (wrongTier) return no('tier', `tier ${tier}, not ${wrongTier.value}`);
  const missing = bundle.requires.filter((d) => !capabilities.has(d.value)).map((d) => d.value);
  if (missing.length > 0) return no('capability', `without ${missing.join(', ')}`);
  const unknown = bundle.types.filter((type) => !nodeTypes.has(type));
  if (unknown.length > 0)
    return no('node-type', `without node type ${unknown.map((t) => `"${t}"`).join(', ')}`);
  if (freeTasks !== undefined && freeTasks < bundle.tasks.length) {
    return no('capacity', `room for ${Math.max(0, freeTasks)} more tasks, not ${bundle.tasks.length}`);
  }
  if (health === 'down' && !allowOffline) return no('down', 'down');
  return undefined;
}

type TypedTask = { readonly id: string; readonly types: readonly string[] };

/** Types no gateway has, each with the tasks that need it, in order of the tasks. */
export function unknownTypes(
  tasks: Iterable<TypedTask>,
  candidates: readonly Candidate[],
): { readonly type: string; readonly tasks: readonly string[] }[] {
  const missing = new Map<string, string[]>();
  for (const task of tasks) {
    for (const type of task.types) {
      const known = missing.get(type);
      if (known) known.push(task.id);
      else if (!candidates.some((candidate) => candidate.nodeTypes.has(type))) missing.set(type, [task.id]);
    }
  }
  return [...missing].map(([type, ids]) => ({ type, tasks: ids }));
}

/** Throws ECHO_NODE_TYPE_UNKNOWN for the first type that no gateway of the fleet has; `details` lists them all. */
export function checkTypes(tasks: Iterable<TypedTask>, candidates: readonly Candidate[]): void {
  const unknown = unknownTypes(tasks, candidates);
  const [first] = unknown;
  if (!first || candidates.length === 0) return;
  const others =
    unknown.length > 1
      ? ` Also unknown: ${unknown
          .slice(1)
          .map((u) => u.type)
          .join(', ')}.`
      : '';
  throw placementError('ECHO_NODE_TYPE_UNKNOWN', {
    message: `No gateway of the fleet has node type "${first.type}", which node ${first.tasks.join(', ')} needs.${others}`,
    where: first.tasks[0]!,
    details: { unknown },
  });
}
