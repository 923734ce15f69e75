/** When the ends of wires by hand tell each other what; ms. */

/** A producer that nobody has objected to for this long has the stream. */
export const CLAIM_MS = 2_000;
/** Notices are repeated. */
export const ANNOUNCE_MS = 5_000;
/** A consumer that is not taken in yet asks this often. */
export const ASK_MS = 1_000;
/** Answers to several questions are one, at most this often. */
export const ANSWER_MS = 200;
/** Who has not been heard for this long may be replaced. */
export const SILENT_MS = 3 * ANNOUNCE_MS;
/** A node that is deleted and drawn anew in one deploy has not left. */
export const LEAVE_MS = 1_000;
/** A consumer that has asked for so long is told why it gets nothing. */
export const REFUSED_MS = 3_000;
/** Most time from one look to the next. */
export const TICK_MS = 200;
