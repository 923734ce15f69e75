/** Streams, what waits in them and what was set aside, for people. Pure. */
import type { Inspection, RecordView, Replayed } from '../../../wire/operate.ts';
import type { DeadLetterDetailView, DeadLetterView } from '../../types.ts';
import { ago, bytes, type Paint, plural, table } from '../terminal.ts';
import type { StreamLook } from './top.ts';

const STREAMS = [
  { title: 'STREAM' },
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'RATE/S', right: true },
  { title: 'BACKLOG', right: true },
  { title: 'BYTES', right: true },
  { title: 'OLDEST', right: true },
  { title: 'P50/P99 MS', right: true },
  { title: 'AGAIN', right: true },
  { title: 'TWICE', right: true },
  { title: 'LOST', right: true },
  { title: 'UNFOLLOWED', right: true },
  { title: 'DEAD', right: true },
];

export function renderStreams(streams: readonly StreamLook[], paint: Paint): string[] {
  if (streams.length === 0) return ['No cut wires.'];
  return table(
    STREAMS,
    streams.map((stream) => streamRow(stream, paint)),
    paint,
  );
}

function streamRow({ stream, from, to, producer, consumers }: StreamLook, paint: Paint): string[] {
  const most = (values: readonly (number | undefined)[]) => Math.max(0, ...values.map((value) => value ?? 0));
  const lost = most([producer?.lost, ...consumers.map((c) => c.lost)]);
  const sum = (read: (consumer: (typeof consumers)[number]) => number | undefined) =>
    consumers.reduce((total, consumer) => total + (read(consumer) ?? 0), 0);
  const dead = sum((c) => c.dead);
  const unfollowed = sum((c) => c.unfollowed);
  const waits = producer !== undefined && producer.backlog > 0;
  const slowest = consumers.flatMap((c) => c.latencyMs ?? []).toSorted((a, b) => b.p99 - a.p99)[0];
  return [
    stream,
    from.gateway,
    [...new Set(to.map((end) => end.gateway))].join(', '),
    producer?.rate === undefined ? '' : producer.rate.toFixed(1),
    producer === undefined ? '' : String(producer.backlog),
    waits && producer.backlogBytes !== undefined ? bytes(producer.backlogBytes) : '',
    waits && producer.backlogAgeMs !== undefined ? seconds(producer.backlogAgeMs) : '',
    slowest === undefined ? '' : `${slowest.p50.toFixed(0)}/${slowest.p99.toFixed(0)}`,
    String(producer?.retransmitted ?? 0),
    String(sum((c) => c.duplicates)),
    lost > 0 ? paint('red', String(lost)) : '0',
    unfollowed > 0 ? paint('yellow', String(unfollowed)) : '0',
    dead > 0 ? paint('yellow', String(dead)) : '0',
  ];
}

const seconds = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;

const iso = (at: number): string => new Date(at).toISOString();

export function renderInspection({ head, waiting, records }: Inspection, paint: Paint): string[] {
  const summary = `${plural(waiting, 'record')} ${waiting === 1 ? 'waits' : 'wait'}; the last number is ${head}.`;
  return [...records.flatMap((record) => recordLines(record, paint)), summary];
}

function recordLines(
  { seq, to, kind, at, bytes: size, origin, body, truncated }: RecordView,
  paint: Paint,
): string[] {
  const facts = [
    `${ago(iso(at))} old`,
    bytes(size),
    ...(origin === undefined ? [] : [`from ${origin.stream} ${origin.seq}`]),
  ].join(' · ');
  if (kind === 'gap') return [`${paint('bold', `${seq}–${to}`)}  ${paint('red', 'declared lost')}  ${facts}`];
  const rest = truncated ? paint('dim', '…') : '';
  return [
    `${paint('bold', String(seq))}  ${paint('dim', facts)}`,
    ...(body === undefined ? [] : [`  ${body}${rest}`]),
  ];
}

const LETTERS = [
  { title: 'GATEWAY' },
  { title: 'NUMBER', right: true },
  { title: 'STREAM' },
  { title: 'RECORD', right: true },
  { title: 'SET ASIDE' },
  { title: 'ATTEMPTS', right: true },
  { title: 'ERROR' },
];

export function renderLetters(letters: readonly DeadLetterView[], paint: Paint): string[] {
  if (letters.length === 0) return ['Nothing was set aside.'];
  const rows = letters.map(({ gateway, id, stream, seq, at, attempts, error }) => [
    gateway,
    id,
    stream,
    String(seq),
    `${ago(iso(at))} ago`,
    String(attempts),
    error,
  ]);
  return table(LETTERS, rows, paint);
}

export function renderLetter(letter: DeadLetterDetailView, paint: Paint): string[] {
  const facts: readonly (readonly [string, string])[] = [
    [
      'record',
      `${letter.seq}, ${bytes(letter.bytes)}, sent by ${letter.producer} at ${iso(letter.appendedAt)}`,
    ],
    ['set aside', `${iso(letter.at)}, after ${plural(letter.attempts, 'attempt')}`],
    ['reason', letter.reason === 'crash' ? 'it ends the process' : 'its task fails'],
    ['error', letter.error],
  ];
  return [
    `${paint('bold', `${letter.gateway} ${letter.id}`)}  ${letter.stream}`,
    ...facts.map(([name, value]) => `  ${paint('dim', name.padEnd(9))} ${value}`),
    '',
    `${letter.body}${letter.truncated ? paint('dim', '…') : ''}`,
  ];
}

export function renderReplayed({ outcome, error }: Replayed, paint: Paint): string {
  if (outcome === 'done') return `${paint('green', '✓')} Processed; the dead letter is gone.`;
  if (outcome === 'error') return `${paint('red', '✗')} It failed again and is kept: ${error}`;
  return 'Delivered; its task still works on it. The dead letter goes when it succeeds.';
}
