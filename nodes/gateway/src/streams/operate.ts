/** Carries out what an operator asks of the streams of this gateway. */
import type { OperationResult, Replayed, StreamOperation } from '../../../../src/wire/operate.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import type { Outcome } from '../ports.ts';
import type { DeadLetters } from './DeadLetters.ts';
import type { InStream } from './InStream.ts';
import type { OutStream } from './OutStream.ts';
import { previewOf } from './views.ts';

export interface Operated {
  /** The log of the stream here, if there is one. */
  out(stream: string): OutStream | undefined;
  in(stream: string): InStream | undefined;
  readonly dead: DeadLetters;
}

/** A replay that takes longer is answered as delivered. */
const REPLAY_MS = 3_000;

export async function operate(
  streams: Operated,
  operation: StreamOperation,
): Promise<OperationResult<StreamOperation['method']>> {
  switch (operation.method) {
    case 'streams.inspect': {
      const { stream, consumer, limit, preview } = operation.params;
      return outOf(streams, stream).inspect(consumer, limit, preview);
    }
    case 'streams.purge':
      return outOf(streams, operation.params.stream).purge(operation.params.consumer);
    case 'streams.skip':
      return { seqs: inOf(streams, operation.params.stream).skip(operation.params.count) };
    case 'dead.list':
      return streams.dead.list(operation.params.stream);
    case 'dead.show': {
      const { letter, record } = letterOf(streams.dead, operation.params.id);
      return { ...letter, ...previewOf(record, operation.params.preview) };
    }
    case 'dead.replay':
      return replay(streams, operation.params.id);
    case 'dead.drop':
      letterOf(streams.dead, operation.params.id);
      return { dropped: streams.dead.remove(operation.params.id) ? 1 : 0 };
  }
}

/** The letter stays until its message is processed; where that fails again, it stays for good. */
function replay(streams: Operated, id: string): Promise<Replayed> {
  const { letter, born, record } = letterOf(streams.dead, id);
  const to = inOf(streams, letter.stream);
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve({ outcome: 'delivered' }), REPLAY_MS).unref();
    to.replay({ seq: letter.seq, born, record }, (outcome: Outcome) => {
      clearTimeout(late);
      if (outcome.kind === 'error') {
        streams.dead.failed(id, outcome.message);
        resolve({ outcome: 'error', error: outcome.message });
      } else {
        streams.dead.remove(id);
        resolve({ outcome: 'done' });
      }
    });
  });
}

function outOf({ out }: Operated, stream: string): OutStream {
  const found = out(stream);
  if (found !== undefined) return found;
  const message = `this gateway keeps no log of ${stream}`;
  throw wireError('ECHO_STREAM_NOT_OPEN', { message, where: stream });
}

function inOf(streams: Operated, stream: string): InStream {
  const found = streams.in(stream);
  if (found !== undefined) return found;
  const message = `this gateway does not consume ${stream}`;
  throw wireError('ECHO_STREAM_NOT_OPEN', { message, where: stream });
}

function letterOf(dead: DeadLetters, id: string) {
  const found = dead.get(id);
  if (found !== undefined) return found;
  throw wireError('ECHO_DEAD_LETTER_UNKNOWN', { message: `there is no dead letter ${id} here`, where: id });
}
