/** Waiting for the thing itself instead of for a while. */
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Limit, ms. */
  readonly timeout?: number;
  /** What is waited for, for the error. */
  readonly what: string;
  /** Pause between looks, ms. */
  readonly every?: number;
}

/**
 * Looks until `condition` gives something truthy and returns that. A condition that throws counts as not yet;
 * the error after the limit says what was waited for and what the last look gave.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<Awaited<T>, undefined | null | false | 0 | ''>> {
  const limit = options.timeout ?? 20_000;
  const deadline = Date.now() + limit;
  for (;;) {
    let last: unknown;
    try {
      const value = await condition();
      if (value) return value as Exclude<Awaited<T>, undefined | null | false | 0 | ''>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${limit} ms in vain for ${options.what}; last: ${String(last)}`);
    }
    await delay(options.every ?? 20);
  }
}
