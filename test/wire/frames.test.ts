import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  type AckFrame,
  type DataHeader,
  decodeAck,
  decodeData,
  encodeAck,
  encodeData,
} from '../../src/wire/frames.ts';
import { decodeRecord, encodeRecord, lastSequence, type WireRecord } from '../../src/wire/records.ts';

const record = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<T>;
const u48 = fc.maxSafeNat().map((n) => n % 2 ** 47);
const name = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
const message = fc.record(
  {
    kind: fc.constant('message' as const),
    ts: u48,
    lineage: record({ origin: record({ stream: name, seq: u48 }), id: fc.maxSafeNat() }),
    key: name,
    codec: fc.nat(15),
    body: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  },
  { requiredKeys: ['kind', 'ts', 'codec', 'body'], noNullPrototype: true },
) as fc.Arbitrary<WireRecord>;
const marker = record({
  kind: fc.constant('marker' as const),
  ts: u48,
  code: fc.integer({ min: 128, max: 255 }),
  body: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
}) as fc.Arbitrary<WireRecord>;
const gap = record({
  kind: fc.constant('gap' as const),
  ts: u48,
  to: fc.integer({ min: 1_000, max: 2_000 }),
  reason: fc.constantFrom('overflow', 'lost-tail', 'unreadable'),
}) as fc.Arbitrary<WireRecord>;
const boot = record({ disk: name, count: u48 });
const incarnation = record({ pe: u48, born: u48 });
const header: fc.Arbitrary<DataHeader> = record({
  stream: name,
  incarnation,
  boot,
  start: u48.map((n) => n + 1),
  base: u48.map((n) => n + 1),
  redeliveredTo: u48,
  first: fc.integer({ min: 1, max: 900 }),
  unlogged: fc.boolean(),
});
const ack: fc.Arbitrary<Omit<AckFrame, 'type'>> = fc
  .tuple(name, name, u48, incarnation, boot, fc.array(u48, { minLength: 3, maxLength: 3 }), u48, u48)
  .map(([stream, consumer, ce, inc, b, [x, y, z], credit, want]) => {
    const [stable, done, received] = [x!, y!, z!].sort((p, q) => p - q) as [number, number, number];
    return { stream, consumer, ce, incarnation: inc, boot: b, received, done, stable, credit, want };
  });

describe('frames', () => {
  it('a DATA frame arrives as it was sent', () => {
    const records = fc.array(fc.oneof(message, marker), { maxLength: 10 });
    fc.assert(
      fc.property(header, records, fc.option(gap), (head, list, last) => {
        const all = last === null ? list : [...list, last];
        const decoded = decodeData(encodeData(head, all.map(encodeRecord)));
        assert.ok(decoded.ok);
        const { type, records: got, ...rest } = decoded.frame;
        assert.equal(type, 'data');
        assert.deepEqual(rest, head);
        assert.deepEqual(
          got.map((r) => r.record),
          all,
        );
        assert.deepEqual(
          got.map((r) => r.seq),
          all.map((_, i) => head.first + i),
        );
      }),
    );
  });

  it('an ACK frame arrives as it was sent', () => {
    fc.assert(
      fc.property(ack, (sent) => {
        assert.deepEqual(decodeAck(encodeAck(sent)), { ok: true, frame: { type: 'ack', ...sent } });
      }),
    );
  });

  it('rubbish is a reason, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const decode of [decodeData, decodeAck]) {
          const result = decode(bytes);
          assert.ok(!result.ok && result.reason.length > 0);
        }
        decodeRecord(bytes);
        lastSequence(1, bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('a damaged frame is a reason or another frame, never an exception', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        header,
        fc.array(message, { maxLength: 3 }),
        ack,
        damage,
        fc.nat(),
        (head, list, a, bits, cut) => {
          for (const [frame, decode] of [
            [encodeData(head, list.map(encodeRecord)), decodeData],
            [encodeAck(a), decodeAck],
          ] as const) {
            const bytes = Buffer.from(frame);
            for (const [at, value] of bits) bytes[at % bytes.length] = value;
            decode(bytes);
            assert.ok(
              !decode(frame.subarray(0, cut % frame.length)).ok,
              'a frame that is cut short is refused',
            );
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('a count that promises more records than there are bytes is refused without allocating them', () => {
    const bytes = encodeData(sample, []);
    bytes.writeUInt32BE(0xffff_ffff, bytes.length - 4);
    const result = decodeData(bytes);
    assert.ok(!result.ok && /cut short/.test(result.reason));
  });

  it('another protocol version is refused by number', () => {
    const bytes = encodeData(sample, []);
    bytes[1] = 2;
    assert.deepEqual(decodeData(bytes), { ok: false, reason: 'protocol version 2, expected 1' });
  });
});

const sample: DataHeader = {
  stream: 's',
  incarnation: { pe: 0, born: 1 },
  boot: { disk: 'd', count: 1 },
  start: 1,
  base: 1,
  redeliveredTo: 0,
  first: 1,
  unlogged: false,
};

/** `test/fixtures/wire/<version>/<name>.hex` is what a release sent, `<name>.json` what it meant. */
describe('frames of released versions', () => {
  const root = join(import.meta.dirname, '../fixtures/wire');
  for (const version of readdirSync(root).filter((entry) => /^v\d+$/.test(entry))) {
    for (const file of readdirSync(join(root, version)).filter((f) => f.endsWith('.hex'))) {
      it(`${version}/${file} is still understood, and sent the same`, () => {
        const path = join(root, version, file);
        const hex = readFileSync(path, 'utf8').replaceAll(/\s/g, '');
        const bytes = Buffer.from(hex, 'hex');
        const meant: unknown = JSON.parse(readFileSync(path.replace('.hex', '.json'), 'utf8'));
        const decoded = file.startsWith('ack') ? decodeAck(bytes) : decodeData(bytes);
        assert.ok(decoded.ok);
        assert.deepEqual(toJson(decoded.frame), meant);
        const { frame } = decoded;
        const again =
          frame.type === 'ack'
            ? encodeAck(frame)
            : encodeData(
                frame,
                frame.records.map((r) => encodeRecord(r.record)),
              );
        assert.equal(again.toString('hex'), hex);
      });
    }
  }
});

/** Bytes as hex text. */
function toJson(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, function (this: Record<string, unknown>, key, v) {
      const own = this[key];
      return own instanceof Uint8Array ? Buffer.from(own).toString('hex') : v;
    }),
  );
}
