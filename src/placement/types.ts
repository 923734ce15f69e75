/** What a solver is asked and what it answers. Pure data; any solver behind `Solver` can replace another. */
import type { EffectiveHints, Placement, Together, Wire } from '../flow/types.ts';
import type { Tier } from '../wire/control.ts';

export type Health = 'up' | 'degraded' | 'stale' | 'down';

/** A gateway as placement sees it (read from the registry by the orchestrator). */
export interface Candidate {
  readonly id: string;
  readonly tier: Tier;
  readonly site?: string;
  readonly health: Health;
  readonly nodeTypes: ReadonlySet<string>;
  readonly capabilities: ReadonlySet<string>;
  /** Free task slots: declared capacity less what other applications hold; absent means no limit. */
  readonly freeTasks?: number;
  /** 0–100, last heartbeat. */
  readonly cpuPct?: number;
}

export interface PlacementRequest {
  readonly tasks: readonly {
    readonly id: string;
    readonly types: readonly string[];
    readonly hints: EffectiveHints;
  }[];
  readonly wires: readonly Wire[];
  readonly together: readonly Together[];
  readonly candidates: readonly Candidate[];
  /** Where tasks stand now; a solver keeps them there unless a constraint forbids it. */
  readonly previous?: Placement;
  /** Accept gateways that are down (`--allow-offline`). */
  readonly allowOffline?: boolean;
}

/** Why a gateway cannot take a task (or a set kept together). */
export interface Rejection {
  readonly gateway: string;
  readonly code: 'tier' | 'gateway' | 'capability' | 'node-type' | 'capacity' | 'down';
  readonly reason: string;
}

export interface Explanation {
  readonly task: string;
  readonly gateway: string;
  /** In order of weight: the constraint(s) that bound it, who it must stand with, what the solver preferred. */
  readonly because: readonly string[];
  readonly rejected: readonly Rejection[];
}

export type PlacementResult =
  | {
      readonly ok: true;
      readonly placement: Placement;
      readonly explanations: ReadonlyMap<string, Explanation>;
    }
  | {
      readonly ok: false;
      readonly conflicts: readonly {
        readonly tasks: readonly string[];
        readonly reason: string;
        readonly rejected: readonly Rejection[];
      }[];
    };

export interface Solver {
  readonly name: string;
  solve(request: PlacementRequest): PlacementResult;
}
