/**
 * `npm start`: the whole of ECHO on this machine – the orchestrator and a local fleet of three real Node-RED
 * gateways – with an example application running. Ends on Ctrl-C, SIGTERM, SIGHUP or when its parent is gone, and
 * leaves nothing running.
 */
import { rmSync } from 'node:fs';
import { Command } from 'commander';
import { loadSettings } from '../../../settings.ts';
import { isEchoError } from '../../wire/errors.ts';
import { createOrchestratorProcess } from '../main.ts';
import { LocalEcho } from './LocalEcho.ts';
import { cleanData, settingsForCheck } from './localData.ts';

/** One Ctrl-C may arrive several times: from the terminal, from npm, from the runner. */
const SAME_MS = 1500;

/** Calls `end` for the first reason to stop; who asks again later does not want to wait any longer. */
function onEnd(echo: LocalEcho, end: (why: string) => void): void {
  let since: number | undefined;
  const request = (why: string) => {
    if (since === undefined) {
      since = performance.now();
      end(why);
    } else if (performance.now() - since > SAME_MS) {
      echo.kill();
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => request(signal));
  process.once('disconnect', () => request('the parent ended'));
}

/** Runs until it is told to end; the exit code. */
async function up(fresh: boolean): Promise<number> {
  const settings = loadSettings();
  if (fresh) cleanData(settings.dataDir);
  const echo = new LocalEcho(settings, createOrchestratorProcess);
  const stopped = new Promise<undefined>((resolve) => onEnd(echo, () => resolve(undefined)));
  try {
    const started = await Promise.race([echo.start(), stopped]);
    if (started !== undefined) {
      echo.show(started.service);
      await stopped;
    }
    await echo.close();
    return 0;
  } catch (error) {
    await echo.close(true);
    report(error);
    return 1;
  }
}

/** Starts beside whatever runs, checks the example, stops; the verdict is the last line. The exit code. */
async function check(): Promise<number> {
  const begun = performance.now();
  const settings = await settingsForCheck(loadSettings());
  const echo = new LocalEcho(settings, createOrchestratorProcess);
  const stopped = new Promise<never>((_, reject) => {
    onEnd(echo, (why) => reject(new Error(`stopped by ${why}`)));
  });
  let verdict: { readonly ok: boolean };
  try {
    const started = await Promise.race([echo.start(true), stopped]);
    verdict = await Promise.race([echo.check(started), stopped]);
    await echo.close();
  } catch (error) {
    await echo.close(true);
    report(error);
    verdict = { ok: false, ...problemOf(error) };
  }
  if (verdict.ok) rmSync(settings.dataDir, { recursive: true, force: true, maxRetries: 5 });
  else process.stderr.write(`\nThe logs stay in ${settings.dataDir}\n`);
  const seconds = Number(((performance.now() - begun) / 1000).toFixed(1));
  process.stdout.write(`${JSON.stringify({ ...verdict, seconds })}\n`);
  return verdict.ok ? 0 : 1;
}

function problemOf(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: isEchoError(error) ? error.code : 'ECHO_CHECK_FAILED', message };
}

function report(error: unknown): void {
  if (isEchoError(error)) process.stderr.write(`\n${error.code}: ${error.message}\n${error.remedy}\n`);
  else process.stderr.write(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

const program = new Command('npm start --')
  .description('Starts ECHO on this machine: orchestrator, broker, editor and three real Node-RED gateways.')
  .option('--check', 'run the example beside whatever runs, verify its result, print one JSON object, stop')
  .option('--fresh', 'forget applications, gateways and secrets of earlier starts first')
  .addHelpText('after', '\nSettings come from ECHO_* variables or echo.settings.json; see docs/settings.md.')
  .parse();

let code = 1;
try {
  const { check: wanted, fresh } = program.opts<{ check?: true; fresh?: true }>();
  code = wanted ? await check() : await up(fresh === true);
} catch (error) {
  report(error);
}
process.exit(code);
