/** Runs the seeds it is given and answers with what they came to. */
import { parentPort } from 'node:worker_threads';
import { simulate } from './simulate.ts';
import { addTo, emptyTally, type Part } from './tally.ts';

parentPort!.on('message', ({ from, to }: Part) => {
  const tally = emptyTally();
  for (let seed = from; seed < to; seed++) addTo(tally, seed, simulate(seed));
  parentPort!.postMessage(tally);
});
