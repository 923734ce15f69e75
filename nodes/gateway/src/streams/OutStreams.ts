/**
 * The streams this gateway produces. The log of each epoch has a folder and cursors of its own: nothing of a former one
 * can pass for a new one's.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { OutStreamStatus } from '../../../../src/wire/control.ts';
import type { DeliveryLevel, Via } from '../../../../src/wire/nodes.ts';
import { defaultOf, type OutChoice, quotaBytesOf } from '../../../../src/wire/options.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import { folderName } from '../files.ts';
import type { Fragments, Lineage, OutStreamOptions } from '../ports.ts';
import type { CursorJournal } from './CursorJournal.ts';
import type { LogPolicy } from './Intake.ts';
import { cursorsOf, OutStream } from './OutStream.ts';
import { UnloggedOut } from './UnloggedOut.ts';

/** What all logs together keep in memory, bytes: a gateway may have many, and little memory. */
const ALL_CACHES_BYTES = 64 * 1024 * 1024;

export interface LogLimits {
  /** Most bytes one log takes on disk. */
  readonly quotaBytes: number;
  readonly segmentBytes: number;
  /** Most bytes of one log kept in memory. */
  readonly cacheBytes: number;
}

export interface OutStreamsOptions {
  /** Holds a folder for each stream. */
  readonly folder: string;
  readonly host: string;
  readonly limits: LogLimits;
  readonly cursors: CursorJournal;
  readonly sends: Sends;
  readonly fragments: Fragments;
  /** A log became nearly full, or is no longer. */
  readonly onLevel: () => void;
  readonly warn: (text: string) => void;
}

/** The way of frames to a consumer. */
export interface Sends {
  /** False when the broker it takes is not connected: the frame is lost. */
  send(stream: string, consumer: string, frame: Buffer): boolean;
  /** Calls `send` when the connection to the consumer takes more and it is this stream's turn. */
  turn(stream: string, consumer: string, priority: number, send: () => void): void;
}

export interface OpenOut {
  readonly epoch: number;
  /** Stays and empties after a change to at-most-once. */
  logged: OutStream | undefined;
  unlogged: UnloggedOut | undefined;
  level: DeliveryLevel;
  tab: string;
  /** Brokers of the consumers that are not reached by the shared one. */
  via: ReadonlyMap<string, Via>;
  choice: OutChoice;
  /** False once its node is gone: the log is still sent, nothing is appended. */
  open: boolean;
}

export class OutStreams {
  readonly #options: OutStreamsOptions;
  readonly #streams = new Map<string, OpenOut>();

  constructor(options: OutStreamsOptions) {
    this.#options = options;
  }

  get(stream: string): OpenOut | undefined {
    return this.#streams.get(stream);
  }

  [Symbol.iterator](): Iterator<[string, OpenOut]> {
    return this.#streams.entries();
  }

