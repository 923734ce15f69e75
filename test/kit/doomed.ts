/** Starts and kills orchestrators that run as processes of their own; see `doomedOrchestrator.ts`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Disposables } from './cleanup.ts';

const PROGRAM = fileURLToPath(new URL('doomedOrchestrator.ts', import.meta.url));

export interface Doomed {
  readonly url: string;
  readonly brokerUrl: string;
  /** Resolves when it has ended, by the fault point or by `kill`. */
  readonly ended: Promise<unknown>;
  kill(): Promise<void>;
}

/** Starts one; with `point`, a deploy that reaches it kills the process with SIGKILL. */
export async function startDoomed(
  kit: Disposables,
  settings: Readonly<Record<string, unknown>>,
  point?: string,
): Promise<Doomed> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM], {
    env: { ...process.env, DOOM: JSON.stringify({ settings, ...(point === undefined ? {} : { point }) }) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  };
  kit.add(child, kill);
  const line = once(createInterface({ input: child.stdout! }), 'line').then(([text]) => String(text));
  const first = await Promise.race([line, ended.then(() => undefined)]);
  if (first === undefined) throw new Error('the orchestrator ended before it was up');
  return { ...(JSON.parse(first) as { url: string; brokerUrl: string }), ended, kill };
}
