/**
 * What a test started is ended after it, newest first, also when it failed. Use `disposables()` at the top of a
 * `describe`: it ends everything in an `after` hook and hands out folders and ports.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export { freePort } from '../../src/orchestrator/fleet/ports.ts';

export type Dispose = () => unknown;

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
  const stack: Dispose[] = [];
  const kit: Disposables = {
    add(thing, dispose) {
      stack.push(dispose);
      return thing;
    },
    folder(prefix = 'echo-test-') {
      const path = mkdtempSync(join(tmpdir(), prefix));
      return kit.add(path, () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
    },
    async end() {
      const errors: unknown[] = [];
      for (let dispose = stack.pop(); dispose !== undefined; dispose = stack.pop()) {
        try {
          await dispose();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
  if (typeof after === 'function') {
    after('ends what it started', async function () {
      this.timeout(60_000);
      await kit.end();
    });
  }
  return kit;
}
