/** The command line of echoctl. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type Shown, shown } from './client.ts';
import { applicationCommands } from './commands/applications.ts';
import { deployCommands } from './commands/deploy.ts';
import { gatewayCommands } from './commands/gateways.ts';
import { selfCommands } from './commands/self.ts';
import { streamCommands } from './commands/streams.ts';
import { type Context, createContext, type SharedOptions } from './context.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT_URL = 'http://127.0.0.1:8099';

/** Runs one command line (without the program's own name) and returns its exit code (docs/cli.md). */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = EXIT.ok;
  const context = (command: Command): Context =>
    createContext(command.optsWithGlobals<SharedOptions>(), terminal, (given) => {
      code = given;
    });
  const program = createProgram(context);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const known = shown(error);
    if (known === undefined) throw error;
    if (args.includes('--json')) terminal.print(JSON.stringify({ error: known }, null, 2));
    else for (const line of errorLines(known, terminal)) terminal.note(line);
    return exitCodeOf(known);
  }
}

/** What, where, what to do. */
function errorLines({ code, detail, where, remedy }: Shown, { paintNote }: Terminal): string[] {
  return [
    `${paintNote('red', 'error')} ${paintNote('bold', code)}: ${detail}`,
    ...(where === undefined || detail.includes(where) ? [] : [`  where:  ${where}`]),
    `  remedy: ${remedy}`,
  ];
}

function createProgram(context: (command: Command) => Context): Command {
  const program = new Command('echoctl')
    .description('One Node-RED flow over many gateways: plan it, deploy it, watch it.')
    .version(version(), '-V, --version')
    .addOption(
      new Option('--url <url>', 'the orchestrator')
        .env('ECHO_URL')
        .default(DEFAULT_URL)
        .argParser(webAddress),
    )
    .addOption(new Option('--key <key>', 'its API key').env('ECHO_API_KEY'))
    .option('--json', 'one JSON document on standard output; progress on standard error')
    .showHelpAfterError('(see echoctl help)')
    .configureHelp({ showGlobalOptions: true })
    .helpCommand('help [command]', 'help for a command')
    .exitOverride();
  deployCommands(program, context);
  applicationCommands(program, context);
  gatewayCommands(program, context);
  streamCommands(program, context);
  selfCommands(program, context);
  inherit(program);
  return program;
}

function webAddress(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new InvalidArgumentError('It must be a URL such as http://127.0.0.1:8099.');
  }
  return text;
}

/** Every command throws instead of exiting, as the program does. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
