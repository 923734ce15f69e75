/** app ls|show|history, diff, stop, start, rm, explain. */
import type { Command } from 'commander';
import type { Explanation } from '../../../placement/types.ts';
import type { AppDetail, AppDiff, AppSummary, StandOptions, VersionSummary } from '../../types.ts';
import { type Context, segment, type WithContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import {
  renderApp,
  renderApps,
  renderDiff,
  renderExplanation,
  renderHistory,
} from '../render/applications.ts';
import { withStanding } from '../stranded.ts';
import { standOptions, standQuery } from './deploy.ts';

const APP = 'id or name of the application';

export function applicationCommands(program: Command, context: WithContext): void {
  const app = program.command('app').description('look at applications');
  app
    .command('ls')
    .description('every application')
    .action((_: object, command: Command) => show<AppSummary[]>(context(command), '/apps', renderApps));
  app
    .command('show')
    .description('one application: its tasks by gateway, its cut wires')
    .argument('<app>', APP)
    .action((id: string, _: object, command: Command) =>
      show<AppDetail>(context(command), `/apps/${segment(id)}`, renderApp),
    );
  app
    .command('history')
    .description('its versions')
    .argument('<app>', APP)
    .action((id: string, _: object, command: Command) =>
      show<VersionSummary[]>(context(command), `/apps/${segment(id)}/history`, renderHistory),
    );
  program
    .command('diff')
    .description('what stands on the gateways against what was deployed there')
    .argument('<app>', APP)
    .action(async (id: string, _: object, command: Command) => {
      const here = context(command);
      const diff = await here.client.ask<AppDiff>(`/apps/${segment(id)}/diff`);
      here.result(diff, () => renderDiff(diff, here.terminal.paint));
      if (!diff.clean) here.exit(EXIT.drift);
    });
  program
    .command('explain')
    .description('why a task is where it is, and why not elsewhere')
    .argument('<app>', APP)
    .argument('<task>', 'id or name of the task')
    .action((id: string, task: string, _: object, command: Command) => {
      const path = `/apps/${segment(id)}/tasks/${segment(task)}/explain`;
      return show<Explanation>(context(command), path, (value, paint) =>
        renderExplanation(value, paint, task),
      );
    });
  lifeCommands(program, context);
}

function lifeCommands(program: Command, context: WithContext): void {
  const turn = (verb: 'stop' | 'start', description: string) => {
    const named = program.command(verb).description(description).argument('<app>', APP);
    (verb === 'stop' ? standOptions(named) : named).action(
      async (id: string, options: StandOptions, command: Command) => {
        const here = context(command);
        await withStanding(here, options, async (chosen) => {
          const path = `/apps/${segment(id)}/${verb}${standQuery(chosen)}`;
          const app = await here.client.ask<AppSummary>(path, { method: 'POST', onProgress: here.progress });
          here.result(app, () => renderApps([app], here.terminal.paint));
        });
      },
    );
  };
  turn('stop', 'take its fragments off the gateways; the application and its versions are kept');
  turn('start', 'deploy its current version again');
  standOptions(program.command('rm'))
    .description('stop an application and forget it with all its versions')
    .argument('<app>', APP)
    .option('-y, --yes', 'do not ask first')
    .action(async (id: string, { yes, ...options }: StandOptions & { yes?: boolean }, command: Command) => {
      const here = context(command);
      if (!(await here.agreed(`Remove ${id} with all its versions?`, yes))) return;
      await withStanding(here, options, async (chosen) => {
        const path = `/apps/${segment(id)}${standQuery(chosen)}`;
        await here.client.ask(path, { method: 'DELETE', onProgress: here.progress });
        here.result({ removed: id }, () => [`${id} is removed.`]);
      });
    });
}

/** Asks for one thing and writes it. */
export async function show<T>(
  context: Context,
  path: string,
  render: (value: T, paint: Context['terminal']['paint']) => readonly string[],
): Promise<void> {
  const value = await context.client.ask<T>(path);
  context.result(value, () => render(value, context.terminal.paint));
}
