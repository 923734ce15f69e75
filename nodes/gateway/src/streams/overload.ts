/** What becomes of messages there is no room for. Pure. */

/** From this part of the quota on, a log that blocks holds back the streams into its tab. */
export const NEARLY_FULL = 0.9;

/**
 * Sampling: of the messages offered while this part of the quota is used, one in how many is kept. From half of it on
 * every second, and for each further sixteenth half as many: so a log covers thirty times what it could hold.
 */
export function keepsOneIn(used: number): number {
  if (used < 0.5) return 1;
  return used < 1 ? 2 ** (1 + Math.floor((used - 0.5) * 16)) : Number.POSITIVE_INFINITY;
}

/** A part of the quota, so that what is freed at a time is a small part of what is held. */
export const segmentBytesOf = (quotaBytes: number, most: number): number =>
  Math.max(1, Math.min(most, Math.ceil(quotaBytes / 8)));

/** The disk has no room, or this user may use no more of it. */
export const isNoRoom = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
