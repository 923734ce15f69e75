/**
 * One record of a stream as bytes. The same bytes stand in the producer's log and in DATA frames, so replay copies.
 * A record does not name its sequence number: its place in the log or frame does.
 */
import { MAX_U48, Reader, textSize, Writer } from './bytes.ts';
import type { Lineage } from './lineage.ts';

/** Why a range of sequence numbers carries no messages: declared loss. */
export type GapReason = 'overflow' | 'lost-tail' | 'unreadable';
const gapReasons: readonly GapReason[] = ['overflow', 'lost-tail', 'unreadable'];

export interface MessageRecord {
  readonly kind: 'message';
  /** When it was appended, ms since 1970 by the producer's clock. */
  readonly ts: number;
  /** Absent for a record that is its own origin. */
  readonly lineage?: Lineage;
  /** Reserved for key ranges. */
  readonly key?: string;
  readonly codec: number;
  readonly body: Uint8Array;
}

/** Stands for every sequence from its own to `to`. */
export interface GapRecord {
  readonly kind: 'gap';
  readonly ts: number;
  readonly to: number;
  readonly reason: GapReason;
}

/** Code of the marker in whose place stood a record that is not sent: its cause is delivered again and makes it anew. */
export const VOID_MARKER = 128;

/** A record that is passed over (kinds 128–255): void, or of a later release; takes one sequence number. */
export interface MarkerRecord {
  readonly kind: 'marker';
  readonly ts: number;
  readonly code: number;
  readonly body: Uint8Array;
}

export type WireRecord = MessageRecord | GapRecord | MarkerRecord;

/** A record to be encoded; a body of text stands for its UTF-8. */
export type UnencodedRecord =
  | (Omit<MessageRecord, 'body'> & { readonly body: Uint8Array | string })
  | GapRecord
  | MarkerRecord;

const KIND_MESSAGE = 0;
const KIND_GAP = 1;
const FIRST_MARKER = 128;

const HAS_LINEAGE = 1;
const HAS_KEY = 2;
const CODEC_SHIFT = 4;

export function encodeRecord(record: UnencodedRecord): Buffer {
  switch (record.kind) {
    case 'message':
      return encodeMessageRecord(record);
    case 'gap':
      return new Writer(15)
        .u8(KIND_GAP)
        .u8(0)
        .u48(record.ts)
        .u48(record.to)
        .u8(gapReasons.indexOf(record.reason)).buffer;
    case 'marker':
      return new Writer(8 + record.body.length).u8(record.code).u8(0).u48(record.ts).bytes(record.body)
        .buffer;
  }
}

function encodeMessageRecord(record: Extract<UnencodedRecord, { kind: 'message' }>): Buffer {
  const { ts, lineage, key, codec, body } = record;
  const size =
    8 +
    (lineage === undefined ? 0 : textSize(lineage.origin.stream) + 14) +
    (key === undefined ? 0 : textSize(key)) +
    (typeof body === 'string' ? Buffer.byteLength(body) : body.length);
  const flags = (lineage ? HAS_LINEAGE : 0) | (key === undefined ? 0 : HAS_KEY) | (codec << CODEC_SHIFT);
  const writer = new Writer(size).u8(KIND_MESSAGE).u8(flags).u48(ts);
  if (lineage !== undefined) writer.text(lineage.origin.stream).u48(lineage.origin.seq).u53(lineage.id);
  if (key !== undefined) writer.text(key);
  return (typeof body === 'string' ? writer.utf8(body) : writer.bytes(body)).buffer;
}

/** Undefined for bytes that are no record this release can read or pass over. Never throws. */
export function decodeRecord(bytes: Uint8Array): WireRecord | undefined {
  const reader = new Reader(bytes);
  const record = readRecord(reader);
  return reader.failed ? undefined : record;
}

function readRecord(reader: Reader): WireRecord | undefined {
  const code = reader.u8();
  const flags = reader.u8();
  const ts = reader.u48();
  if (code >= FIRST_MARKER) return { kind: 'marker', ts, code, body: reader.rest() };
  if (code === KIND_GAP) {
    const to = reader.u48();
    const reason = gapReasons[reader.u8()];
    return reason === undefined ? undefined : { kind: 'gap', ts, to, reason };
  }
  if (code !== KIND_MESSAGE) return undefined;
  const lineage =
    flags & HAS_LINEAGE
      ? { origin: { stream: reader.text(), seq: reader.u48() }, id: reader.u53() }
      : undefined;
  const key = flags & HAS_KEY ? reader.text() : undefined;
  return {
    kind: 'message',
    ts,
    ...(lineage === undefined ? {} : { lineage }),
    ...(key === undefined ? {} : { key }),
    codec: flags >> CODEC_SHIFT,
    body: reader.rest(),
  };
}

/** Last sequence an encoded record stands for when its first is `seq`; undefined when it cannot. */
export function lastSequence(seq: number, bytes: Uint8Array): number | undefined {
  if (bytes[0] !== KIND_GAP) return seq;
  const record = decodeRecord(bytes);
  return record?.kind === 'gap' && record.to >= seq && record.to <= MAX_U48 ? record.to : undefined;
}
