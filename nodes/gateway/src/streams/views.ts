/** Records and messages as an operator sees them: JSON text, cut where it is too long. Pure. */
import { decodeMessage } from '../../../../src/wire/codec.ts';
import type { RecordView } from '../../../../src/wire/operate.ts';
import { decodeRecord, type MessageRecord } from '../../../../src/wire/records.ts';
import type { LogEntry } from './Segment.ts';
import type { StreamLog } from './StreamLog.ts';

const READ_BYTES = 64 * 1024;

export interface Preview {
  readonly body: string;
  readonly truncated: boolean;
}

/** The message as JSON, at most `length` characters of it. */
export function previewOf({ codec, body }: MessageRecord, length: number): Preview {
  const decoded = decodeMessage(codec, body);
  const text = decoded.ok ? toJson(decoded.msg) : `unreadable: ${decoded.reason}`;
  return { body: text.slice(0, length), truncated: text.length > length };
}

function viewOf({ seq, to, payload }: LogEntry, preview: number): RecordView {
  const record = decodeRecord(payload);
  const basis = {
    seq,
    to,
    kind: record?.kind ?? 'marker',
    at: record?.ts ?? 0,
    bytes: payload.length,
  } as const;
  if (record?.kind !== 'message') return basis;
  const origin = record.lineage?.origin;
  return { ...basis, ...(origin === undefined ? {} : { origin }), ...previewOf(record, preview) };
}

/** The first `limit` records from a sequence on. */
export function viewsFrom(
  log: Pick<StreamLog, 'head' | 'read'>,
  from: number,
  limit: number,
  preview: number,
): RecordView[] {
  const records: RecordView[] = [];
  for (let next = from; records.length < limit; next = records.at(-1)!.to + 1) {
    const entries = log.read(next, log.head, READ_BYTES).slice(0, limit - records.length);
    if (entries.length === 0) break;
    records.push(...entries.map((entry) => viewOf(entry, preview)));
  }
  return records;
}

/** What JSON has no word for is named by its kind. */
function toJson(value: unknown): string {
  const above: unknown[] = [];
  return JSON.stringify(value, function (this: unknown, _key, inner: unknown) {
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (typeof inner === 'bigint') return `${inner}n`;
    if (inner instanceof Map || inner instanceof Set) return { [inner.constructor.name]: [...inner] };
    if (ArrayBuffer.isView(inner) && !(inner instanceof DataView) && !Buffer.isBuffer(inner))
      return { [inner.constructor.name]: [...(inner as Uint8Array).subarray(0, 64)] };
    if (typeof inner !== 'object' || inner === null) return inner;
    if (above.includes(inner)) return '(cycle)';
    above.push(inner);
    return inner;
  });
}
