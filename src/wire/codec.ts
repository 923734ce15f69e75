/**
 * A whole Node-RED message as bytes and back. Plain JSON takes the fast path; anything JSON would change (Buffer, Date,
 * Map, typed arrays, NaN, undefined, cycles…) is written by the structured serializer of V8, whose format Node 20 and
 * later share. What neither can carry faithfully is refused, never altered.
 */
import { types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { asBuffer } from './bytes.ts';
import { wireError } from './wireErrors.ts';

export const CODEC_JSON = 0;
export const CODEC_V8 = 1;
export type CodecId = typeof CODEC_JSON | typeof CODEC_V8;

export interface EncodedMessage {
  readonly codec: CodecId;
  readonly body: Buffer;
}

/** Nesting up to here is looked at by the fast path; deeper values (and cycles) go to the structured one. */
const MAX_PLAIN_DEPTH = 64;

/** Text stands for its UTF-8, which is then written at once where it is to stand. */
export interface CarriedMessage {
  readonly codec: CodecId;
  readonly body: Buffer | string;
}

/** Throws ECHO_MESSAGE_NOT_CARRIED with the path of the first property that cannot travel. */
export function encodeMessage(msg: object): EncodedMessage {
  const { codec, body } = carryMessage(msg);
  return { codec, body: typeof body === 'string' ? Buffer.from(body) : body };
}

/** Throws as `encodeMessage`. */
export function carryMessage(msg: object): CarriedMessage {
  if (isPlainJson(msg, 0)) return { codec: CODEC_JSON, body: JSON.stringify(msg) };
  assertCarried(msg);
  try {
    return { codec: CODEC_V8, body: serialize(msg) };
  } catch (cause) {
    throw wireError('ECHO_MESSAGE_NOT_CARRIED', { message: (cause as Error).message, where: 'msg', cause });
  }
}

export type DecodedMessage =
  | { readonly ok: true; readonly msg: object }
  | { readonly ok: false; readonly reason: string };

export function decodeMessage(codec: number, body: Uint8Array): DecodedMessage {
  try {
    const msg: unknown =
      codec === CODEC_JSON
        ? JSON.parse(asBuffer(body).toString())
        : codec === CODEC_V8
          ? deserialize(body)
          : undefined;
    if (typeof msg === 'object' && msg !== null) return { ok: true, msg };
    return { ok: false, reason: codec > CODEC_V8 ? `unknown codec ${codec}` : 'the body is not an object' };
  } catch (error) {
    return { ok: false, reason: (error as Error).message };
  }
}

/** True when JSON brings back an equal value. */
function isPlainJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      if (value === null) return true;
      if (depth >= MAX_PLAIN_DEPTH) return false;
      return Array.isArray(value) ? isPlainArray(value, depth) : isPlainRecord(value, depth);
    default:
      return false;
  }
}

function isPlainArray(value: readonly unknown[], depth: number): boolean {
  let keys = 0;
  for (const key in value) {
    if (!isPlainJson(value[key], depth + 1)) return false;
    keys++;
  }
  return keys === value.length;
}

function isPlainRecord(value: object, depth: number): boolean {
  if (!isPlainObject(value)) return false;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  for (const key in value) {
    if (!isPlainJson((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

/** Objects made in a function node come from another realm: their prototype is that realm's `Object.prototype`. */
function isPlainObject(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null) return true;
  return (
    Object.getPrototypeOf(proto) === null &&
    Object.hasOwn(proto as object, 'isPrototypeOf') &&
    !types.isProxy(value) &&
    Object.prototype.toString.call(value) === '[object Object]'
  );
}

interface Visit {
  readonly value: unknown;
  readonly key: string;
  readonly parent: Visit | undefined;
}

/** Walks without recursion, each object once, so that depth and cycles do not matter. */
function assertCarried(msg: object): void {
  const seen = new Set<object>();
  const open: Visit[] = [{ value: msg, key: 'msg', parent: undefined }];
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const { value } = visit;
    if (typeof value === 'function' || typeof value === 'symbol')
      throw notCarried(visit, `a ${typeof value}`);
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    for (const [key, child] of childrenOf(visit, value)) open.push({ value: child, key, parent: visit });
  }
}

function childrenOf(visit: Visit, value: object): Iterable<[string, unknown]> {
  if (types.isMap(value)) {
    return [...value].flatMap(([k, v], i): [string, unknown][] => [
      [`<key ${i}>`, k],
      [String(k), v],
    ]);
  }
  if (types.isSet(value)) return [...value].map((v, i): [string, unknown] => [String(i), v]);
  if (isLeaf(value)) return [];
  if (Array.isArray(value) || isPlainObject(value) || types.isNativeError(value))
    return Object.entries(value);
  throw notCarried(visit, `an instance of ${value.constructor?.name || 'an unnamed class'}`);
}

function isLeaf(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isArrayBuffer(value) ||
    types.isBoxedPrimitive(value)
  );
}

function notCarried(visit: Visit, what: string): Error {
  const path: string[] = [];
  for (let v: Visit | undefined = visit; v !== undefined; v = v.parent) path.unshift(v.key);
  const where = path.join('.');
  return wireError('ECHO_MESSAGE_NOT_CARRIED', {
    message: `${where} is ${what}, which cannot travel to another gateway`,
    where,
  });
}
