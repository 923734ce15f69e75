/** Where the tasks of an application go, given the fleet, what others run on it, and where they are now. */
import type { FlowModel, Placement } from '../../flow/types.ts';
import { checkTypes } from '../../placement/constraints.ts';
import { unsatisfiable } from '../../placement/explain.ts';
import type { Explanation, Solver } from '../../placement/types.ts';
import type { Fleet } from '../gateways/types.ts';
import type { Store } from '../store/Store.ts';

export interface PlacingPorts {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly solver: Solver;
}

export interface PlacingInput {
  readonly application: string;
  readonly model: FlowModel;
  /** Where they are; they stay there unless a constraint forbids it. */
  readonly previous: Placement | undefined;
  readonly allowOffline: boolean;
  /** Gateways that may not be used. */
  readonly without: ReadonlySet<string>;
}

export interface Placed {
  readonly placement: Placement;
  readonly explanations: ReadonlyMap<string, Explanation>;
}

/** Throws for node types that no gateway has, and ECHO_PLACEMENT_UNSATISFIABLE. */
export function place(ports: PlacingPorts, input: PlacingInput): Placed {
  const { model, allowOffline, without } = input;
  const previous =
    input.previous && new Map([...input.previous].filter(([, gateway]) => !without.has(gateway)));
  // What runs on a gateway stays there while it is away: moving it is for a migration to decide.
  const standing = new Set(previous?.values());
  const candidates = ports.fleet
    .candidates(slotsOfOthers(ports.store, input.application))
    .filter((c) => !without.has(c.id))
    .map((c) => (c.health === 'down' && standing.has(c.id) ? { ...c, health: 'stale' as const } : c));
  const tasks = [...model.tasks.values()].map(({ id, types, hints }) => ({ id, types, hints }));
  checkTypes(tasks, candidates);
  const request = {
    tasks,
    wires: model.wires,
    together: model.together,
    candidates,
    ...(previous === undefined ? {} : { previous }),
  };
  const result = ports.solver.solve({ ...request, allowOffline });
  if (result.ok) return result;
  // Where only a gateway that is away would do, the plan says so gateway by gateway.
  const waiting = allowOffline ? result : ports.solver.solve({ ...request, allowOffline: true });
  if (!waiting.ok) throw unsatisfiable(result.conflicts);
  return waiting;
}

/** Tasks of other running applications, by gateway. */
function slotsOfOthers(store: Store, id: string): Map<string, number> {
  const slots = new Map<string, number>();
  for (const app of store.applications.list()) {
    if (app.id === id || app.state !== 'running') continue;
    for (const gateway of Object.values(store.applications.head(app.id, app.version).placement)) {
      slots.set(gateway, (slots.get(gateway) ?? 0) + 1);
    }
  }
  return slots;
}
