/**
 * The steps of one deploy, PURE: which follows which, and where a restart goes on. The runner (`apply.ts`) journals a
 * step before it acts and asks `next` when it has acted.
 *
 *   preflight → [close-sources → drain →] [close-all → quiesce →] seal → write → commit → open → retire → done
 *   before `write` a failure goes to      release → undone
 *   in `write` it goes to       restore → release → undone
 *
 * The commit stands between `write` and `open`: from there on the new version is the truth, and what is left
 * (opening gates, forgetting old streams) is repeated until it succeeds.
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
  /** A stream that carries messages changes its route or consumers. */
  readonly drains: boolean;
  /** A fragment that runs now changes. */
  readonly running: boolean;
}

export type Outcome = 'ok' | 'failed';

/** The step after `step`. */
export function next(step: Step, outcome: Outcome, shape: Shape): Step {
  if (outcome === 'failed') return afterFailure(step);
  switch (step) {
    case 'preflight':
      return shape.drains ? 'close-sources' : shape.running ? 'close-all' : 'seal';
    case 'close-sources':
      return 'drain';
    case 'drain':
      return shape.running ? 'close-all' : 'seal';
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
    case 'commit':
      return 'restore';
    // Past the commit, and inside an undo, a failure is not a reason to turn round: the step is left to be repeated.
    case 'open':
    case 'retire':
      return 'done';
    case 'restore':
      return 'release';
    case 'release':
      return 'undone';
    case 'done':
    case 'undone':
      return step;
  }
}

/** Where a restart goes on with a deploy whose journal ends at `step`. */
export function resume(step: Step): Step {
  switch (step) {
    case 'preflight':
      return 'undone';
    case 'close-sources':
    case 'drain':
    case 'close-all':
    case 'quiesce':
    case 'seal':
      return 'release';
    // Some gateways may be written and others not: nobody has seen an answer from all of them.
    case 'write':
      return 'restore';
    // `commit` is journalled only when every gateway had answered its write.
    default:
      return step;
  }
}

export const ended = (step: Step): boolean => step === 'done' || step === 'undone';