  /**
   * A gateway that goes on producing a stream keeps its epoch. So a log of another epoch here belongs to a route that
   * is over or to a deploy that was undone, and goes.
   */
  open(options: OutStreamOptions): OpenOut {
    const { stream, epoch, level, consumers, start, tab, via = new Map(), choice = {} } = options;
    if (this.#streams.get(stream)?.epoch !== epoch) this.#forgetOtherEpochs(stream, epoch);
    const known = this.#streams.get(stream);
    const open = { level, tab, via, choice, open: true };
    const out: OpenOut = known ?? { epoch, logged: undefined, unlogged: undefined, ...open };
    Object.assign(out, open);
    if (level === 'at-most-once') out.unlogged ??= this.#openUnlogged(stream, epoch);
    else out.logged ??= this.#openLogged(options);
    this.#streams.set(stream, out);
    out.logged?.setPolicy(this.#policyOf(choice));
    const fragment = this.#options.fragments.of(tab);
    if (out.logged !== undefined) out.logged.exact = level === 'effectively-once' && fragment !== undefined;
    out.logged?.setConsumers(consumers, start);
    out.unlogged?.setConsumers(consumers);
    return out;
  }

  append(stream: string, msg: object, cause: Lineage | undefined): Promise<void> {
    const out = this.#streams.get(stream);
    if (out !== undefined) return activeOf(out).append(msg, cause);
    const message = `no stream ${stream} is open on this gateway`;
    return Promise.reject(wireError('ECHO_STREAM_NOT_OPEN', { message, where: stream }));
  }

  status(): OutStreamStatus[] {
    return [...this.#streams.values()].map((out) => activeOf(out).status());
  }

  /** Closes the log and forgets it: the gateway does not produce the stream any more. */
  drop(stream: string): void {
    const logged = this.#streams.get(stream)?.logged;
    this.#streams.delete(stream);
    logged?.destroy().catch((error: Error) => {
      this.#options.warn(`a log of ${stream} stays: ${error.message}`);
    });
  }

  /** Forgets all there is of the stream, open or not. */
  async retire(stream: string): Promise<void> {
    const { cursors, fragments } = this.#options;
    const { logged, tab } = this.#streams.get(stream) ?? {};
    this.#streams.delete(stream);
    if (tab !== undefined) fragments.of(tab)?.retired();
    await logged?.destroy();
    rmSync(this.#folderOf(stream), { recursive: true, force: true });
    for (const [key] of cursors.entries(cursorsOf(stream))) cursors.set(key, undefined);
  }

  async close(): Promise<void> {
    for (const { logged } of this.#streams.values()) await logged?.close();
  }

  #openLogged({ stream, epoch, choice = {}, tab }: OutStreamOptions): OutStream {
    const { host, limits, cursors, sends, onLevel, warn, fragments } = this.#options;
    return new OutStream({
      stream,
      epoch,
      log: {
        folder: join(this.#folderOf(stream), String(epoch)),
        host,
        segmentBytes: limits.segmentBytes,
        cacheBytes: () => Math.min(limits.cacheBytes, ALL_CACHES_BYTES / this.#streams.size),
        now: Date.now,
      },
      policy: this.#policyOf(choice),
      released: fragments.of(tab)?.releasedOf(stream, epoch),
      onWritten: () => fragments.of(this.#streams.get(stream)?.tab ?? tab)?.changed(),
      cursors,
      send: (consumer, frame) => sends.send(stream, consumer, frame),
      turn: (consumer, send) => sends.turn(stream, consumer, this.#priorityOf(stream), send),
      onLevel,
      warn,
    });
  }

  #openUnlogged(stream: string, epoch: number): UnloggedOut {
    return new UnloggedOut({
      stream,
      epoch,
      born: Date.now(),
      send: (consumer, frame) => this.#options.sends.send(stream, consumer, frame),
    });
  }

  #policyOf(choice: OutChoice): LogPolicy {
    const { durability = defaultOf('durability'), whenFull = defaultOf('whenFull') } = choice;
    const said = quotaBytesOf(choice);
    const quotaBytes = choice.quotaMB === undefined ? Math.min(said, this.#options.limits.quotaBytes) : said;
    return { durability, whenFull, quotaBytes };
  }

  #priorityOf(stream: string): number {
    return this.#streams.get(stream)?.choice.priority ?? defaultOf('priority');
  }

  #forgetOtherEpochs(stream: string, epoch: number): void {
    const { cursors } = this.#options;
    const folder = this.#folderOf(stream);
    const kept = [String(epoch)];
    const open = this.#streams.get(stream);
    if (open !== undefined) {
      kept.push(String(open.epoch));
      this.drop(stream);
    }
    for (const [key] of cursors.entries(cursorsOf(stream)))
      if (!key.startsWith(cursorsOf(stream, epoch))) cursors.set(key, undefined);
    for (const name of existsSync(folder) ? readdirSync(folder) : [])
      if (!kept.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }

  #folderOf(stream: string): string {
    return join(this.#options.folder, folderName(stream));
  }
}

/** What messages are given to at the stream's level. */
const activeOf = ({ level, logged, unlogged }: OpenOut): OutStream | UnloggedOut =>
  (level === 'at-most-once' ? unlogged : logged)!;
