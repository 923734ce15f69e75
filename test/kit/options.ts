/** The options of a program that is run from the shell. */
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/**
 * Reads them from the command line. `--help` shows the comment with which the program's file begins, and ends; an option
 * that it does not know, one of `numbers` that is no whole number above zero, or brokers there are none of, end it with
 * code 2.
 */
export function programOptions<T extends Options>(
  options: T,
  numbers: readonly (keyof T & string)[] = [],
): Values<T> {
  const given = process.argv.slice(2);
  if (given.includes('--help') || given.includes('-h')) {
    process.stdout.write(`${headOf(process.argv[1]!)}\n`);
    process.exit(0);
  }
  try {
    const { values } = parseArgs({ options });
    for (const name of numbers) {
      const value = (values as Record<string, unknown>)[name];
      if (value !== undefined && !(Number.isSafeInteger(Number(value)) && Number(value) > 0))
        throw new Error(`--${name} is a whole number above zero, not '${String(value)}'`);
    }
    const { brokers } = values as { readonly brokers?: string };
    if (brokers !== undefined && !/^(mosquitto|aedes)(,(mosquitto|aedes))*$/.test(brokers))
      throw new Error(`--brokers is mosquitto, aedes or both with a comma, not '${brokers}'`);
    return values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${headOf(process.argv[1]!)}\n`);
    process.exit(2);
  }
}

/** The comment at the head of a file, without its frame. */
function headOf(file: string): string {
  const [, comment = ''] = /^\/\*\*\n(.*?)\n \*\//s.exec(readFileSync(file, 'utf8')) ?? [];
  return comment.replaceAll(/^ \* ?/gm, '');
}
