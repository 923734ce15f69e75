/**
 * What would be lost of the streams a deploy changes, PURE: which of them drain first, which forbid the deploy, and
 * which are given up because the user said so.
 */
import type { CutStream } from '../../flow/types.ts';
import type { OutStreamStatus } from '../../wire/control.ts';
import type { Problem, StrandedStream } from '../types.ts';
import { deployError } from './errors.ts';
import { problemOf } from './look.ts';

/** What the producer's gateway last reported of a stream, and when by its own clock. */
export type LastStatus = (
  stream: CutStream,
) => { readonly status: OutStreamStatus; readonly at: number } | undefined;

export interface StrandedInput {
  /** Streams that carry messages now and lose their producer, or a consumer that nobody takes over from. */
  readonly changed: readonly CutStream[];
  /** The same streams afterwards. */
  readonly after: readonly CutStream[];
  readonly away: (gateway: string) => boolean;
  readonly last: LastStatus;
  readonly stranding: Stranding;
}

/** What becomes of records that wait. */
export interface Stranding {
  /** Wait for gateways that are away, or give up what waits; default: refuse. */
  readonly choice?: 'drain' | 'discard';
  /** Refuse too what has waited longer than this, ms: it will hardly drain by itself. */
  readonly refuseFrom?: number;
}

export interface Stranded {
  /** With a backlog that is known. */
  readonly streams: readonly StrandedStream[];
  readonly draining: readonly string[];
  readonly blockers: readonly Problem[];
  readonly warnings: readonly { readonly code: string; readonly where: string; readonly message: string }[];
}

export function strandedOf(input: StrandedInput): Stranded {
  const judged = input.changed.map((stream) => judge(input, stream));
  return {
    streams: judged.flatMap(({ found }) => (found.records === 0 ? [] : [found])),
    draining: judged.flatMap(({ found }) => (found.action === 'drain' ? [found.stream] : [])),
    blockers: judged.flatMap(({ found }) => (found.action === 'refuse' ? [refusal(found)] : [])),
    warnings: judged.flatMap((each) => warningsOf(each)),
  };
}

interface Judged {
  readonly found: StrandedStream;
  readonly known: boolean;
}

function judge({ after, away, last, stranding }: StrandedInput, stream: CutStream): Judged {
  const { choice, refuseFrom = Number.POSITIVE_INFINITY } = stranding;
  const told = last(stream);
  const left = leaving(stream, after);
  const missing = participants(stream).filter(away);
  const backlog: Backlog = told === undefined ? { records: 0 } : backlogOf(told.status, told.at, left);
  const producerAway = away(stream.from.gateway);
  const action = (): StrandedStream['action'] => {
    if (choice === 'discard') return 'discard';
    const stands = backlog.records > 0 && (backlog.ageMs ?? 0) >= refuseFrom;
    if (choice === 'drain' ? !producerAway : missing.length === 0 && !stands) return 'drain';
    if (backlog.records > 0 && left.length > 0) return 'refuse';
    // Nothing is known to wait: where the producer can be asked it is asked once more.
    return producerAway || left.length === 0 ? 'none' : 'drain';
  };
  const found = {
    stream: stream.stream,
    from: stream.from.gateway,
    consumers: left,
    away: missing,
    ...backlog,
    action: action(),
  };
  return { found, known: told !== undefined };
}

/**
 * Consumers whose backlog nobody inherits: all of them when the stream gets another log, else those that leave while
 * no newcomer takes over where they stood.
 */
function leaving(old: CutStream, after: readonly CutStream[]): string[] {
  const now = after.find(({ stream }) => stream === old.stream);
  const before = old.consumers.map(({ gateway }) => gateway);
  if (now === undefined || now.from.gateway !== old.from.gateway || now.epoch !== old.epoch) return before;
  const staying = new Set(now.consumers.map(({ gateway }) => gateway));
  const newcomer = [...staying].some((gateway) => !before.includes(gateway));
  return newcomer ? [] : before.filter((gateway) => !staying.has(gateway));
}

type Backlog = Pick<StrandedStream, 'records' | 'bytes' | 'ageMs'>;

function backlogOf(
  { head, consumers, backlog }: OutStreamStatus,
  at: number,
  left: readonly string[],
): Backlog {
  const stables = left.flatMap((gateway) => consumers[gateway]?.stable ?? []);
  const records = Math.max(0, ...stables.map((stable) => head - stable));
  if (backlog === undefined || backlog.records === 0) return { records };
  const bytes = Math.round((backlog.bytes * records) / backlog.records);
  const { since } = backlog;
  return { records, bytes, ...(since === undefined ? {} : { ageMs: Math.max(0, at - since) }) };
}

function refusal({ stream, records, consumers, away }: StrandedStream): Problem {
  const why =
    away.length === 0 ? 'they have waited long' : `${away.join(', ')} ${away.length > 1 ? 'are' : 'is'} away`;
  const message = `Stream ${stream} holds ${records} record(s) for ${consumers.join(', ')} that would be lost, and ${why}.`;
  return problemOf(deployError('ECHO_STREAM_NOT_DRAINED', { message, where: stream }));
}

function warningsOf({ found, known }: Judged): Stranded['warnings'] {
  const { stream, records, action, away } = found;
  if (action === 'discard' && records > 0)
    return [warning(stream, `Stream ${stream} is not drained: ${records} record(s) are given up.`)];
  if (action !== 'none' || found.consumers.length === 0) return [];
  const what = known ? 'what it has taken in since it was last heard of' : 'what it still holds';
  return [
    warning(stream, `Stream ${stream} changes its route while ${away.join(', ')} is away: ${what} is lost.`),
  ];
}

/** Declared loss in words, stream by stream. */
export const givenUp = (stranded: readonly StrandedStream[]): string[] =>
  stranded
    .filter(({ action }) => action === 'discard')
    .map(
      ({ stream, records, consumers }) =>
        `${records} record(s) of ${stream} are given up for ${consumers.join(', ')}`,
    );

const warning = (where: string, message: string) => ({ code: 'ECHO_STREAM_NOT_DRAINED', where, message });

export const participants = (s: CutStream): string[] => [
  s.from.gateway,
  ...s.consumers.map((c) => c.gateway),
];
