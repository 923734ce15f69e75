/**
 * An edge gateway whose broker was away drains what waits in its log, while new messages arrive.
 *
 *     npm run -s bench -- backlog [--json] [--records 1000000]
 *
 * Progress goes to standard error; the last line is one JSON object.
 */
import { disposables } from '../kit/cleanup.ts';
import { programOptions } from '../kit/options.ts';
import { drainBacklog, type Memory } from './backlogDrain.ts';
import { rounded } from './sample.ts';

const values = programOptions(
  {
    json: { type: 'boolean', default: false },
    records: { type: 'string', default: '1000000' },
  },
  ['records'],
);
const records = Number(values.records);
const FRESH_RATE = 2_000;
/** Messages that arrive meanwhile: for as long as draining at 50,000 a second takes. */
const fresh = Math.ceil((records / 50_000) * FRESH_RATE);
const BYTES = 200;
/** Bytes a message of this size takes in the log, generously. */
const quotaMB = Math.max(64, Math.ceil((records * 2 * BYTES) / 1024 ** 2));

const kit = disposables();
const { fillSeconds, firstSeconds, drainSeconds, cpuUs, producer, consumer, ...checked } = await drainBacklog(
  kit,
  {
    ...{ records, fresh, freshRate: FRESH_RATE, bytes: BYTES, quotaMB },
    say: (text) => void process.stderr.write(`${text}\n`),
  },
);
await kit.end();

const memoryMB = (memory: Memory) =>
  Object.fromEntries(Object.entries(memory).map(([name, value]) => [name, rounded(value)]));
process.stdout.write(
  `${records} messages of ${BYTES} B drained in ${rounded(drainSeconds)} s, ` +
    `${Math.round(records / drainSeconds)}/s, while ${FRESH_RATE}/s arrived\n`,
);
process.stdout.write(
  `${JSON.stringify({
    bench: 'backlog',
    ...{ records, fresh, freshRate: FRESH_RATE, bytes: BYTES },
    fillSeconds: rounded(fillSeconds),
    firstSeconds: rounded(firstSeconds),
    drainSeconds: rounded(drainSeconds),
    drainRate: Math.round(records / drainSeconds),
    ...checked,
    cpuUs: cpuUs.map(rounded),
    producerMB: memoryMB(producer),
    consumerMB: memoryMB(consumer),
  })}\n`,
);
process.exit(0);
