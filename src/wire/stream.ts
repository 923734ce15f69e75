/** What sender and receiver of a stream agree on. */
import type { Boot } from './control.ts';

/** Records a receiver lets a sender be ahead of what is done. */
export const WINDOW_RECORDS = 4096;
/** DATA frames a sender may have sent beyond what is received: where more is to be sent, more travels in one. */
export const WINDOW_FRAMES = 64;
/** Bytes a sender may have sent beyond what is done; one larger record is let through alone. */
export const WINDOW_BYTES = 4 * 1024 * 1024;
/** Largest encoded record. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/**
 * Which log of a stream a number belongs to. `pe` is the producer epoch (given out by the orchestrator, from 1),
 * `born` the time in ms at which the log was made, so that a log made after a lost disk supersedes the lost one.
 */
export interface Incarnation {
  readonly pe: number;
  readonly born: number;
}

/** What a receiver that never heard of any log says. */
export const NO_INCARNATION: Incarnation = Object.freeze({ pe: 0, born: 0 });

/** Below 0 when `a` is superseded by `b`, 0 when they are one log, above 0 when `a` supersedes `b`. */
export const compareIncarnations = (a: Incarnation, b: Incarnation): number => a.pe - b.pe || a.born - b.born;

export const sameBoot = (a: Boot, b: Boot): boolean => a.disk === b.disk && a.count === b.count;

/** Said for a consumer nothing was heard of yet. */
export const NO_BOOT: Boot = Object.freeze({ disk: '', count: 0 });
