/** Runs echoctl as a child process, as a shell would. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const MAIN = fileURLToPath(new URL('../../../src/orchestrator/cli/main.ts', import.meta.url));

export function echoctl(
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Record<string, string>; readonly main?: string } = {},
): Promise<Ran> {
  const { ECHO_URL: _u, ECHO_API_KEY: _k, FORCE_COLOR: _f, ...env } = process.env;
  const child = spawn(process.execPath, [options.main ?? MAIN, ...args], { env: { ...env, ...options.env } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}
