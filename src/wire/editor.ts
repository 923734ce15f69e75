/**
 * What the orchestrator tells the editor plugin: topics of Node-RED's comms channel, and the bodies of the design
 * editor's `echo/…` admin endpoints. Plain JSON; the plugin reads what it knows and ignores the rest.
 */
import type { Tier } from './control.ts';
import type { WireChoice } from './options.ts';
import type { StrandedChoice, StrandedStream } from './stranded.ts';

export const editorTopics = {
  /** `DeployNotice` */
  deploy: 'echo/deploy',
  /** `{}`: fleet or applications changed, fetch them again. */
  changed: 'echo/changed',
  /** `{rev}`: the canvas followed a deploy from elsewhere. */
  canvas: 'echo/canvas',
} as const;

interface About {
  /** Absent until a new application has its id. */
  readonly application?: string;
  readonly name: string;
  readonly tabs: readonly string[];
}

/** What became of one task of the application's earlier version, counted per gateway. */
export interface GatewaySummary {
  readonly gateway: string;
  readonly online: boolean;
  readonly tasks: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly restarts: number;
}

export interface CutWireSummary {
  readonly from: { readonly node: string; readonly name: string; readonly gateway: string };
  readonly to: readonly { readonly node: string; readonly name: string; readonly gateway: string }[];
  /** The brokers it takes: `shared`, `site/<site>`, or both. */
  readonly broker: string;
  readonly why: string;
  readonly level: string;
  /** What was chosen besides; absent where nothing. */
  readonly options?: WireChoice;
}

/** `POST echo/deploy`: tries the draft again, with the answer for one application where there was a question. */
export interface DeployAgain {
  readonly application?: string;
  readonly stranded?: StrandedChoice;
}

export interface ProblemSummary {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly remedy: string;
  /** The node on the canvas that `where` points to. */
  readonly node?: string;
}

export type DeployNotice =
  | (About & { readonly kind: 'started' })
  | (About & {
      readonly kind: 'progress';
      readonly step: string;
      readonly gateway?: string;
      readonly message: string;
    })
  | (About & {
      readonly kind: 'done';
      readonly application: string;
      readonly version: number;
      readonly status: 'running' | 'pending-offline' | 'unchanged';
      readonly seconds: number;
      readonly gateways: readonly GatewaySummary[];
      readonly cutWires: number;
      readonly pending: readonly string[];
      readonly warnings: readonly string[];
    })
  | (About & { readonly kind: 'refused'; readonly problem: ProblemSummary })
  /** Refused until the user says what becomes of records that wait. */
  | (About & {
      readonly kind: 'stranded';
      readonly application: string;
      readonly problem: ProblemSummary;
      readonly stranded: readonly StrandedStream[];
    })
  | (About & { readonly kind: 'removed' })
  /** A deploy from elsewhere made a new version while the canvas holds a draft of the application. */
  | (About & { readonly kind: 'diverged'; readonly version: number });

/** `GET echo/fleet` */
export interface FleetSummary {
  readonly gateways: readonly {
    readonly id: string;
    readonly tier: Tier;
    readonly site?: string;
    readonly health: string;
    readonly adminUrl: string;
    readonly nodeRedVersion: string;
    readonly cpuPct?: number;
    readonly tasks: number;
    readonly maxTasks?: number;
    readonly capabilities: readonly string[];
  }[];
}

/** `GET echo/applications` */
export interface ApplicationSummary {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly status: string;
  readonly tabs: readonly string[];
  /** Task id → gateway id, as deployed. */
  readonly placement: Readonly<Record<string, string>>;
  readonly cutWires: readonly CutWireSummary[];
  /** The canvas differs from the deployed version. */
  readonly draft: boolean;
}

/** `POST echo/plan` with `{flows}` (the canvas as the editor holds it): one entry an application that would change. */
export type PlanSummary =
  | (About & {
      readonly kind: 'plan';
      readonly gateways: readonly GatewaySummary[];
      readonly cutWires: readonly CutWireSummary[];
      readonly placement: Readonly<Record<string, string>>;
      readonly warnings: readonly string[];
      readonly blockers: readonly ProblemSummary[];
      readonly stranded: readonly StrandedStream[];
    })
  | (About & { readonly kind: 'refused'; readonly problem: ProblemSummary })
  | (About & { readonly kind: 'remove'; readonly stranded: readonly StrandedStream[] });
