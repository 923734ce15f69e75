/** What the journal keeps of one deploy: enough to finish or undo it after a crash, together with the store. */
import type { RawFlow } from '../../flow/types.ts';
import type { Step } from './machine.ts';

/** One gateway the deploy writes. */
export interface Target {
  readonly gateway: string;
  /** Away at preflight: written when it returns, never waited for. */
  readonly offline: boolean;
  /** Tabs of the application there, before and after: what its gate closes. */
  readonly tabs: readonly string[];
  /** True when the application runs there already (so its tasks must be quiet before the write). */
  readonly running: boolean;
  /** What stood there of the application before, exactly as read at preflight. */
  readonly before: RawFlow;
  /** The new fragment; empty when the application leaves the gateway. */
  readonly after: RawFlow;
  /** Ids of `after` that are the gateway's own and stay so. */
  readonly shared: readonly string[];
  /** Ids of everything on the gateway in order, so that an undo puts nodes back in their places. */
  readonly order: readonly string[];
}

export interface DeployRecord {
  readonly id: string;
  readonly application: string;
  /** Name of the application from the commit on. */
  readonly name: string;
  /** `deploy` makes `version` the current one; `start` and `stop` change the state; `remove` forgets it all. */
  readonly kind: 'deploy' | 'start' | 'stop' | 'remove';
  /** Version that will stand on the gateways; 0 when the application leaves all of them. */
  readonly version: number;
  /** Version whose credentials an undo restores; 0 when none stood there. */
  readonly previous: number;
  readonly started: number;
  readonly step: Step;
  readonly targets: readonly Target[];
  /** Other gateways that carry the application: their sources pause while changed streams drain. */
  readonly bystanders: readonly { readonly gateway: string; readonly tabs: readonly string[] }[];
  /** Streams whose route or consumers change: drained before anything is written. */
  readonly draining: readonly string[];
  /** Producer epochs of the streams that will run; burnt with the beginning of the journal. */
  readonly epochs: Readonly<Record<string, number>>;
  /** Streams nobody uses afterwards, by gateway. */
  readonly retiring: Readonly<Record<string, readonly string[]>>;
  readonly force: boolean;
  readonly drainMs: number;
}
