/** The status lines of wire nodes that are set up by hand. */
import { type NodeStatus, statusOf } from '../nodes/status.ts';
import type { StreamState } from '../ports.ts';
import type { HandIn } from './HandIn.ts';
import type { HandOut } from './HandOut.ts';

const MOST_CHARACTERS = 19;

export const NOT_SET_UP: NodeStatus = { fill: 'red', shape: 'ring', text: 'not set up' };

const waits = (text: string): NodeStatus => ({ fill: 'yellow', shape: 'ring', text: fit(text) });
const refused = (text: string): NodeStatus => ({ fill: 'red', shape: 'ring', text: fit(text) });
const fit = (text: string): string =>
  text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;

/** What the two ends agree on comes first, then how the stream stands. */
export function outStatus(
  { standing, rival, consumers }: Pick<HandOut, 'standing' | 'rival' | 'consumers'>,
  now: StreamState,
  before: StreamState | undefined,
): NodeStatus {
  if (standing === 'refused') return refused(`taken: ${rival}`);
  if (now.connected && standing === 'claiming') return waits('asking for the name');
  if (now.connected && consumers.length === 0) return waits('nobody listens');
  return statusOf(now, before);
}

export function inStatus(
  { standing }: Pick<HandIn, 'standing'>,
  now: StreamState,
  before: StreamState | undefined,
  dead: number,
): NodeStatus {
  if (standing === 'taken') return refused('own name is taken');
  if (!now.connected) return statusOf(now, before);
  if (standing === 'seeking') return waits('no sender');
  if (standing === 'asking') return waits('joining');
  if (standing === 'own') return waits('sent from here');
  if (standing === 'outside') return waits('not a receiver');
  const status = statusOf(now, before);
  return status.fill === 'green' && dead > 0 ? waits(`${dead} set aside`) : status;
}
