/**
 * The way into the log of one out stream: messages are encoded, written together, and done once they survive what the
 * wire's durability says. Here is decided what becomes of those there is no room for.
 */
import type { Lineage } from '../../../../src/wire/lineage.ts';
import type { WireOptions } from '../../../../src/wire/options.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import { Encoder } from './Encoder.ts';
import { isNoRoom, keepsOneIn, NEARLY_FULL } from './overload.ts';
import type { StreamLog } from './StreamLog.ts';

export interface LogPolicy extends Pick<WireOptions, 'durability' | 'whenFull'> {
  readonly quotaBytes: number;
}

export interface IntakeOptions {
  readonly stream: string;
  readonly log: StreamLog;
  readonly policy: LogPolicy;
  readonly onWritten: () => void;
  /** Declared loss of everything up to here, for those who have not received it. */
  readonly giveUp: (upTo: number) => void;
  /** `nearlyFull` changed. */
  readonly onLevel: () => void;
}

/** The messages of one turn of the event loop, written in one piece. */
interface Batch {
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  records: number;
  /** Some came from a stream: where the disk has no room, they can wait, for that holds back what follows them. */
  canWait: boolean;
  /** Messages turned away before them, which a GAP among them stands for. */
  turnedAway: number;
  /** Last sequence. */
  last: number;
  /** As safe as it is to be, but for the reservation of its numbers. */
  safe: boolean;
}

