/** Names the place of a mistake in JSON text, which V8 does not always do. Pure. */

export interface JsonMistake {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The parser's words, without a quotation of the text: it may hold a secret. */
  readonly reason: string;
}

/** What `JSON.parse(text)` stumbled over when it threw `error`. */
export function jsonMistake(error: unknown, text: string): JsonMistake {
  const { message } = error as Error;
  const position = /at position (\d+)/.exec(message);
  const before = text.slice(0, position ? Number(position[1]) : firstUnexpected(text));
  return {
    line: before.split('\n').length,
    column: before.length - before.lastIndexOf('\n'),
    reason: message
      .replace(/, "[\s\S]*$|, \.\.\.[\s\S]*$/u, '')
      .replace(/ (in JSON )?at position [\s\S]*$/u, ''),
  };
}

/**
 * Where the token is that the parser did not expect: the one mistake V8 gives no position for. A text cut before
 * the token fails otherwise (it ends too early), a longer one fails alike, so halving finds it.
 */
function firstUnexpected(text: string): number {
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUnexpected(text.slice(0, middle))) bad = middle;
    else good = middle;
  }
  return good;
}

function isUnexpected(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return (error as Error).message.startsWith('Unexpected token');
  }
}
