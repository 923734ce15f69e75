/** plan, deploy, rollback. */
import { type Command, InvalidArgumentError } from 'commander';
import { inQuestion } from '../../../wire/stranded.ts';
import type { Deployment, DeployOptions, Plan, StandOptions } from '../../types.ts';
import { type Context, segment, type WithContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { readFlowFile } from '../flowFile.ts';
import { renderDeployment } from '../render/applications.ts';
import { renderPlan } from '../render/plan.ts';
import { chooseStanding, withStanding } from '../stranded.ts';

interface FlowOptions extends DeployOptions {
  readonly name?: string;
  readonly app?: string;
  readonly yes?: boolean;
}

export function deployCommands(program: Command, context: WithContext): void {
  flowOptions(program.command('plan'))
    .description('what a deploy would change, gateway by gateway, before anything is touched')
    .action((file: string, options: FlowOptions, command: Command) => plan(context(command), file, options));

  flowOptions(program.command('deploy'))
    .description('deploy a flow on every gateway it is placed on, or on none')
    .option('-y, --yes', 'do not show the plan and ask first')
    .action((file: string, options: FlowOptions, command: Command) =>
      deploy(context(command), file, options),
    );

  deployOptions(program.command('rollback'))
    .description('deploy an earlier version of an application again')
    .argument('<app>', 'id or name of the application')
    .argument('<version>', 'the version to go back to (see app history)', wholeNumber)
    .option('-y, --yes', 'do not ask first')
    .action((app: string, version: number, options: FlowOptions, command: Command) =>
      rollback(context(command), app, version, options),
    );
}

function flowOptions(command: Command): Command {
  return deployOptions(command)
    .argument('<flow.json>', 'a Node-RED flow as exported, or "-" for standard input')
    .option('--name <name>', 'name of the application')
    .option('--app <id>', 'id of the application; else the one its tabs carry');
}

function deployOptions(command: Command): Command {
  return standOptions(command)
    .option('--allow-offline', 'complete on gateways that are down when they return')
    .option('--overwrite', 'overwrite what was changed by hand on a gateway')
    .option('--overwrite-draft', 'replace a draft on the canvas that was never deployed')
    .option('--force', 'go on although tasks did not drain in time')
    .option('--if-version <n>', "refuse unless this is the application's current version", wholeNumber);
}

const DRAIN = 'wait for a gateway that is away to return and drain its streams';
const DISCARD = 'give up records that wait in streams that go: declared loss';
const DRAIN_MS = 'how long tasks and streams may take to drain';

/** What may be said of records that wait, where an application goes. */
export function standOptions(command: Command): Command {
  return command
    .option('--drain', DRAIN)
    .option('--discard', DISCARD)
    .option('--drain-ms <ms>', DRAIN_MS, wholeNumber);
}

export function standQuery({ drain, discard, drainMs }: StandOptions): string {
  const search = new URLSearchParams();
  if (drain) search.set('drain', '1');
  if (discard) search.set('discard', '1');
  if (drainMs !== undefined) search.set('drainMs', String(drainMs));
  return search.size === 0 ? '' : `?${search}`;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function requestOf(file: string, options: FlowOptions): unknown {
  const { name, app, yes: _, ...rest } = options;
  const content = readFlowFile(file);
  const wrapped = typeof content === 'object' && content !== null && 'flow' in content;
  return {
    ...(wrapped ? content : { flow: content }),
    ...(name === undefined ? {} : { name }),
    ...(app === undefined ? {} : { application: app }),
    origin: 'cli',
    options: { ...(wrapped ? (content as { options?: object }).options : {}), ...sent(rest) },
  };
}

/** The options the orchestrator knows, without those that every command shares. */
function sent(options: DeployOptions): DeployOptions {
  const { allowOffline, overwrite, overwriteDraft, force, ifVersion, drain, discard, drainMs } = options;
  const all = { allowOffline, overwrite, overwriteDraft, force, ifVersion, drain, discard, drainMs };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function plan(context: Context, file: string, options: FlowOptions): Promise<void> {
  const planned = await context.client.ask<Plan>('/plan', { method: 'POST', body: requestOf(file, options) });
  context.result(planned, () => renderPlan(planned, context.terminal.paint));
  if (planned.blockers.length > 0) context.exit(EXIT.refused);
}

async function deploy(context: Context, file: string, options: FlowOptions): Promise<void> {
  const body = requestOf(file, options);
  if (!options.yes && !context.json && context.terminal.interactive) {
    const planned = await context.client.ask<Plan>('/plan', { method: 'POST', body });
    for (const line of renderPlan(planned, context.terminal.paint)) context.terminal.print(line);
    if (inQuestion(planned.blockers, planned.stranded).length > 0) {
      const choice = await chooseStanding(context);
      if (choice === undefined) return;
      return deployed(context, '/deploy', requestOf(file, { ...options, ...choice }));
    }
    if (planned.blockers.length > 0) return context.exit(EXIT.refused);
    if (planned.unchanged) return;
    if (!(await context.agreed('Deploy it?', false))) return;
  }
  await deployed(context, '/deploy', body);
}

async function rollback(context: Context, app: string, version: number, options: FlowOptions): Promise<void> {
  if (!(await context.agreed(`Deploy version ${version} of ${app} again?`, options.yes))) return;
  await withStanding(context, options, (chosen) =>
    deployed(context, `/apps/${segment(app)}/rollback`, { version, options: sent(chosen) }),
  );
}

async function deployed(context: Context, path: string, body: unknown): Promise<void> {
  const { progress: onProgress } = context;
  const deployment = await context.client.ask<Deployment>(path, { method: 'POST', body, onProgress });
  context.result(deployment, () => [renderDeployment(deployment, context.terminal.paint)]);
}