/** After this long a message does not wait for others of its turn: at a low rate, there are none. */
const IDLE_MS = 1;
/** How long streams into the tab are held back after the disk had no room. */
const NO_ROOM_MS = 1_000;
/** Pause before what waits for room on the disk is written again. */
const AGAIN_MS = 100;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #log: StreamLog;
  readonly #encoder: Encoder;
  #policy: LogPolicy;
  #batch: Batch | undefined;
  #openedAt = Number.NEGATIVE_INFINITY;
  /** Written, not safe yet: until its numbers are reserved, a power cut would take a record without a trace. */
  readonly #unsafe: Batch[] = [];
  /** Turned away since the last record taken in. */
  #turnedAway = 0;
  #offered = 0;
  #noRoom = false;
  /** Why the open batch could not be written. It waits, what streams bring joins it, and nothing else is let in. */
  #stuck: Error | undefined;
  #wasNearlyFull = false;
  /** Records taken in. */
  appended = 0;
  /** Messages turned away. */
  lost = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#policy = options.policy;
    this.#encoder = new Encoder(options.stream);
  }

  set policy(policy: LogPolicy) {
    this.#policy = policy;
    this.checkLevel();
  }

  /** Messages are turned away. */
  get full(): boolean {
    return this.#lacksRoom || this.#log.bytes >= this.#policy.quotaBytes;
  }

  /** What feeds the tab is to be held back. */
  get nearlyFull(): boolean {
    const { whenFull, quotaBytes } = this.#policy;
    return whenFull === 'block' && (this.#lacksRoom || this.#log.bytes >= quotaBytes * NEARLY_FULL);
  }

  get #lacksRoom(): boolean {
    return this.#noRoom || this.#stuck !== undefined;
  }

  /** Encodes now; resolves once the record is safe. One promise serves all appends of a turn. */
  append(msg: object, cause: Lineage | undefined): Promise<void> {
    let payload: Buffer;
    try {
      payload = this.#encoder.encode(msg, cause);
    } catch (error) {
      return Promise.reject(error);
    }
    const canWait = cause !== undefined;
    if (!this.#admits(canWait)) return this.#turnAway();
    const batch = this.#openBatch();
    batch.canWait ||= canWait;
    if (this.#turnedAway > 0) this.#log.appendGap(this.#turnedAway);
    batch.turnedAway += this.#turnedAway;
    this.#turnedAway = 0;
    this.#log.append(payload);
    batch.records++;
    return batch.done;
  }

  /** Writes what was appended. */
  commit(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    try {
      this.#write();
    } catch (cause) {
      this.#stuck = undefined;
      if (batch.canWait && this.#policy.whenFull === 'block' && isNoRoom(cause))
        this.#wait(batch, cause as Error);
      else this.#fail(batch, cause as Error);
      return;
    }
    this.#stuck = undefined;
    this.appended += batch.records;
    batch.last = this.#log.head;
    this.#unsafe.push(batch);
    if (this.#policy.durability === 'fsync') this.#sync(batch);
    else batch.safe = true;
    this.#options.onWritten();
    this.checkLevel();
  }

  /** More numbers were reserved, or a sync has ended. */
  settle(): void {
    const { accepted } = this.#log;
    for (let first = this.#unsafe[0]; first?.safe && first.last <= accepted; first = this.#unsafe[0])
      this.#unsafe.shift()!.resolve();
  }

  checkLevel(): void {
    if (this.nearlyFull === this.#wasNearlyFull) return;
    this.#wasNearlyFull = !this.#wasNearlyFull;
    this.#options.onLevel();
  }

  /**
   * Writes what was appended, and declares what was turned away since. What still finds no room is never done: it comes
   * again from where it came.
   */
  end(): void {
    if (this.#turnedAway > 0) {
      this.#openBatch();
      this.#log.appendGap(this.#turnedAway);
      this.#turnedAway = 0;
    }
    this.commit();
    if (this.#stuck === undefined) return;
    this.#log.discard();
    this.#batch = undefined;
  }

  /** The log was closed in good order, or is gone. */
  closed(error?: unknown): void {
    for (const batch of [...this.#unsafe.splice(0), this.#batch])
      error === undefined ? batch?.resolve() : batch?.reject(error);
    this.#batch = undefined;
  }

  #admits(canWait: boolean): boolean {
    if (this.#stuck !== undefined && !canWait) return false;
    const { whenFull, quotaBytes } = this.#policy;
    if (whenFull === 'drop-oldest') {
      while (this.#isOver() && this.#dropOldest());
    } else if (whenFull === 'sample' && !this.#isOver()) {
      return this.#offered++ % keepsOneIn(this.#log.bytes / quotaBytes) === 0;
    }
    return !this.#isOver();
  }

  #isOver(): boolean {
    return this.#log.bytes >= this.#policy.quotaBytes;
  }

  /** Declared loss: the next record taken in is preceded by a GAP that counts those turned away. */
  #turnAway(): Promise<void> {
    this.#turnedAway++;
    this.lost++;
    if (this.#policy.whenFull !== 'block') return Promise.resolve();
    if (this.#stuck !== undefined) return Promise.reject(this.#writeFailed(this.#stuck));
    const { stream, log } = this.#options;
    const message = `the log of ${stream} holds ${log.bytes} bytes, its quota is ${this.#policy.quotaBytes}`;
    return Promise.reject(wireError('ECHO_STREAM_FULL', { message, where: stream }));
  }

  /** False when nothing is left to give up. */
  #dropOldest(): boolean {
    this.commit();
    const end = this.#log.endOfOldest();
    if (end !== undefined) this.#options.giveUp(end);
    return end !== undefined;
  }

  /** A full disk is a full log: where the oldest are to make room, they do. */
  #write(): void {
    for (;;) {
      try {
        this.#log.commit();
        return;
      } catch (error) {
        const makesRoom = this.#policy.whenFull === 'drop-oldest' && isNoRoom(error);
        if (!makesRoom || !this.#dropOldest()) throw error;
      }
    }
  }

  #wait(batch: Batch, cause: Error): void {
    this.#batch = batch;
    this.#stuck = cause;
    this.checkLevel();
    setTimeout(() => this.#batch === batch && this.commit(), AGAIN_MS).unref();
  }

  #fail(batch: Batch, cause: Error): void {
    this.#log.discard();
    this.#turnedAway += batch.records + batch.turnedAway;
    this.lost += batch.records;
    if (isNoRoom(cause)) this.#holdBack();
    if (isNoRoom(cause) && this.#policy.whenFull !== 'block') batch.resolve();
    else batch.reject(this.#writeFailed(cause));
  }

  #holdBack(): void {
    if (this.#noRoom) return;
    this.#noRoom = true;
    this.checkLevel();
    setTimeout(() => {
      this.#noRoom = false;
      this.checkLevel();
    }, NO_ROOM_MS).unref();
  }

  #sync(batch: Batch): void {
    const safe = (): void => {
      batch.safe = true;
      this.settle();
    };
    this.#log.sync().then(safe, (cause: Error) => {
      batch.reject(this.#writeFailed(cause));
      safe();
    });
  }

  #writeFailed(cause: Error) {
    const { stream } = this.#options;
    return wireError('ECHO_LOG_WRITE_FAILED', {
      message: `${stream}: ${cause.message}`,
      where: stream,
      cause,
    });
  }

  #openBatch(): Batch {
    if (this.#batch === undefined) {
      this.#batch = openBatch();
      const commit = (): void => this.commit();
      if (performance.now() - this.#openedAt > IDLE_MS) queueMicrotask(commit);
      else setImmediate(commit);
      this.#openedAt = performance.now();
    }
    return this.#batch;
  }
}

function openBatch(): Batch {
  let resolve = (): void => {};
  let reject = (_error: unknown): void => {};
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { done, resolve, reject, records: 0, canWait: false, turnedAway: 0, last: 0, safe: false };
}
