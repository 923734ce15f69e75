/** Loaded into every test run (.mocharc.json): the run fails when a test leaves a process behind. */
import { descendantsOf } from './processes.ts';
import { waitFor } from './wait.ts';

const LIMIT_MS = 10_000;

export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(LIMIT_MS * 2);
    const left = () => descendantsOf(process.pid).map(({ pid, command }) => `${pid} ${command}`);
    try {
      await waitFor(() => left().length === 0, {
        what: 'all child processes to end',
        timeout: LIMIT_MS,
        every: 100,
      });
    } catch {
      throw new Error(`tests left processes behind:\n${left().join('\n')}`);
    }
  },
};
