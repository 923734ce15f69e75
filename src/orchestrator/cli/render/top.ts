/** The live view of `echoctl top`. Pure: two looks at the fleet make a picture. */
import type { GatewayView } from '../../types.ts';
import { type Paint, table } from '../terminal.ts';
import { renderGateways } from './gateways.ts';

/** What the view reads of `GET /api/v1/streams`. */
export interface StreamLook {
  readonly stream: string;
  readonly from: { readonly name: string; readonly node: string; readonly gateway: string };
  readonly to: readonly { readonly name: string; readonly node: string; readonly gateway: string }[];
  readonly producer?: {
    readonly at: number;
    readonly appended: number;
    readonly backlog: number;
    readonly lost: number;
    readonly retransmitted?: number;
    readonly backlogBytes?: number;
    readonly backlogAgeMs?: number;
    readonly rate?: number;
  };
  readonly consumers: readonly {
    readonly delivered: number;
    readonly repeated: number;
    readonly lost: number;
    readonly latencyMs?: { readonly p50: number; readonly p99: number };
    readonly duplicates?: number;
    readonly unfollowed?: number;
    readonly dead?: number;
  }[];
}

export interface Look {
  readonly gateways: readonly GatewayView[];
  readonly streams: readonly StreamLook[];
}

export function renderTop(look: Look, before: Look | undefined, paint: Paint): string[] {
  const earlier = new Map(before?.streams.map((stream) => [stream.stream, stream]));
  const rows = look.streams.map((stream) => streamRow(stream, earlier.get(stream.stream), paint));
  const streams = rows.length === 0 ? ['No cut wires.'] : table(STREAM_COLUMNS, rows, paint);
  return [...renderGateways(look.gateways, paint), '', ...streams];
}

/** The look to measure `next` against: for a stream that has not reported since `now`, still the one before it. */
export function baseline(before: Look | undefined, now: Look, next: Look): Look {
  const at = (look: Look | undefined, name: string) => look?.streams.find(({ stream }) => stream === name);
  const streams = now.streams.map((stream) => {
    const reported = at(next, stream.stream)?.producer?.at !== stream.producer?.at;
    return reported ? stream : (at(before, stream.stream) ?? stream);
  });
  return { gateways: now.gateways, streams };
}

const STREAM_COLUMNS = [
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'RATE/S', right: true },
  { title: 'APPENDED', right: true },
  { title: 'DELIVERED', right: true },
  { title: 'BACKLOG', right: true },
  { title: 'LOST', right: true },
  { title: 'REPEATED', right: true },
];

function streamRow(stream: StreamLook, before: StreamLook | undefined, paint: Paint): string[] {
  const { from, to, producer, consumers } = stream;
  const sum = (read: (c: StreamLook['consumers'][number]) => number) =>
    consumers.reduce((s, c) => s + read(c), 0);
  const lost = Math.max(producer?.lost ?? 0, ...consumers.map((c) => c.lost));
  const repeated = sum((c) => c.repeated);
  return [
    `${from.name || from.node} (${from.gateway})`,
    to.map((end) => `${end.name || end.node} (${end.gateway})`).join(', '),
    rate(producer, before?.producer),
    producer === undefined ? '' : String(producer.appended),
    consumers.length === 0 ? '' : String(sum((c) => c.delivered)),
    producer === undefined ? '' : String(producer.backlog),
    lost > 0 ? paint('red', String(lost)) : '0',
    repeated > 0 ? paint('yellow', String(repeated)) : '0',
  ];
}

/** Records a second between two heartbeats; blank when there is only one, or the gateway restarted between. */
function rate(now: StreamLook['producer'], before: StreamLook['producer']): string {
  if (now === undefined || before === undefined || now.at <= before.at || now.appended < before.appended)
    return '';
  return (((now.appended - before.appended) * 1000) / (now.at - before.at)).toFixed(1);
}
