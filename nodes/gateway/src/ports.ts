/**
 * The three things the parts of the gateway package ask of each other. `plugin.ts` joins them; no part imports
 * another part's files.
 */
import type { EncodedMessage } from '../../../src/wire/codec.ts';
import type { GateOpened, GateStatus, NodeCounters, StreamStatus } from '../../../src/wire/control.ts';
import type { DeliveryLevel, Via } from '../../../src/wire/nodes.ts';
import type { StreamOperation } from '../../../src/wire/operate.ts';
import type { InChoice, OutChoice, Start } from '../../../src/wire/options.ts';
import type { ReceiverCursor } from '../../../src/wire/receiver.ts';

/** Identity of one effect of one cause, carried with a record so that work done again is recognised. */
export interface Lineage {
  /** Stream and sequence of the first cut wire the message's ancestry crossed. */
  readonly origin: { readonly stream: string; readonly seq: number };
  /** Hash of the path from the origin to this record: same cause, same path → same id. A safe integer. */
  readonly id: number;
}

/** What became of a delivered message and all that descends from it on this gateway. */
export type Outcome =
  /** Everything completed or was appended to a downstream log. */
  | { readonly kind: 'done' }
  /** A node raised an error for it; it still counts as processed (Node-RED's own semantics). */
  | { readonly kind: 'error'; readonly message: string }
  /** Some node never completed it within the limit; counted, warned once per node. */
  | { readonly kind: 'unfollowed'; readonly nodes: readonly string[] };

/** A delivered message and all that descends from it. */
export interface Followed {
  /** All that is left of it is held by tasks whose held messages are part of a checkpoint. */
  readonly parked: boolean;
}

/** A message that a task holds, as it came in. */
export interface HeldByTask {
  /** Names this stay at the task, in this process. */
  readonly id: number;
  /** The node it is at. */
  readonly node: string;
  readonly message: EncodedMessage;
  readonly cause: Lineage | undefined;
}

/** `follow/`: attributes messages to the record that caused them. */
export interface Follower {
  /**
   * Calls `emit` synchronously; every message that descends from what it sends belongs to `cause`.
   * `settled` is called exactly once.
   */
  follow(cause: Lineage, emit: () => void, settled: (outcome: Outcome) => void): Followed;
  /** The cause of a message a node is handling now; undefined for a message born on this gateway. */
  causeOf(msg: object): Lineage | undefined;
  /** Nothing is on its way through these tabs, but for what tasks hold and checkpoints keep. */
  quiet(tabs: ReadonlySet<string>): boolean;
  /** What is at the nodes of these tabs now is not waited for any more. */
  forsake(tabs: ReadonlySet<string>): void;
  /** What the tasks of these tabs hold, each in the order in which it came. */
  heldByTasks(tabs: ReadonlySet<string>): HeldByTask[];
  counters(): Record<string, NodeCounters>;
  /** Received and not completed, per node of the given tabs. */
  inFlight(tabs: ReadonlySet<string>): { node: string; type: string; count: number }[];
}

/** `gate/`: holds and releases deliveries around a deploy. */
export interface Gate {
  close(
    deploy: string,
    options: { tabs: string[]; level: 'sources' | 'all'; leaseMs: number; sealed: boolean },
  ): GateStatus;
  status(deploy: string): GateStatus;
  open(deploy: string, orphans: 'keep' | 'drop'): GateOpened;
  openDeploys(): string[];
  /** True while deliveries out of the echo-in nodes of this tab are held. */
  holdsIncoming(tab: string): boolean;
  onChange(listener: () => void): () => void;
}

/**
 * `checkpoint/`: the tasks of one application on this gateway, whose state is kept together with the positions of their
 * streams.
 */
export interface Fragment {
  /** Nothing is handed over to its tasks now. */
  readonly holds: boolean;
  /** Something was finished, or appended, that no checkpoint holds yet. */
  changed(): void;
  /** Where its streams stood at the last checkpoint of an earlier process; undefined for one it does not name. */
  cursorOf(stream: string): ReceiverCursor | undefined;
  releasedOf(stream: string, epoch: number): number | undefined;
  /** A stream of it is no more. */
  retired(): void;
}

export interface Fragments {
  /** The fragment this tab belongs to, where it takes checkpoints. */
  of(tab: string): Fragment | undefined;
}

