/** What happens in a world, as far as an invariant speaks of it, and who watches. */
import type { ConsumerCursor } from '../../../src/wire/consumer.ts';
import type { SequencedRecord } from '../../../src/wire/frames.ts';
import type { AckPositions, ReceiverCursor } from '../../../src/wire/receiver.ts';
import type { Incarnation } from '../../../src/wire/stream.ts';
import type { LogFile } from './Log.ts';
import type { TaskState } from './Tasks.ts';

/** A log is named by a number of its own; the same log has several incarnations when it is born again. */
export interface Observations {
  /** A log was opened, or took a later birth. */
  readonly opened: { stream: string; log: number; incarnation: Incarnation };
  /** The log is no more: its disk was lost, or its stream is produced elsewhere. */
  readonly gone: { log: number };
  /** From now on the log owes what it accepts to these consumers. */
  readonly routed: {
    stream: string;
    producer: string;
    log: number;
    head: number;
    consumers: readonly string[];
    /** Effectively-once. */
    exact: boolean;
    fedBy: readonly string[];
  };
  /** The message is on disk, and whoever gave it has been told. */
  readonly accepted: { stream: string; log: number; seq: number; value: number };
  /** The log was full, and whoever gave the message has been told. */
  readonly refused: { stream: string; log: number; after: number };
  /** The producer has declared that nothing up to this number is owed any more. */
  readonly givenUp: { stream: string; log: number; upTo: number };
  /** A checkpoint that holds what caused the records up to here is stored, or they wait for none. */
  readonly released: { log: number; upTo: number };
  readonly logSize: { stream: string; size: number; quota: number };
  readonly sent: { stream: string; log: number; consumer: string; last: SequencedRecord; file: LogFile };
  readonly acknowledged: { stream: string; consumer: string; positions: AckPositions };
  readonly delivered: {
    stream: string;
    consumer: string;
    /** Tells one opening of the stream at the consumer from every other. */
    life: number;
    incarnation: Incarnation;
    seq: number;
    value: number;
    /** Of its lineage. */
    id: number;
    /** It is counted as a repetition. */
    repeated: boolean;
    /** Effectively-once: what an earlier process did with it is taken back. */
    exact: boolean;
    /** What the consumer has done so far, and how many it takes in advance. */
    done: number;
    window: number;
  };
  /** Its task has finished with it. */
  readonly completed: { stream: string; consumer: string; value: number };
  /** The consumer has declared these numbers lost. */
  readonly lost: {
    stream: string;
    consumer: string;
    incarnation: Incarnation;
    from: number;
    to: number;
    reason: string;
  };
  readonly trimmed: { stream: string; log: number; upTo: number };
  /** A cursor is on disk, or forgotten. */
  readonly consumerStored: {
    stream: string;
    consumer: string;
    disk: string;
    cursor: ReceiverCursor | undefined;
  };
  readonly producerStored: {
    stream: string;
    log: number;
    gateway: string;
    disk: string;
    consumer: string;
    cursor: ConsumerCursor | undefined;
  };
  /** The last writes of this disk are gone. */
  readonly powerCut: { gateway: string; disk: string; fsync: boolean };
  /** The gateway has a new, empty disk, or keeps the state of its tasks no longer. */
  readonly stateLost: { gateway: string };
  /** What the tasks of a gateway come to: at a start, as the last checkpoint says, or in the end. */
  readonly state: {
    gateway: string;
    /** Its checkpoints are of a quiet fragment only. */
    exact: boolean;
    /** By the stream that each takes its messages from. */
    tasks: ReadonlyMap<string, TaskState>;
    final: boolean;
  };
  /** `stuck` tells what had not drained by the deadline. */
  readonly ended: { stuck: string | undefined };
}

export type Invariant = { readonly [K in keyof Observations]?: (event: Observations[K]) => void };

export type Witness = { readonly [K in keyof Observations]: (event: Observations[K]) => void } & {
  readonly failed: boolean;
};

const KINDS: Record<keyof Observations, true> = {
  opened: true,
  gone: true,
  routed: true,
  accepted: true,
  refused: true,
  givenUp: true,
  released: true,
  logSize: true,
  sent: true,
  acknowledged: true,
  delivered: true,
  completed: true,
  lost: true,
  trimmed: true,
  consumerStored: true,
  producerStored: true,
  powerCut: true,
  stateLost: true,
  state: true,
  ended: true,
};

/** Passes everything on to the invariants that speak of it. */
export function witnessOf(invariants: readonly Invariant[], failed: () => boolean): Witness {
  const witness: Record<string, unknown> = {};
  for (const kind of Object.keys(KINDS) as (keyof Observations)[]) {
    const watching = invariants.flatMap((i) => (i[kind] ? [i[kind] as (event: never) => void] : []));
    witness[kind] = (event: never) => {
      for (const watch of watching) watch(event);
    };
  }
  Object.defineProperty(witness, 'failed', { get: failed });
  return witness as unknown as Witness;
}
