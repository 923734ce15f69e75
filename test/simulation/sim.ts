/**
 * Cut wires under random faults, simulated: runs seeds on all cores.
 *
 *     npm run -s sim -- [--seeds 10000] [--from 1] [--trace]
 *
 * `--trace` tells every event of each seed. Progress goes to standard error; the last line of standard output is one
 * JSON object. Exit code 1 when a seed fails.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { programOptions } from '../kit/options.ts';
import { simulate } from './simulate.ts';
import { addTo, emptyTally, merge, type Part, type Tally } from './tally.ts';

/** Seeds a worker is given at a time. */
const PART = 250;
const PROGRESS_MS = 2_000;
/** Failing seeds that are shown as they are found. */
const SHOWN = 10;

interface Options {
  readonly seeds: number;
  readonly from: number;
}

/** Every event of each seed, and what was wrong with it. */
function trace({ seeds, from }: Options): Tally {
  const tally = emptyTally();
  for (let seed = from; seed < from + seeds; seed++) {
    console.log(`seed ${seed}`);
    const outcome = simulate(seed, console.log);
    for (const violation of outcome.violations) console.log(`VIOLATION ${violation}`);
    addTo(tally, seed, outcome);
  }
  return tally;
}

async function runAll({ seeds, from }: Options): Promise<Tally> {
  const tally = emptyTally();
  const end = from + seeds;
  let next = from;
  const started = performance.now();
  const progress = setInterval(() => report(tally, seeds, started), PROGRESS_MS);
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url));
      const give = (): void => {
        if (next >= end) {
          void worker.terminate().then(() => resolve());
          return;
        }
        worker.postMessage({ from: next, to: Math.min(next + PART, end) } satisfies Part);
        next += PART;
      };
      worker.on('error', reject);
      worker.on('message', (part: Tally) => {
        show(tally, part);
        merge(tally, part);
        give();
      });
      give();
    });
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    clearInterval(progress);
  }
  return tally;
}

/** Failing seeds are shown as they are found. */
function show(tally: Tally, part: Tally): void {
  for (const { seed, violation } of part.failures.slice(0, Math.max(0, SHOWN - tally.failures.length)))
    console.log(`seed ${seed}: ${violation}`);
}

function report(tally: Tally, of: number, started: number): void {
  const rate = tally.seeds / ((performance.now() - started) / 1_000);
  const left = rate > 0 ? `, ${Math.round((of - tally.seeds) / rate)} s left` : '';
  console.error(
    `${tally.seeds} of ${of} seeds, ${Math.round(rate)}/s, ${tally.failures.length} with violations${left}`,
  );
}

const values = programOptions(
  {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
  ['seeds', 'from'],
);
const options: Options = { seeds: Number(values.seeds), from: Number(values.from) };
const started = performance.now();
const tally = values.trace ? trace(options) : await runAll(options);
const seconds = Math.round((performance.now() - started) / 100) / 10;
const failed = tally.failures.map(({ seed }) => seed).sort((a, b) => a - b);
for (const [name, count] of [...Object.entries(tally.messages), ...Object.entries(tally.faults)])
  console.log(`${name.padEnd(14)} ${count}`);
if (failed.length > 0) console.log(`Look at one: npm run -s sim -- --from ${failed[0]} --seeds 1 --trace`);
console.log(
  JSON.stringify({
    sim: 'wire',
    from: options.from,
    seeds: tally.seeds,
    seconds,
    violations: failed.length,
    failed: failed.slice(0, 100),
    messages: tally.messages,
    faults: tally.faults,
  }),
);
process.exitCode = failed.length > 0 ? 1 : 0;
