/** Skipping a test for a stated reason. With CI=true nothing may be skipped: what is missing is a failure. */

import Mocha from 'mocha';

const reasons = new WeakMap<object, string>();

/** Call as `skip(this, 'mosquitto is not installed')` inside a test or a `before` hook. */
export function skip(context: Mocha.Context, reason: string): never {
  if (process.env.CI === 'true') throw new Error(`CI=true allows no skipped test: ${reason}`);
  const runnable = context.runnable();
  if (runnable instanceof Mocha.Hook) {
    runnable.parent?.eachTest((test) => {
      reasons.set(test, reason);
    });
  } else {
    reasons.set(runnable, reason);
  }
  return context.skip();
}

export function skipReason(test: Mocha.Test): string {
  return reasons.get(test) ?? 'marked as pending in its file';
}
