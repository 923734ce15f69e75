/** Request bodies: read up to a limit whatever their content type says, and parsed with the place of a mistake. */
import express, { type RequestHandler } from 'express';
import { apiError } from './errors.ts';

export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Reads every body as bytes (compressed ones too): many clients send JSON under another content type. */
export const readBody: RequestHandler = express.raw({ type: () => true, limit: MAX_BODY_BYTES });

/** The JSON in a body, undefined for an empty one. Throws ECHO_BODY_NOT_JSON with `line L column C`. */
export function parseJson(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  const text = decode(body);
  try {
    return JSON.parse(text);
  } catch (error) {
    const { line, column } = placeOf(error as Error, text);
    throw apiError('ECHO_BODY_NOT_JSON', {
      message: `The body is not JSON: line ${line} column ${column}: ${reason(error as Error)}`,
      where: `line ${line} column ${column}`,
      details: { line, column },
    });
  }
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw apiError('ECHO_BODY_NOT_JSON', { message: 'The body is not UTF-8 text.' });
  }
}

function placeOf(error: Error, text: string): { line: number; column: number } {
  const position = /at position (\d+)/.exec(error.message);
  const before = text.slice(0, position ? Number(position[1]) : firstUnexpected(text));
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
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

/** The parser's words without its quotation of the text, which may hold a secret, and without the position. */
function reason(error: Error): string {
  return error.message
    .replace(/, "[\s\S]*$|, \.\.\.[\s\S]*$/u, '')
    .replace(/ (in JSON )?at position [\s\S]*$/u, '');
}
