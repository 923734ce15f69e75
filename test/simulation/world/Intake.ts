/**
 * The way into the log of a simulated out stream: a message is appended, written, and kept whatever takes the process;
 * then whoever gave it is told. On an effectively-once stream it is sent when a checkpoint has released it.
 */
import { childLineage, hashText, type Lineage } from '../../../src/wire/lineage.ts';
import type { Gateway } from './Gateway.ts';
import { type Log, voidAbove } from './Log.ts';
import type { Stream } from './World.ts';

export interface IntakeOptions {
  readonly gateway: Gateway;
  readonly stream: () => Stream;
  readonly log: Log;
  /** Runs unless the stream or the process has ended meanwhile. */
  readonly later: (ms: number, run: () => void) => void;
  readonly closed: () => boolean;
  readonly giveUp: (upTo: number) => void;
  /** More can be sent, as far as that. */
  readonly onSendable: () => void;
}

interface Waiting {
  readonly seq: number;
  readonly value: number;
  /** A task put it there, and will do so again after a crash. */
  readonly caused: boolean;
  readonly written: () => void;
}

/** Most a sync takes, ms. */
const SYNC_MS = 40;
const EMPTY = new Uint8Array(0);

export class Intake {
  readonly #options: IntakeOptions;
  readonly #log: Log;
  readonly #hash: number;
  readonly #ordinals = new WeakMap<Lineage, number>();
  #batch: Waiting[] = [];
  /** On disk, and whoever gave them has not been told. */
  readonly #unsaid: Waiting[] = [];
  /** Void after a crash: no checkpoint holds what caused it. */
  readonly #unreleased: Waiting[] = [];
  #refused = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#hash = hashText(options.stream().name);
    this.#voidUnreleased();
    if (options.stream().exact) this.#holdBack();
    else this.#log.file.heldSince = undefined;
  }

  /** All there is is kept, and may be sent. */
  get empty(): boolean {
    return this.#batch.length + this.#unsaid.length + this.#unreleased.length === 0;
  }

  /** `written` is called once the record is on disk; false when the log is full and the message is refused. */
  append(value: number, cause: Lineage | undefined, written: () => void): boolean {
    const { gateway, stream, later } = this.#options;
    const { witness, faults } = gateway.world;
    const { name, dropsOldest } = stream();
    if (dropsOldest && this.#log.size >= this.#log.quota) this.#makeRoom();
    if (this.#log.size >= this.#log.quota) {
      this.#refused++;
      witness.refused({ stream: name, log: this.#log.file.id, after: this.#log.head });
      faults.refused++;
      return false;
    }
    if (this.#refused > 0) this.#log.appendGap(this.#refused);
    this.#refused = 0;
    const lineage = cause === undefined ? {} : { lineage: this.#lineageOf(cause) };
    const seq = this.#log.append({ kind: 'message', ts: value, codec: 0, body: EMPTY, ...lineage });
    this.#batch.push({ seq, value, caused: cause !== undefined, written });
    if (this.#batch.length === 1) later(0, () => this.commit());
    witness.logSize({ stream: name, size: this.#log.size, quota: this.#log.quota });
    return true;
  }

  /** Writes what was appended. */
  commit(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#log.commit();
    this.#unsaid.push(...batch);
    const { fragment, world } = this.#options.gateway;
    fragment.changed();
    if (world.fsync) this.#syncLater();
    this.settle();
  }

  /** More is reserved, synced or released. */
  settle(): void {
    const { gateway, closed, onSendable } = this.#options;
    const { accepted, file } = this.#log;
    // Whatever takes it now, a GAP will tell. With fsync nothing takes it.
    const safe = gateway.world.fsync ? Math.min(accepted, file.synced) : accepted;
    const kept = takeUpTo(this.#unsaid, safe);
    for (const waiting of kept) {
      if (waiting.caused) this.#unreleased.push(waiting);
      else this.#accepted(waiting);
    }
    for (const waiting of takeUpTo(this.#unreleased, this.#log.released)) this.#accepted(waiting);
    for (const { written } of kept) {
      if (closed()) return;
      written();
    }
    onSendable();
  }

  #lineageOf(cause: Lineage): Lineage {
    const ordinal = this.#ordinals.get(cause) ?? 0;
    this.#ordinals.set(cause, ordinal + 1);
    return childLineage(cause, this.#hash, ordinal);
  }

  #makeRoom(): void {
    const held = this.#log.read(this.#log.base, this.#log.sendable, this.#log.quota);
    const last = held[Math.floor(held.length / 4)];
    if (last !== undefined && last.to <= this.#log.sendable) this.#options.giveUp(last.to);
  }

  #syncLater(): void {
    const { gateway, later } = this.#options;
    const { head } = this.#log;
    later(gateway.world.random.below(SYNC_MS), () => {
      this.#log.synced(head);
      this.settle();
    });
  }

  /** From now on nothing but declared loss takes it: it is sent, though the process ends. */
  #accepted({ seq, value }: { seq: number; value: number }): void {
    const { gateway, stream } = this.#options;
    gateway.world.witness.accepted({ stream: stream().name, log: this.#log.file.id, seq, value });
    this.#log.file.accepted = seq;
  }

  /**
   * The log itself knows since when it waits for checkpoints: none may have been taken since. A power cut may have taken
   * the last one, and what caused the records it released may be nowhere any more: then they are kept.
   */
  #voidUnreleased(): void {
    const { gateway, stream } = this.#options;
    const { file } = this.#log;
    const { heldSince, unsure } = file;
    file.unsure = false;
    if (heldSince === undefined) return;
    const known = gateway.fragment.releasedOf(stream().name);
    const released = known?.epoch === stream().epoch ? known.upTo : 0;
    if (!unsure || gateway.world.fsync) voidAbove(file, Math.max(heldSince, released));
    else file.heldSince = Math.max(heldSince, this.#log.head);
  }

  /** What stands in it now is sent; what comes, when it is released. */
  #holdBack(): void {
    const { file, head } = this.#log;
    file.heldSince ??= head;
    this.#log.released = head;
    // The process may have ended before it could tell.
    for (const { seq, record } of file.entries)
      if (seq > file.accepted && record.kind === 'message' && record.lineage !== undefined)
        this.#accepted({ seq, value: record.ts });
    this.#options.gateway.world.witness.released({ log: file.id, upTo: head });
  }
}

/** Takes out those up to `upTo`, which come first. */
function takeUpTo(waiting: Waiting[], upTo: number): Waiting[] {
  const end = waiting.findIndex(({ seq }) => seq > upTo);
  return waiting.splice(0, end < 0 ? waiting.length : end);
}
