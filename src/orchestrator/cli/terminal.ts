/** Where echoctl writes: results to stdout, everything on the way to stderr; colour only for people. */
import { createInterface } from 'node:readline/promises';
import { stripVTControlCharacters, styleText } from 'node:util';

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'blue' | 'magenta' | 'gray' | 'bold' | 'dim';
export type Paint = (colour: Colour, text: string) => string;

export interface Terminal {
  /** Colours text for stdout, or leaves it when stdout is no terminal. */
  readonly paint: Paint;
  /** The same for stderr. */
  readonly paintNote: Paint;
  /** A line of the result. */
  print(text: string): void;
  /** A line about the way there. */
  note(text: string): void;
  /** Whether somebody can be asked. */
  readonly interactive: boolean;
  /** Width of stdout in columns; undefined when it is no terminal. */
  readonly columns: number | undefined;
  /** What somebody types in answer. */
  ask(question: string): Promise<string>;
}

export function processTerminal(): Terminal {
  return {
    paint: paintFor(process.stdout),
    paintNote: paintFor(process.stderr),
    print: (text) => process.stdout.write(`${text}\n`),
    note: (text) => process.stderr.write(`${text}\n`),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    async ask(question) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return (await lines.question(`${question} `)).trim();
      } finally {
        lines.close();
      }
    },
  };
}

const plain: Paint = (_, text) => text;

/** Colours only on a terminal that has them; `hasColors` minds NO_COLOR. */
function paintFor(stream: NodeJS.WriteStream): Paint {
  if (stream.isTTY !== true || !stream.hasColors()) return plain;
  return (colour, text) => styleText(colour, text, { validateStream: false });
}

/** Columns the text takes, colours left out. */
export const width = (text: string): number => [...stripVTControlCharacters(text)].length;

export const padEnd = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - width(text)));

export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - width(text))) + text;

export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Aligned rows under a dim heading. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string[] {
  const widths = columns.map(({ title }, i) =>
    Math.max(width(title), ...rows.map((row) => width(row[i] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ right }, i) => (right ? padStart : padEnd)(cells[i] ?? '', widths[i]!))
      .join('  ')
      .trimEnd();
  return [paint('dim', line(columns.map(({ title }) => title))), ...rows.map(line)];
}

export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** `840 B`, `12 KB`, `3.4 MB`. */
export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  if (count < 1_000_000) return `${Math.round(count / 1_000)} KB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

/** `3 s`, `5 min`, `2 h`, `4 d` since an ISO time. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (Number.isNaN(seconds)) return iso;
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