/** Where the streams of a fragment stand, for a checkpoint. */
export interface StreamPositions {
  readonly ins: ReadonlyMap<string, ReceiverCursor>;
  /** Of the effectively-once streams: what of them a checkpoint taken now releases. */
  readonly outs: ReadonlyMap<string, { readonly epoch: number; readonly released: number }>;
  /** A wire in or out is to survive a power cut: so must the checkpoint. */
  readonly durably: boolean;
}

/** How a stream stands, for the status line of its wire node. */
export interface StreamState {
  readonly connected: boolean;
  /** Out: records some consumer has not stably passed. In: records received and not done. */
  readonly waiting: number;
  /** Records stably passed (out) or done (in); a stream that waits and does not pass is stuck. */
  readonly passed: number;
  /** Out: the log takes in no more: what is appended is refused, or dropped where the wire's options say so. */
  readonly full: boolean;
  /** Declared loss since this process started, records. */
  readonly lost: number;
  /** In: records that count as processed because a task did not complete them. */
  readonly unfollowed?: number;
}

export interface OutStreamOptions {
  readonly stream: string;
  /** Producer epoch: a log of another epoch on this gateway is forgotten. */
  readonly epoch: number;
  readonly level: DeliveryLevel;
  /** Ids of the gateways the stream goes to. */
  readonly consumers: readonly string[];
  /** The broker taken to each of them; the shared one where nothing is said. */
  readonly via?: ReadonlyMap<string, Via>;
  /** Where a consumer begins that is new and replaces none; `now` when absent. */
  readonly start?: Start | undefined;
  /** Tab of the `echo out` node: while its log is nearly full, streams into the same tab get no credit. */
  readonly tab: string;
  /** Options of the wire that are not the default. */
  readonly choice?: OutChoice;
}

export interface InStreamOptions {
  readonly stream: string;
  /** Producer epoch: nothing of another is taken. */
  readonly epoch: number;
  readonly level: DeliveryLevel;
  /** Gateway that holds the log. */
  readonly producer: string;
  /** The broker it is heard by and acknowledged through; the shared one when absent. */
  readonly via?: Via | undefined;
  readonly tab: string;
  /** Deliveries after which a message whose task fails is set aside; absent or 0: a failure counts as processed. */
  readonly attempts?: number | undefined;
  /** Options of the wire that are not the default. */
  readonly choice?: InChoice;
  /** Hands one message to Node-RED, synchronously (`node.send`). */
  readonly deliver: (msg: object) => void;
}

/**
 * `streams/`: logs, cursors, frames; the wire nodes speak to it. State is keyed by stream name: closing and opening a
 * stream again (a redeploy, a restart) loses nothing; `retire` forgets it.
 */
export interface Streams {
  openOut(options: OutStreamOptions): void;
  openIn(options: InStreamOptions): void;
  /** Resolves when its node may be gone. */
  closeOut(stream: string): Promise<void>;
  closeIn(stream: string): Promise<void>;
  /**
   * Appends to an open out stream; the message is encoded before the call returns. Resolves once it is in the log
   * and survives what the wire's durability says (at-most-once: handed to the connection), or was dropped, which is
   * counted. Rejects with ECHO_MESSAGE_NOT_CARRIED, ECHO_MESSAGE_TOO_LARGE,
   * ECHO_STREAM_FULL, ECHO_STREAM_NOT_OPEN or ECHO_LOG_WRITE_FAILED. `cause` must be the very object that
   * `follow` was given: what one delivery causes is numbered per object.
   */
  append(stream: string, msg: object, cause: Lineage | undefined): Promise<void>;
  state(stream: string): StreamState;
  status(): StreamStatus[];
  retire(streams: readonly string[]): Promise<void>;
  /** Nothing handed over into these tabs is unfinished, but for what tasks hold. */
  quiet(tabs: ReadonlySet<string>): boolean;
  /** Something may be handed over into these tabs again. */
  wake(tabs: ReadonlySet<string>): void;
  /** How the streams of these tabs stand. What tasks hold counts as finished from here on. */
  positions(tabs: ReadonlySet<string>): StreamPositions;
  /** Resolves when the logs of the positions are as safe as their durability says; undefined: they are. */
  synced(positions: StreamPositions): Promise<void> | undefined;
  /** A checkpoint holds these positions: consumed records may be trimmed at their producers, outputs are sent. */
  committed(positions: StreamPositions): void;
  /** These tabs take no checkpoints any more: on disk when this returns. */
  keepAlone(tabs: ReadonlySet<string>): void;
  /** What an operator asks; see `src/wire/operate.ts`. */
  operate(operation: StreamOperation): Promise<unknown>;
}
