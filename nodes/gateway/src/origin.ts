/** Tells the copies of one message that was sent to several nodes from messages of their own. */
import type { SendEvent } from './red.ts';

/** Object the sender passed to `send`, and the number of that call: the same for every copy of one message. */
export interface Origin {
  readonly original: object;
  readonly call: number;
}

const ORIGIN = Symbol('echo.origin');
type Marked = SendEvent & { [ORIGIN]?: Origin };

let calls = 0;

/** Origin of a message that was sent to one node only: it has no copies. */
export const singleOrigin = (original: object): Origin => ({ original, call: ++calls });

/** Marks the events of one `send`, before Node-RED clones their messages. */
export function markCopies(events: SendEvent[]): void {
  if (events.length < 2) return;
  const call = ++calls;
  for (const event of events as Marked[]) event[ORIGIN] = { original: event.msg, call };
}

export const originOf = (event: SendEvent): Origin | undefined => (event as Marked)[ORIGIN];
