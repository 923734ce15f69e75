/**
 * DATA and ACK frames, the payloads of the data topics. Big-endian; layout in docs/PROTOCOL.md. Decoders never throw
 * and allocate no more than a few times the packet.
 */
import { MAX_U48, Reader, textSize, Writer } from './bytes.ts';
import type { Boot } from './control.ts';
import { decodeRecord, type WireRecord } from './records.ts';
import type { Incarnation } from './stream.ts';
import { PROTOCOL_VERSION } from './topics.ts';

export const FRAME_MAGIC = 0xec;
const TYPE_DATA = 1;
const TYPE_ACK = 2;

const FLAG_UNLOGGED = 1;

export interface DataHeader {
  readonly stream: string;
  readonly incarnation: Incarnation;
  /** The boot of the consumer the records are meant for; `disk` is empty while none is known. */
  readonly boot: Boot;
  /** The consumer is owed nothing below this; below what it waits for, it skips to here without loss. */
  readonly start: number;
  /** Lowest sequence the sender can still send to this consumer; what it misses below is lost, and said so. */
  readonly base: number;
  /** Records up to here may have been delivered to an earlier boot of the consumer; 0 for none. */
  readonly redeliveredTo: number;
  /** Sequence of the first record; in a frame without records (a probe), the next to be sent. */
  readonly first: number;
  /** Sent without a log: not acknowledged, not repeated. */
  readonly unlogged: boolean;
}

export interface SequencedRecord {
  readonly seq: number;
  /** Last sequence it stands for; above `seq` for a GAP only. */
  readonly to: number;
  readonly record: WireRecord;
}

export interface DataFrame extends DataHeader {
  readonly type: 'data';
  readonly records: readonly SequencedRecord[];
}

export interface AckFrame {
  readonly type: 'ack';
  readonly stream: string;
  readonly consumer: string;
  /** Consumer epoch; 0 until tasks move. */
  readonly ce: number;
  /** The log the numbers speak of. */
  readonly incarnation: Incarnation;
  readonly boot: Boot;
  /** In memory of this boot, contiguous: nothing up to here is sent again. */
  readonly received: number;
  /** The tasks have finished with everything up to here. */
  readonly done: number;
  /** Survives a crash of the consumer: may leave the log. */
  readonly stable: number;
  /** Highest sequence the sender may send. */
  readonly credit: number;
  /** Go back to this sequence; 0 when nothing is missing. */
  readonly want: number;
}

export type Decoded<T> =
  | { readonly ok: true; readonly frame: T }
  | { readonly ok: false; readonly reason: string };

/** `payloads`: encoded records, consecutive from `header.first`. */
export function encodeData(header: DataHeader, payloads: readonly Uint8Array[]): Buffer {
  let size = 4 + textSize(header.stream) + textSize(header.boot.disk) + 46;
  for (const payload of payloads) size += 4 + payload.length;
  const writer = new Writer(size)
    .u8(FRAME_MAGIC)
    .u8(PROTOCOL_VERSION)
    .u8(TYPE_DATA)
    .u8(header.unlogged ? FLAG_UNLOGGED : 0)
    .text(header.stream)
    .u48(header.incarnation.pe)
    .u48(header.incarnation.born)
    .text(header.boot.disk)
    .u48(header.boot.count)
    .u48(header.start)
    .u48(header.base)
    .u48(header.redeliveredTo)
    .u48(header.first)
    .u32(payloads.length);
  for (const payload of payloads) writer.u32(payload.length).bytes(payload);
  return writer.buffer;
}

export function decodeData(bytes: Uint8Array): Decoded<DataFrame> {
  const reader = new Reader(bytes);
  const problem = frameProblem(reader, TYPE_DATA);
  if (problem !== undefined) return { ok: false, reason: problem };
  const unlogged = (reader.u8() & FLAG_UNLOGGED) !== 0;
  const header = {
    stream: reader.text(),
    incarnation: { pe: reader.u48(), born: reader.u48() },
    boot: { disk: reader.text(), count: reader.u48() },
    start: reader.u48(),
    base: reader.u48(),
    redeliveredTo: reader.u48(),
    first: reader.u48(),
    unlogged,
  };
  const count = reader.u32();
  if (reader.failed) return { ok: false, reason: 'the header is cut short' };
  if (header.stream === '' || header.first < 1 || header.base < 1 || header.start < 1)
    return { ok: false, reason: 'a header field is out of range' };
  const records = readRecords(reader, header.first, count);
  if (typeof records === 'string') return { ok: false, reason: records };
  if (reader.left > 0) return { ok: false, reason: `${reader.left} bytes after the last record` };
  return { ok: true, frame: { type: 'data', ...header, records } };
}

function readRecords(reader: Reader, first: number, count: number): SequencedRecord[] | string {
  const records: SequencedRecord[] = [];
  let seq = first;
  for (let i = 0; i < count; i++) {
    const bytes = reader.bytes(reader.u32());
    if (reader.failed) return `record ${i} of ${count} is cut short`;
    const record = decodeRecord(bytes);
    const to = record?.kind === 'gap' ? record.to : seq;
    if (record === undefined || to < seq || to >= MAX_U48) return `record ${i} of ${count} is unreadable`;
    records.push({ seq, to, record });
    seq = to + 1;
  }
  return records;
}

export function encodeAck(ack: Omit<AckFrame, 'type'>): Buffer {
  const size = 4 + textSize(ack.stream) + textSize(ack.consumer) + textSize(ack.boot.disk) + 54;
  return new Writer(size)
    .u8(FRAME_MAGIC)
    .u8(PROTOCOL_VERSION)
    .u8(TYPE_ACK)
    .u8(0)
    .text(ack.stream)
    .text(ack.consumer)
    .u48(ack.ce)
    .u48(ack.incarnation.pe)
    .u48(ack.incarnation.born)
    .text(ack.boot.disk)
    .u48(ack.boot.count)
    .u48(ack.received)
    .u48(ack.done)
    .u48(ack.stable)
    .u48(ack.credit)
    .u48(ack.want).buffer;
}

export function decodeAck(bytes: Uint8Array): Decoded<AckFrame> {
  const reader = new Reader(bytes);
  const problem = frameProblem(reader, TYPE_ACK);
  if (problem !== undefined) return { ok: false, reason: problem };
  reader.u8();
  const frame: AckFrame = {
    type: 'ack',
    stream: reader.text(),
    consumer: reader.text(),
    ce: reader.u48(),
    incarnation: { pe: reader.u48(), born: reader.u48() },
    boot: { disk: reader.text(), count: reader.u48() },
    received: reader.u48(),
    done: reader.u48(),
    stable: reader.u48(),
    credit: reader.u48(),
    want: reader.u48(),
  };
  if (reader.failed) return { ok: false, reason: 'the frame is cut short' };
  if (reader.left > 0) return { ok: false, reason: `${reader.left} bytes after the frame` };
  if (frame.stream === '' || frame.consumer === '' || frame.boot.disk === '')
    return { ok: false, reason: 'a name is empty' };
  if (frame.done > frame.received || frame.stable > frame.done)
    return { ok: false, reason: 'stable ≤ done ≤ received does not hold' };
  return { ok: true, frame };
}

function frameProblem(reader: Reader, type: number): string | undefined {
  if (reader.u8() !== FRAME_MAGIC) return 'not an ECHO frame';
  const version = reader.u8();
  if (version !== PROTOCOL_VERSION) return `protocol version ${version}, expected ${PROTOCOL_VERSION}`;
  const found = reader.u8();
  return found === type ? undefined : `frame type ${found}, expected ${type}`;
}
