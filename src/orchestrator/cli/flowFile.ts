/** Reads the flow a command names. */
import { readFileSync } from 'node:fs';
import { jsonMistake } from '../../wire/jsonMistake.ts';
import { cliError } from './errors.ts';

/** The JSON in a file, or on standard input for `-`. Throws ECHO_CLI_FILE_UNREADABLE or ECHO_CLI_FILE_NOT_JSON. */
export function readFlowFile(path: string): unknown {
  const name = path === '-' ? 'standard input' : path;
  const text = read(path, name);
  try {
    return JSON.parse(text);
  } catch (error) {
    const { line, column, reason } = jsonMistake(error, text);
    throw cliError('ECHO_CLI_FILE_NOT_JSON', {
      message: `${name} is not JSON: line ${line} column ${column}: ${reason}`,
      where: `${name} line ${line} column ${column}`,
    });
  }
}

function read(path: string, name: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw cliError('ECHO_CLI_FILE_UNREADABLE', {
      message: `${name} cannot be read: ${(error as Error).message}`,
      where: name,
    });
  }
}
