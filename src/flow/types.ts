/**
 * The model of a Node-RED flow: what `parse` makes of flow JSON and what `split`, placement and the plan read.
 * Everything here is plain, frozen data. Node-RED's own JSON is kept verbatim in `raw`, so that what ECHO does not
 * need to understand passes through unchanged.
 */
import type { Tier } from '../wire/control.ts';
import type { DeliveryLevel, Via } from '../wire/nodes.ts';
import type { WireChoice } from '../wire/options.ts';

/** A Node-RED flow entry exactly as in the JSON. */
export interface RawNode {
  id: string;
  type: string;
  z?: string;
  g?: string;
  name?: string;
  wires?: string[][];
  [property: string]: unknown;
}
export type RawFlow = readonly Readonly<RawNode>[];

/** What a user says in the ECHO pane of a node, group or tab (`node.echo`); absent parts are inherited. */
export interface PlacementHints {
  readonly tier?: Tier;
  /** A named gateway. */
  readonly gateway?: string;
  /** Capabilities the gateway must declare; inherited lists add up. */
  readonly requires?: readonly string[];
  readonly delivery?: DeliveryLevel;
  /** Options of the wires that leave the task; said beside the rest (`echo.window`, …). */
  readonly wire?: WireChoice;
}

/** Where an effective hint came from, for `explain`. */
export interface HintOrigin {
  readonly kind: 'node' | 'group' | 'tab' | 'group-env' | 'tab-env';
  readonly id: string;
}

export interface EffectiveHints {
  readonly tier?: { readonly value: Tier; readonly from: HintOrigin };
  readonly gateway?: { readonly value: string; readonly from: HintOrigin };
  readonly requires: readonly { readonly value: string; readonly from: HintOrigin }[];
  readonly delivery: DeliveryLevel;
  /** What is not the default. */
  readonly wire?: WireChoice;
}

/** One task: a node that runs (not a tab, group, config node, junction or subflow definition). */
export interface Task {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  /** Tab id. */
  readonly tab: string;
  readonly group?: string;
  readonly raw: Readonly<RawNode>;
  readonly hints: EffectiveHints;
  /** Every node type its gateway must have: its own, of its config nodes, and inside its subflow. */
  readonly types: readonly string[];
  /** Ids of the config nodes it uses, directly or through others or inside its subflow. */
  readonly configs: readonly string[];
  /** A task nothing is wired into; runs in one instance and is what `gate.close sources` stops. */
  readonly source: boolean;
}

/** A connection between two tasks, junctions and link nodes of mode `link` resolved. */
export interface Wire {
  readonly from: { readonly node: string; readonly port: number };
  readonly to: string;
  /** `link`: between a link out and a link in (they are tasks too). */
  readonly kind: 'wire' | 'link';
}

/** Tasks that must share a gateway, and the row of the cutting-rules table that says so. */
export interface Together {
  readonly tasks: readonly string[];
  /** Stable rule name, e.g. `http-pair`, `link-call`, `context-key`, `catch-scope`. */
  readonly rule: string;
  /** One sentence for the user. */
  readonly reason: string;
}

export interface FlowModel {
  /** Every entry in file order (deterministic output depends on it). */
  readonly raw: RawFlow;
  readonly tabs: readonly Readonly<RawNode>[];
  readonly tasks: ReadonlyMap<string, Task>;
  readonly wires: readonly Wire[];
  readonly together: readonly Together[];
  /** Things a user should know that do not stop a deploy. */
  readonly warnings: readonly { readonly code: string; readonly where: string; readonly message: string }[];
  /** Application units: sets of tab ids tied by link nodes; each with the application id its tabs carry, if any. */
  readonly units: readonly { readonly tabs: readonly string[]; readonly application?: string }[];
}

/** task id → gateway id. */
export type Placement = ReadonlyMap<string, string>;

/** One cut output port. */
export interface CutStream {
  readonly stream: string;
  /** Producer epoch, 1 or more: grows whenever the stream begins anew or gets another producer. */
  readonly epoch: number;
  readonly level: DeliveryLevel;
  /** Options that are not the default. */
  readonly options?: WireChoice;
  /** What the user calls it: the name of its `echo channel`. */
  readonly name?: string;
  readonly from: { readonly node: string; readonly port: number; readonly gateway: string };
  readonly consumers: readonly {
    readonly gateway: string;
    readonly tasks: readonly string[];
    /** Absent: the shared broker. */
    readonly via?: Via;
  }[];
}

/** The sub-flow of one application on one gateway: an ordinary, importable Node-RED flow. */
export interface Fragment {
  readonly gateway: string;
  /** Tabs (locked), groups, tasks, wire nodes, subflow definitions and config nodes, in deterministic order. */
  readonly nodes: RawFlow;
  /** Ids of nodes whose credentials this gateway needs. */
  readonly credentialIds: readonly string[];
}

export interface SplitOptions {
  /** Application id: part of every stream name, and the mark of ownership on every tab (`echo.app`). */
  readonly application: string;
  /** Producer epoch by stream; 1 for a stream that is not named. */
  readonly epochs?: ReadonlyMap<string, number>;
  /** The broker a stream takes from one gateway to another; the shared one when absent. */
  readonly via?: (from: string, to: string) => Via;
}

export interface SplitResult {
  /** In order of gateway id; only gateways that carry something. */
  readonly fragments: readonly Fragment[];
  readonly streams: readonly CutStream[];
}
