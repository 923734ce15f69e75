/** When to try again. Times in milliseconds; `random` in [0, 1). */

/** Pause before the probe after `attempt` probes without an answer: 200 ms doubling to 5 s. */
export const probeDelay = (attempt: number): number => Math.min(200 * 2 ** Math.min(attempt, 10), 5_000);

/** A sender that went back, and a receiver that asked for it, do not do so again within this time. */
export const GO_BACK_HOLD_MS = 40;

/** Least time between two acknowledgements of one stream, unless a quarter of the window is done. */
export const ACK_INTERVAL_MS = 4;

/** Pause before connecting again after `attempt` failures: 100 ms doubling to 2 s, jittered to 50–100 %. */
export const reconnectDelay = (attempt: number, random: number): number =>
  Math.min(100 * 2 ** Math.min(attempt, 10), 2_000) * (0.5 + random / 2);
