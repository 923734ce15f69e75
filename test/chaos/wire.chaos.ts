/**
 * Real gateways and brokers, and everything that goes wrong with them.
 *
 *     npm run -s chaos -- wire [--minutes 2] [--seed S] [--every 1800] [--rate 200] [--brokers mosquitto,aedes] [--json]
 *
 * The time is shared by the brokers; `--every` is the mean time between two faults, ms. The last line is one JSON
 * object; the exit code is 0 when nothing was lost or reordered, nothing repeated beyond what the level allows, and the
 * core MQTT nodes beside it lost something.
 */
import type { TestBroker } from '../kit/brokers.ts';
import { disposables } from '../kit/cleanup.ts';
import { programOptions } from '../kit/options.ts';
import { schedule } from './schedule.ts';
import { verdictOf } from './verdict.ts';
import { type ChaosReport, runWireChaos } from './wireChaos.ts';

const values = programOptions(
  {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    every: { type: 'string', default: '1800' },
    rate: { type: 'string', default: '200' },
    brokers: { type: 'string', default: 'mosquitto,aedes' },
    json: { type: 'boolean', default: false },
  },
  ['minutes', 'every', 'rate'],
);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const brokers = values.brokers.split(',') as TestBroker['kind'][];
const durationMs = (Number(values.minutes) * 60_000) / brokers.length;
const say = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));

let kit = disposables();
const stop = (): void => void kit.end().finally(() => process.exit(130));
process.once('SIGINT', stop).once('SIGTERM', stop);

const reports: ChaosReport[] = [];
for (const [i, broker] of brokers.entries()) {
  const faults = schedule(seed + i, durationMs, Number(values.every));
  say(`${broker}: ${faults.length} faults of seed ${seed + i} in ${Math.round(durationMs / 1000)} s`);
  kit = disposables();
  const report = await runWireChaos(kit, { broker, faults, perSecond: Number(values.rate), say });
  await kit.end();
  say(JSON.stringify(report));
  reports.push(report);
}

const verdict = verdictOf(reports);
const summary = { chaos: 'wire', seed, minutes: Number(values.minutes), ...verdict, brokers: reports };
process.stdout.write(`${JSON.stringify(summary)}\n`);
process.exit(verdict.ok ? 0 : 1);
