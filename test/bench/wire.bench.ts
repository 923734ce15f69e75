/**
 * A cut wire against what people use today: core `mqtt out` → `mqtt in`, between two real Node-RED processes over
 * mosquitto and Aedes, with a bare pair of MQTT clients as the limit.
 *
 *     npm run -s bench -- wire [--json] [--runs 5] [--quick] [--brokers mosquitto,aedes] [--payloads 200,4096,65536]
 *
 * Every run starts fresh processes and measures all wires one after another. The last line is one JSON object.
 */
import { parseArgs } from 'node:util';
import type { DeliveryLevel } from '../../src/wire/nodes.ts';
import { startAedes, startMosquitto, type TestBroker } from '../kit/brokers.ts';
import { disposables } from '../kit/cleanup.ts';
import { residentMB } from '../kit/usage.ts';
import { rounded, sampleOf } from './sample.ts';
import { sustained, type Trial, trial } from './wireMeasure.ts';
import { coreWire, echoWire, startBarePair, startPair, type Wire } from './wirePairs.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    brokers: { type: 'string', default: 'mosquitto,aedes' },
    payloads: { type: 'string' },
  },
});
const RUNS = Number(values.runs ?? (values.quick ? 1 : 5));
const PAYLOADS = (values.payloads ?? (values.quick ? '200' : '200,4096,65536')).split(',').map(Number);
const SMALL = 200;
/** Length of a trial, s. */
const SECONDS = values.quick ? 1 : 1.5;
const LEVELS: readonly DeliveryLevel[] = ['at-most-once', 'at-least-once'];
const DEFAULT = 'ECHO at-least-once';
const CORE = 'core QoS 1';
/** Functions on the way to the sink, and the rate at which their cost is measured. */
const TASKS = 5;
const TASKS_RATE = 4000;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Everything measured of one wire over one broker with one payload. */
class Cell {
  readonly wire: string;
  readonly broker: string;
  readonly bytes: number;
  readonly max: number[] = [];
  readonly at100: Trial[] = [];
  readonly at1000: Trial[] = [];
  readonly atHalf: Trial[] = [];
  readonly trials: Trial[] = [];

  constructor(wire: string, broker: string, bytes: number) {
    this.wire = wire;
    this.broker = broker;
    this.bytes = bytes;
  }

  get rate(): number {
    return sampleOf(this.max).median;
  }

  of(trials: readonly Trial[], value: (trial: Trial) => number): number {
    return sampleOf(trials.map(value)).median;
  }

  sum(value: (trial: Trial) => number): number {
    return this.trials.reduce((sum, t) => sum + value(t), 0);
  }
}

const cells = new Map<string, Cell>();
const cellOf = (wire: string, broker: string, bytes: number): Cell => {
  const key = `${wire} ${broker} ${bytes}`;
  const cell = cells.get(key) ?? new Cell(wire, broker, bytes);
  cells.set(key, cell);
  return cell;
};
/** Resident memory over a vanilla Node-RED that carries the same flow by its own MQTT nodes. */
const extra = { light: [] as number[], loaded: [] as number[] };
const tasksUs = { core: [] as number[], echo: [] as number[] };

/** Where the search begins the first time; afterwards where it ended before. */
const firstHint = (bytes: number): number => (bytes <= SMALL ? 20_000 : bytes <= 4096 ? 8_000 : 600);

async function measure(wire: Wire, broker: string, bytes: number): Promise<void> {
  const cell = cellOf(wire.name, broker, bytes);
  await trial(wire, 500, 1, bytes);
  cell.at100.push(await trial(wire, 100, bytes === SMALL ? 2 * SECONDS : SECONDS, bytes));
  if (bytes === SMALL) cell.at1000.push(await trial(wire, 1000, SECONDS, bytes));
  const { rate, trials } = await sustained(wire, cell.max.at(-1) ?? firstHint(bytes), SECONDS, bytes);
  cell.max.push(rate);
  cell.atHalf.push(await trial(wire, rate / 2, SECONDS, bytes));
  cell.trials.push(cell.at100.at(-1)!, ...cell.at1000.slice(-1), ...trials, cell.atHalf.at(-1)!);
  const last = cell.atHalf.at(-1)!;
  say(
    `${broker} ${bytes} B ${wire.name}: ${Math.round(rate)}/s, half p50 ${rounded(last.p50)} p99 ${rounded(last.p99)} ms, ` +
      `100/s p50 ${rounded(cell.at100.at(-1)!.p50)} ms, ${trials.length} trials`,
  );
}

const meanMB = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + residentMB(pid), 0) / pids.length;

/** What a task on the way costs at the sink, µs of processor time: hooks and following included for ECHO. */
async function measureTasks(direct: Wire, chained: Wire): Promise<number> {
  const [bare, long] = [
    await trial(direct, TASKS_RATE, SECONDS, SMALL),
    await trial(chained, TASKS_RATE, SECONDS, SMALL),
  ];
  return (long.cpuUs[1] - bare.cpuUs[1]) / TASKS;
}

