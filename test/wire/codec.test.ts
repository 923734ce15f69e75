import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { CODEC_JSON, CODEC_V8, decodeMessage, encodeMessage } from '../../src/wire/codec.ts';
import { type EchoError, isEchoError } from '../../src/wire/errors.ts';

function carried(msg: object): { codec: number; msg: object } {
  const { codec, body } = encodeMessage(msg);
  const decoded = decodeMessage(codec, body);
  assert.ok(decoded.ok);
  return { codec, msg: decoded.msg };
}

describe('message codec', () => {
  it('carries any JSON message as JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (msg) => {
        const plain = JSON.parse(JSON.stringify(msg)) as object;
        const result = carried(plain);
        assert.equal(result.codec, CODEC_JSON);
        assert.deepEqual(result.msg, plain);
      }),
    );
  });

  const special: Record<string, unknown> = {
    'a Buffer': Buffer.from([0, 1, 255]),
    'a Date': new Date(1234567890123),
    'an invalid Date': new Date(Number.NaN),
    'a Map': new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'b'])]]),
    'a Set': new Set([Number.NaN]),
    'a Float64Array': new Float64Array([1.5, Number.NaN, -0]),
    'a view into a larger buffer': new Uint16Array(new Uint16Array([1, 2, 3, 4]).buffer, 2, 2),
    'an ArrayBuffer': new Uint8Array([1, 2]).buffer,
    NaN: Number.NaN,
    Infinity: Number.POSITIVE_INFINITY,
    'minus zero': -0,
    undefined: undefined,
    'a BigInt': 2n ** 80n,
    'a RegExp': /a+b/giu,
    'an array with a hole': Object.assign(new Array(3), { 0: 1, 2: 3 }),
    'an array with a property': Object.assign([1], { extra: true }),
    'a lone surrogate': '\ud800',
  };
  for (const [name, value] of Object.entries(special)) {
    it(`carries ${name}, nested too`, () => {
      const msg = { payload: value, deep: { list: [{ value }] } };
      assert.deepEqual(carried(msg).msg, msg);
    });
  }

  it('carries cycles, and nesting deeper than the fast path looks', () => {
    const cyclic: { self?: object; n: number } = { n: 1 };
    cyclic.self = cyclic;
    const back = carried(cyclic).msg as typeof cyclic;
    assert.equal(back.self, back);
    let deep: object = {};
    for (let i = 0; i < 500; i++) deep = { deep };
    assert.equal(carried(deep).codec, CODEC_V8);
  });

  it('carries what another realm made (a function node) as plain JSON', () => {
    const msg = runInContext('({ payload: { list: [1, { a: "b" }] } })', createContext({})) as object;
    const result = carried(msg);
    assert.equal(result.codec, CODEC_JSON);
    assert.deepEqual(result.msg, { payload: { list: [1, { a: 'b' }] } });
  });

  it('carries Buffers and Dates that another realm made', () => {
    const context = createContext({ Buffer });
    const msg = runInContext('({ b: Buffer.from("x"), d: new Date(5), m: new Map([[1, 2]]) })', context);
    assert.deepEqual(carried(msg as object).msg, {
      b: Buffer.from('x'),
      d: new Date(5),
      m: new Map([[1, 2]]),
    });
  });

  class Point {
    x = 1;
  }
  const refused: [string, object, string][] = [
    ['a function', { payload: { fn: () => 1 } }, 'msg.payload.fn'],
    ['a symbol', { a: [Symbol('x')] }, 'msg.a.0'],
    ['a class instance', { payload: new Point() }, 'msg.payload'],
    ['a socket', { req: { socket: new Socket() } }, 'msg.req.socket'],
    ['an event emitter in a Map', { m: new Map([['e', new EventEmitter()]]) }, 'msg.m.e'],
    ['a promise beside a Buffer', { b: Buffer.alloc(1), p: Promise.resolve() }, 'msg.p'],
    ['a WeakMap', { w: new WeakMap() }, 'msg.w'],
    ['shared memory', { s: new SharedArrayBuffer(4) }, 'msg.s'],
    ['an object with toJSON', { t: { toJSON: () => 1 } }, 'msg.t.toJSON'],
  ];
  for (const [name, msg, where] of refused) {
    it(`refuses ${name} and says where it is`, () => {
      assert.throws(
        () => encodeMessage(msg),
        (error) => isEchoError(error, 'ECHO_MESSAGE_NOT_CARRIED') && (error as EchoError).where === where,
      );
    });
  }

  it('reads what Node 20 wrote, and writes the same format', () => {
    const path = join(import.meta.dirname, '../fixtures/wire/codec-node20.hex');
    const body = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
    const msg = {
      _msgid: 'a',
      payload: Buffer.from('bytes'),
      when: new Date(1),
      map: new Map([[1, new Set(['x'])]]),
      list: new Float32Array([1.5]),
      nan: Number.NaN,
      none: undefined,
      big: 12345678901234567890n,
    };
    assert.deepEqual(decodeMessage(CODEC_V8, body), { ok: true, msg });
    assert.deepEqual(encodeMessage(msg).body, body);
  });

  it('answers rubbish with a reason', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 15 }), fc.uint8Array({ maxLength: 200 }), (codec, bytes) => {
        const result = decodeMessage(codec, bytes);
        assert.ok(result.ok ? typeof result.msg === 'object' : result.reason.length > 0);
      }),
    );
  });
});
