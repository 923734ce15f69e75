/**
 * What a test started is ended after it, newest first, also when it failed. Use `disposables()` at the top of a
 * `describe`: it ends everything in an `after` hook and hands out folders and ports.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export { freePort } from '../../src/orchestrator/fleet/ports.ts';

export type Dispose = () => unknown;

const HOOK_MS = 60_000;
/** Beneath the limit of the hook, so that what does not end is named. */
const END_MS = 40_000;

export interface Disposables {
  /** Registers what ends something; returns the thing itself. */
  add<T>(thing: T, dispose: Dispose): T;
  /** A temporary folder, deleted in the end. */
  folder(prefix?: string): string;
  /** Ends everything, newest first; throws the first error after all have been tried. */
  end(): Promise<void>;
}

/** Registers an `after` hook of the surrounding mocha suite: call it in `describe`, not in a test. Outside of mocha call `end()`. */
export function disposables(): Disposables {
  const stack: { readonly dispose: Dispose; readonly registered: Error }[] = [];
  const kit: Disposables = {
    add(thing, dispose) {
      stack.push({ dispose, registered: new Error(`what was registered here did not end in ${END_MS} ms`) });
      return thing;
    },
    folder(prefix = 'echo-test-') {
      const path = mkdtempSync(join(tmpdir(), prefix));
      return kit.add(path, () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
    },
    async end() {
      const errors: unknown[] = [];
      for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
        try {
          await within(END_MS, next.dispose(), next.registered);
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
  if (typeof after === 'function') {
    after('ends what it started', async function () {
      this.timeout(HOOK_MS);
      await kit.end();
    });
  }
  return kit;
}

/** Rejects with `error` when `work` takes longer than `ms`. */
async function within(ms: number, work: unknown, error: Error): Promise<void> {
  const limit = new AbortController();
  const late = delay(ms, undefined, { signal: limit.signal, ref: false }).then(() => {
    throw error;
  });
  try {
    await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    limit.abort();
  }
}
