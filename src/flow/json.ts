/** Flow text → JSON value, with errors that name line and column. */
import { flowError } from './errors.ts';

/** Largest nesting of objects and arrays inside a flow; Node-RED's own flows stay below 20. */
export const MAX_DEPTH = 100;

/** Throws ECHO_FLOW_NOT_JSON with `where` = `line 3, column 14`. A leading byte order mark is ignored. */
export function parseJson(text: string): unknown {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(body);
  } catch (error) {
    const reason = (error as Error).message;
    const position = /at position (\d+)/.exec(reason)?.[1];
    const where = lineAndColumn(body, position === undefined ? body.length : Number(position));
    throw flowError('ECHO_FLOW_NOT_JSON', { message: `${where}: ${plain(reason)}`, where });
  }
}

/** The engine's message without the position it repeats and without long excerpts of the text. */
const plain = (reason: string): string => {
  const text = reason.replace(/ (?:in JSON )?at position \d+(?: \(line \d+ column \d+\))?/, '');
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
};

function lineAndColumn(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** True when a value nests deeper than `MAX_DEPTH`; does not recurse, so that no input can exhaust the stack. */
export function nestsTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    const next: unknown[] = [];
    for (const v of level) {
      if (typeof v === 'object' && v !== null) for (const inner of Object.values(v)) next.push(inner);
    }
    level = next;
  }
  return false;
}
