/**
 * `log.json` of one log: its identity, the numbers it may use, and what stands in it that is not sent. Whole on disk after
 * each change; numbers are reserved without holding up the event loop.
 */
import { randomInt } from 'node:crypto';
import type { Incarnation } from '../../../../src/wire/stream.ts';
import { readObject, writeWhole, writeWholeLater } from '../files.ts';
import { Voids } from './Voids.ts';

/** Births of two logs that follow the same one are that far apart, at most. */
const MOST_APART_MS = 65_536;

export interface LogStateOptions {
  readonly path: string;
  readonly stream: string;
  readonly epoch: number;
  /** See `hostBoot`. */
  readonly host: string;
  /** ms since 1970. */
  readonly now: () => number;
  /** A crash takes some of what is kept in memory alone. */
  readonly volatile: () => boolean;
}

export class LogState {
  readonly #options: LogStateOptions;
  readonly #found: Record<string, unknown> | undefined;
  #born: number;
  #reserved: number;
  #heldSince: number | undefined;
  /** What an earlier process appended and did not release. */
  readonly voids: Voids;
  /** Grows with each state written at once: one that was being written meanwhile is out of date. */
  #revision = 0;

  constructor(options: LogStateOptions) {
    this.#options = options;
    this.#found = readObject(options.path);
    this.#born = asNumber(this.#found?.born) ?? options.now();
    this.#reserved = asNumber(this.#found?.reserved) ?? 0;
    this.#heldSince = asNumber(this.#found?.heldSince);
    this.voids = new Voids(this.#found?.voids);
  }

  get incarnation(): Incarnation {
    return { pe: this.#options.epoch, born: this.#born };
  }

  /** Numbers up to here may have been sent. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Since when it is a log that is released, by sequence; on disk before anything else is appended to it. */
  get heldSince(): number | undefined {
    return this.#heldSince;
  }

  set heldSince(since: number | undefined) {
    const before = this.#heldSince;
    if (since === before) return;
    this.#heldSince = since;
    try {
      this.write();
    } catch (error) {
      this.#heldSince = before;
      throw error;
    }
  }

  /** Nothing is missing of what an earlier process wrote; `head` and `cut`: what of it was found. */
  isWhole(head: number, cut: boolean): boolean {
    const cleanHead = asNumber(this.#found?.cleanHead);
    if (cleanHead !== undefined) return head >= cleanHead;
    const { host } = this.#options;
    return !cut && this.#found?.memory !== true && host !== '' && this.#found?.host === host;
  }

  /** The log is used from now on: that it is there, and may lose what is in memory, is on disk. */
  begin(): void {
    if (this.#found === undefined || (this.#options.volatile() && this.#found.memory !== true)) this.write();
  }

  /** A birth later than `by`; not that which a log lost since may have taken after the same one. */
  rebirth(by: Incarnation): void {
    this.#born = Math.max(by.born + 1 + randomInt(MOST_APART_MS), this.#options.now());
    this.write();
  }

  write(cleanHead?: number): void {
    this.#revision++;
    writeWhole(this.#options.path, this.#text({ cleanHead }));
  }

  /** Resolves to why it cannot be, if so. */
  async reserve(upTo: number): Promise<unknown> {
    try {
      for (let revision = -1; revision !== this.#revision; ) {
        revision = this.#revision;
        await writeWholeLater(this.#options.path, this.#text({ reserved: upTo }));
      }
      this.#reserved = upTo;
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #text(more: { cleanHead?: number | undefined; reserved?: number }): string {
    const { stream, host, volatile } = this.#options;
    const state = {
      ...{ v: 1, stream, ...this.incarnation, host, reserved: this.#reserved },
      ...(volatile() ? { memory: true } : {}),
      heldSince: this.#heldSince,
      ...(this.voids.size === 0 ? {} : { voids: this.voids }),
      ...more,
    };
    return `${JSON.stringify(state)}\n`;
  }
}

const asNumber = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
