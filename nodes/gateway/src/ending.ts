/**
 * Node-RED tells plugins nothing of its end; where it listens to a signal itself, so does ECHO, before it: once Node-RED
 * stops its flows, what is on its way through them is gone, and would be delivered again after the restart. Streams end
 * after the flows, which may still append. A second signal is Node-RED's alone.
 */
import type { Red } from './red.ts';

/** What is on its way through the flows when Node-RED is to end gets this long. */
const REST_MS = 2_000;

/** Does not reject. */
interface Ending {
  rest(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

const all = new Set<Ending>();
let listening = false;

/** These streams end with Node-RED. Returns how to take them out. */
export function endWithNodeRed(RED: Red, streams: Ending): () => void {
  all.add(streams);
  if (!listening) listen(RED);
  listening = true;
  return () => all.delete(streams);
}

function listen(RED: Red): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const theirs = process.listeners(signal);
    if (theirs.length === 0) continue;
    process.removeAllListeners(signal);
    process.once(signal, (name: NodeJS.Signals) => {
      for (const listener of theirs) process.on(signal, listener);
      RED.events.once('flows:stopped', () => {
        for (const streams of all) void streams.close();
      });
      void Promise.all([...all].map((streams) => streams.rest(REST_MS))).then(() => {
        for (const listener of theirs) listener(name);
      });
    });
  }
}
