/** What becomes of messages there is no room for. Pure. */

/** From this part of the quota on, a log that blocks holds back the streams into its tab. */
export const NEARLY_FULL = 0.9;

/**
 * Sampling: of the messages offered while this part of the quota is used, one in how many is kept. From half of it on
 * every second, from three quarters on every fourth, and so on: each halving of the room left halves what is kept.
 */
export const keepsOneIn = (used: number): number =>
  used >= 1 ? Number.POSITIVE_INFINITY : 2 ** Math.floor(-Math.log2(1 - Math.max(0, used)));

/** A part of the quota, so that what is freed at a time is a small part of what is held. */
export const segmentBytesOf = (quotaBytes: number, most: number): number =>
  Math.max(1, Math.min(most, Math.ceil(quotaBytes / 8)));

/** The disk has no room, or this user may use no more of it. */
export const isNoRoom = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
