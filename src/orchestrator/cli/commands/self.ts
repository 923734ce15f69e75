/** up, top, errors. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { ErrorEntry } from '../../../wire/errors.ts';
import type { GatewayView } from '../../types.ts';
import { type Context, segment, type WithContext } from '../context.ts';
import { baseline, type Look, renderTop, type StreamLook } from '../render/top.ts';
import { type Paint, table } from '../terminal.ts';
import { wholeNumber } from './deploy.ts';

type Entry = ErrorEntry & { readonly code: string };

export function selfCommands(program: Command, context: WithContext): void {
  program
    .command('top')
    .description('gateways and streams, live (Ctrl-C ends it)')
    .option('--once', 'print one picture and end')
    .option('--interval <seconds>', 'seconds between two pictures', wholeNumber, 2)
    .action((options: { once?: boolean; interval: number }, command: Command) =>
      top(context(command), options),
    );
  program
    .command('errors')
    .description('what an error code means and what to do; all of them without a code')
    .argument('[code]', 'for example ECHO_APP_UNKNOWN')
    .action(async (code: string | undefined, _: object, command: Command) => {
      const here = context(command);
      const { paint } = here.terminal;
      if (code === undefined) {
        const all = await here.client.ask<Entry[]>('/errors');
        return here.result(all, () => errorTable(all, paint));
      }
      const entry = await here.client.ask<Entry>(`/errors/${segment(code)}`);
      here.result(entry, () => [`${paint('bold', entry.code)}  ${entry.title}`, `  ${entry.remedy}`]);
    });
  program
    .command('up')
    .description('start ECHO with a fleet of three gateways on this machine (as npm start does)')
    .argument('[options...]', 'passed on')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (options: string[], _: object, command: Command) =>
      context(command).exit(await up(options)),
    );
}

function errorTable(entries: readonly Entry[], paint: Paint): string[] {
  return table(
    [{ title: 'CODE' }, { title: 'MEANING' }],
    entries.map((e) => [e.code, e.title]),
    paint,
  );
}

async function top(
  context: Context,
  { once, interval }: { once?: boolean; interval: number },
): Promise<void> {
  const { terminal } = context;
  const first = await look(context);
  if (once || context.json) return context.result(first, () => renderTop(first, undefined, terminal.paint));
  let before: Look | undefined;
  let now = first;
  for (;;) {
    const lines = renderTop(now, before, terminal.paint);
    // On a terminal the picture replaces the last one; anywhere else pictures follow one another.
    terminal.print(
      terminal.columns === undefined ? `${lines.join('\n')}\n` : `\x1b[H\x1b[2J${lines.join('\n')}`,
    );
    await delay(Math.max(1, interval) * 1000);
    const next = await look(context);
    before = baseline(before, now, next);
    now = next;
  }
}

async function look({ client }: Context): Promise<Look> {
  const [gateways, streams] = await Promise.all([
    client.ask<GatewayView[]>('/gateways'),
    client.ask<StreamLook[]>('/streams'),
  ]);
  return { gateways, streams };
}

/** Its exit code is ours. A signal is passed on, and the child ends in its own time. */
function up(options: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL('../../../../scripts/run.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, 'up', ...options], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
