/**
 * The steps of one deploy, PURE: which follows which, and where a restart goes on. The runner (`apply.ts`) journals a
 * step before it acts and asks `next` when it has acted.
 *
 *     preflight → [close-sources → drain →] [close-all → quiesce →] seal → write → commit → open → retire → done
 *     a failure before `write`:                              release → undone
 *     a failure in `write`:                        restore → release → undone
 *
 * The commit stands between `write` and `open`: from there on the new version is the truth, and what is left to do
 * is repeated until it succeeds.
 */

export type Step =
  | 'preflight'
  /** Sources hold; what is in flight runs out into the streams and out of them. */
  | 'close-sources'
  /** Waits until every consumer has passed the head of every stream whose route changes. */
  | 'drain'
  /** Every delivery to a task of the changed fragments is held. */
  | 'close-all'
  /** Waits until no task of the changed fragments works on a message. */
  | 'quiesce'
  /** The gates stay closed without lease: nothing of old or new runs until all gateways agree. */
  | 'seal'
  | 'write'
  | 'commit'
  | 'open'
  | 'retire'
  /** Undo: puts back what stood on each gateway that may have been written. */
  | 'restore'
  /** Undo: opens the gates on what stood there before. */
  | 'release'
  | 'done'
  | 'undone';

export interface Shape {
  /** A stream that carries messages changes its route or loses a consumer. */
  readonly drains: boolean;
  /** A fragment that runs now changes. */
  readonly running: boolean;
}

export type Outcome = 'ok' | 'failed';

/** The step after `step`; the same step when it has to be repeated later. */
export function next(step: Step, outcome: Outcome, shape: Shape): Step {
  return outcome === 'failed' ? afterFailure(step) : afterSuccess(step, shape);
}

function afterSuccess(step: Step, { drains, running }: Shape): Step {
  switch (step) {
    case 'preflight':
      return drains ? 'close-sources' : running ? 'close-all' : 'seal';
    case 'close-sources':
      return 'drain';
    case 'drain':
      return running ? 'close-all' : 'seal';
    case 'close-all':
      return 'quiesce';
    case 'quiesce':
      return 'seal';
    case 'seal':
      return 'write';
    case 'write':
      return 'commit';
    case 'commit':
      return 'open';
    case 'open':
      return 'retire';
    case 'retire':
    case 'done':
      return 'done';
    case 'restore':
      return 'release';
    case 'release':
    case 'undone':
      return 'undone';
  }
}

function afterFailure(step: Step): Step {
  switch (step) {
    case 'preflight':
      return 'undone';
    case 'close-sources':
    case 'drain':
    case 'close-all':
    case 'quiesce':
    case 'seal':
      return 'release';
    case 'write':
      return 'restore';
    default:
      return step;
  }
}

/** Where a restart goes on with a deploy whose journal ends at `step`. */
export function resume(step: Step): Step {
  switch (step) {
    // Every gateway had answered its write before `commit` was journalled; after `write` alone, nobody knows.
    case 'commit':
    case 'open':
    case 'retire':
    case 'restore':
    case 'release':
    case 'done':
    case 'undone':
      return step;
    default:
      return afterFailure(step);
  }
}

export const ended = (step: Step): boolean => step === 'done' || step === 'undone';