async function run(broker: TestBroker): Promise<void> {
  const kit = disposables();
  const core = await startPair(kit, [coreWire(0, broker), coreWire(1, broker), coreWire(0, broker, TASKS)]);
  const levels = LEVELS.map((level) => echoWire(level, { level }));
  const chain = echoWire('at-least-once', { level: 'at-least-once' }, TASKS);
  const echo = await startPair(kit, [...levels, chain], broker.url);
  const bare = [await startBarePair(kit, broker, 0), await startBarePair(kit, broker, 1)];
  try {
    const wires = [...core.wires.slice(0, 2), ...echo.wires.slice(0, LEVELS.length)];
    const byDefault = wires.find(({ name }) => name === DEFAULT)!;
    await Promise.all([trial(wires[1]!, 100, 2, SMALL), trial(byDefault, 100, 2, SMALL)]);
    extra.light.push(meanMB(echo.pids) - meanMB(core.pids));
    for (const bytes of PAYLOADS)
      for (const wire of [...wires, ...bare.map(({ wire }) => wire)]) await measure(wire, broker.kind, bytes);
    extra.loaded.push(meanMB(echo.pids) - meanMB(core.pids));
    if (broker.kind === 'mosquitto') {
      tasksUs.core.push(await measureTasks(wires[0]!, core.wires.at(-1)!));
      tasksUs.echo.push(await measureTasks(byDefault, echo.wires.at(-1)!));
    }
  } finally {
    await kit.end();
  }
}

function table(): string {
  const columns =
    'broker,payload,wire,max/s,min–max,p50@100,p50@1000,p99@1000,p50@half,p99@half,µs source,µs sink,lost';
  const rows = [...cells.values()].map((cell) => {
    const { min, max } = sampleOf(cell.max);
    const number = (value: number): string => (Number.isFinite(value) ? String(rounded(value)) : '');
    const p = (trials: readonly Trial[], value: (t: Trial) => number): string =>
      trials.length === 0 ? '' : number(cell.of(trials, value));
    return [
      ...[cell.broker, `${cell.bytes} B`, cell.wire, String(Math.round(cell.rate))],
      `${Math.round(min)}–${Math.round(max)}`,
      p(cell.at100, (t) => t.p50),
      ...[p(cell.at1000, (t) => t.p50), p(cell.at1000, (t) => t.p99)],
      ...[p(cell.atHalf, (t) => t.p50), p(cell.atHalf, (t) => t.p99)],
      ...[p(cell.atHalf, (t) => t.cpuUs[0]), p(cell.atHalf, (t) => t.cpuUs[1])],
      String(cell.sum((t) => t.lost)),
    ];
  });
  const all = [columns.split(','), ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => row.map((text, i) => text.padEnd(widths[i]!)).join('  ')).join('\n');
}

for (let i = 1; i <= RUNS; i++) {
  for (const kind of values.brokers.split(',')) {
    const kit = disposables();
    const broker = kind === 'aedes' ? await startAedes(kit) : await startMosquitto(kit);
    say(`run ${i} of ${RUNS}, ${kind}`);
    await run(broker);
    await kit.end();
  }
}

const main = values.brokers.split(',')[0]!;
const echo = cellOf(DEFAULT, main, SMALL);
const core = cellOf(CORE, main, SMALL);
const ratio = (pick: (cell: Cell) => readonly Trial[], value: (t: Trial) => number): number =>
  rounded(echo.of(pick(echo), value) / core.of(pick(core), value));
const all = [...cells.values()].filter(({ wire }) => wire === DEFAULT);
const total = (value: (t: Trial) => number): number => all.reduce((sum, cell) => sum + cell.sum(value), 0);
if (!values.json) process.stdout.write('');
process.stdout.write(`${table()}\n`);
process.stdout.write(
  `${JSON.stringify({
    bench: 'wire',
    runs: RUNS,
    ratioThroughputVsCoreQos1: rounded(echo.rate / core.rate),
    ratioP50At100VsCoreQos1: ratio(
      ({ at100 }) => at100,
      ({ p50 }) => p50,
    ),
    ratioP99AtHalfVsCoreQos1: ratio(
      ({ atHalf }) => atHalf,
      ({ p99 }) => p99,
    ),
    agentExtraMB: rounded(sampleOf(extra.light).median),
    agentExtraLoadedMB: rounded(sampleOf(extra.loaded).median),
    lost: total(({ lost }) => lost),
    repeated: total(({ repeated }) => repeated),
    reordered: total(({ reordered }) => reordered),
    taskUs: {
      core: rounded(sampleOf(tasksUs.core).median),
      echo: rounded(sampleOf(tasksUs.echo).median),
    },
  })}\n`,
);
process.exit(0);
