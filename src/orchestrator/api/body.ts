/** Request bodies: read up to a limit whatever their content type says, and parsed with the place of a mistake. */
import express, { type RequestHandler } from 'express';
import { jsonMistake } from '../../wire/jsonMistake.ts';
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
    const { line, column, reason } = jsonMistake(error, text);
    throw apiError('ECHO_BODY_NOT_JSON', {
      message: `The body is not JSON: line ${line} column ${column}: ${reason}`,
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
