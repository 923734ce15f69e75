/** What every command is given, made from the options that all commands share. */
import type { Command } from 'commander';
import type { Progress } from '../types.ts';
import { Client } from './client.ts';
import { EXIT } from './exit.ts';
import type { Terminal } from './terminal.ts';

export interface Context {
  readonly client: Client;
  readonly terminal: Terminal;
  /** One JSON document on stdout, nothing asked. */
  readonly json: boolean;
  /** Writes the result: as one JSON document, or as lines for people. */
  result(value: unknown, lines: () => readonly string[]): void;
  /** Says a step of long work on stderr. */
  readonly progress: (progress: Progress) => void;
  /** True without asking when `yes` is given or nobody is there to be asked. */
  agreed(question: string, yes: boolean | undefined): Promise<boolean>;
  exit(code: number): void;
}

export interface SharedOptions {
  readonly url: string;
  readonly key?: string;
  readonly json?: boolean;
}

export function createContext(
  options: SharedOptions,
  terminal: Terminal,
  exit: (code: number) => void,
): Context {
  const json = options.json === true;
  return {
    client: new Client(options.url, options.key),
    terminal,
    json,
    result(value, lines) {
      terminal.print(json ? JSON.stringify(value, null, 2) : lines().join('\n'));
    },
    progress: ({ gateway, message }) =>
      terminal.note(`  ${gateway === undefined ? '' : `${gateway}: `}${message}`),
    async agreed(question, yes) {
      if (yes || json || !terminal.interactive) return true;
      const agreed = /^y(es)?$/i.test(await terminal.ask(`${question} [y/N]`));
      if (!agreed) {
        terminal.note('Nothing was done.');
        exit(EXIT.refused);
      }
      return agreed;
    },
    exit,
  };
}

/** Makes the context of a command when it runs. */
export type WithContext = (command: Command) => Context;

export const segment = encodeURIComponent;
