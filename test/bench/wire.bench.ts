/**
 * A cut wire against what people use today: core `mqtt out` → `mqtt in`, between two real Node-RED processes over
 * mosquitto and Aedes, with a bare pair of MQTT clients as the limit.
 *
 *     npm run -s bench -- wire [--json] [--runs 5] [--quick] [--brokers mosquitto,aedes] [--payloads 200,4096,65536]
 *         [--wires 'QoS 1|at-least-once$']
 *
 * Every run measures all wires one after another, each between fresh processes. The last line is one JSON object.
 */
import { startAedes, startMosquitto, type TestBroker } from '../kit/brokers.ts';
import { type Disposables, disposables } from '../kit/cleanup.ts';
import { programOptions } from '../kit/options.ts';
import { residentMB } from '../kit/usage.ts';
import { rounded, sampleOf } from './sample.ts';
import { sustained, type Trial, trial } from './wireMeasure.ts';
import { coreWire, echoWire, startBarePair, startPair, type Wire, type WireKind } from './wirePairs.ts';

const values = programOptions(
  {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    brokers: { type: 'string', default: 'mosquitto,aedes' },
    payloads: { type: 'string' },
    wires: { type: 'string', default: '' },
  },
  ['runs'],
);
const RUNS = Number(values.runs ?? (values.quick ? 1 : 5));
const BROKERS = values.brokers.split(',');
/** The broker, and the payload, that the figures of the last line are of. */
const MAIN = BROKERS[0]!;
const PAYLOADS = (values.payloads ?? (values.quick ? '200' : '200,4096,65536')).split(',').map(Number);
const SMALL = 200;
/** What the names of the wires that are measured match; the cost of tasks is measured only with all of them. */
const WIRES = new RegExp(values.wires);
/** Lengths of the trials, s: at a low rate, at half of the maximum, and those that look for the maximum. */
const SECONDS = (bytes: number) =>
  bytes === SMALL
    ? { low: 3, half: 1.5, search: 0.6, proof: 3 }
    : { low: 0.5, half: 0.5, search: 0.4, proof: 0.8 };
const AT_LEAST_ONCE = { level: 'at-least-once' };
const ECHO: readonly WireKind[] = [
  echoWire('at-least-once', AT_LEAST_ONCE),
  echoWire('at-least-once, memory', { ...AT_LEAST_ONCE, durability: 'memory' }),
  echoWire('at-least-once, fsync', { ...AT_LEAST_ONCE, durability: 'fsync' }),
  echoWire('effectively-once', { level: 'effectively-once' }),
  echoWire('at-most-once', { level: 'at-most-once' }),
];
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
/** Resident memory of a process of the pair, MB: when it has just carried its first messages, and at the end. */
const residents = {
  core: { light: [] as number[], loaded: [] as number[] },
  echo: { light: [] as number[], loaded: [] as number[] },
};
const tasksUs = { core: [] as number[], echo: [] as number[] };

/** Where the search begins the first time; afterwards where it ended before. */
const firstHint = (bytes: number): number => (bytes <= SMALL ? 20_000 : bytes <= 4096 ? 8_000 : 600);

async function measure(wire: Wire, broker: string, bytes: number): Promise<void> {
  const cell = cellOf(wire.name, broker, bytes);
  const { low, half, ...lengths } = SECONDS(bytes);
  await trial(wire, firstHint(bytes) / 2, half, bytes);
  const at100 = await trial(wire, 100, low, bytes);
  const at1000 = await trial(wire, 1000, low, bytes);
  const { rate, trials } = await sustained(wire, cell.max.at(-1) || firstHint(bytes), lengths, bytes);
  cell.max.push(rate);
  cell.at100.push(at100);
  cell.at1000.push(at1000);
  cell.trials.push(at100, at1000, ...trials);
  const shown = (value: number): string => String(rounded(value));
  let halfway = '';
  if (rate > 0) {
    const atHalf = await trial(wire, rate / 2, half, bytes);
    cell.atHalf.push(atHalf);
    cell.trials.push(atHalf);
    halfway = `half p50 ${shown(atHalf.p50)} p99 ${shown(atHalf.p99)} ms, `;
  }
  say(
    `${broker} ${bytes} B ${wire.name}: ${Math.round(rate)}/s, ${halfway}` +
      `100/s p50 ${shown(at100.p50)} ms, ${trials.length} trials`,
  );
}

const meanMB = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + residentMB(pid), 0) / pids.length;

/** What a wire costs at the sink at a fixed rate, µs of processor time for a message. */
async function sinkUs(wire: Wire): Promise<number> {
  await trial(wire, TASKS_RATE, 1, SMALL);
  return (await trial(wire, TASKS_RATE, 2, SMALL)).cpuUs[1];
}

/** Starts a pair with one wire, hands it over and ends it. */
async function withPair<T>(broker: TestBroker, kind: WireKind, use: (wire: Wire) => Promise<T>): Promise<T> {
  const kit = disposables();
  try {
    const { wires } = await startPair(kit, [kind], kind.echo ? broker.url : undefined);
    return await use(wires[0]!);
  } finally {
    await kit.end();
  }
}

async function measureKind(broker: TestBroker, kind: WireKind): Promise<void> {
  await withPair(broker, kind, async (wire) => {
    const memory = { [CORE]: residents.core, [DEFAULT]: residents.echo }[wire.name];
    await trial(wire, 100, 2, SMALL);
    memory?.light.push(meanMB(wire.pids));
    for (const bytes of PAYLOADS) await measure(wire, broker.kind, bytes);
    memory?.loaded.push(meanMB(wire.pids));
  });
}

async function measureBare(kit: Disposables, broker: TestBroker, qos: 0 | 1): Promise<void> {
  const { wire, stop } = await startBarePair(kit, broker, qos);
  for (const bytes of PAYLOADS) await measure(wire, broker.kind, bytes);
  await stop();
}

/** What a task on the way costs at the sink: for ECHO, the hooks that follow and gate it included. */
async function measureTasks(broker: TestBroker): Promise<void> {
  const taskUs = async (direct: WireKind, chained: WireKind): Promise<number> =>
    ((await withPair(broker, chained, sinkUs)) - (await withPair(broker, direct, sinkUs))) / TASKS;
  tasksUs.core.push(await taskUs(coreWire(0, broker), coreWire(0, broker, TASKS)));
  tasksUs.echo.push(await taskUs(ECHO[0]!, echoWire('at-least-once', AT_LEAST_ONCE, TASKS)));
}

async function run(kit: Disposables, broker: TestBroker): Promise<void> {
  const kinds = [...([0, 1] as const).map((qos) => coreWire(qos, broker)), ...ECHO];
  for (const kind of kinds) if (WIRES.test(kind.name)) await measureKind(broker, kind);
  for (const qos of [0, 1] as const)
    if (WIRES.test(`bare client QoS ${qos}`)) await measureBare(kit, broker, qos);
  if (broker.kind === MAIN && values.wires === '') await measureTasks(broker);
}

function table(): string {
  const columns =
    'broker,payload,wire,max/s,min–max,p50@100,p99@100,p50@1000,p99@1000,p50@half,p99@half,µs source,µs sink,lost';
  const rows = [...cells.values()].map((cell) => {
    const { min, max } = sampleOf(cell.max);
    const number = (value: number): string => (Number.isFinite(value) ? String(rounded(value)) : '');
    const p = (trials: readonly Trial[], value: (t: Trial) => number): string =>
      trials.length === 0 ? '' : number(cell.of(trials, value));
    return [
      ...[cell.broker, `${cell.bytes} B`, cell.wire, String(Math.round(cell.rate))],
      `${Math.round(min)}–${Math.round(max)}`,
      ...[p(cell.at100, (t) => t.p50), p(cell.at100, (t) => t.p99)],
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
  for (const kind of BROKERS) {
    const kit = disposables();
    const broker = kind === 'aedes' ? await startAedes(kit) : await startMosquitto(kit);
    say(`run ${i} of ${RUNS}, ${kind}`);
    await run(kit, broker);
    await kit.end();
  }
}

const echo = cellOf(DEFAULT, MAIN, SMALL);
const core = cellOf(CORE, MAIN, SMALL);
const ratio = (pick: (cell: Cell) => readonly Trial[], value: (t: Trial) => number): number =>
  rounded(echo.of(pick(echo), value) / core.of(pick(core), value));
/** Over a vanilla Node-RED that carries the same messages by its own MQTT nodes. */
const extraMB = (when: 'light' | 'loaded'): number =>
  rounded(sampleOf(residents.echo[when]).median - sampleOf(residents.core[when]).median);
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
    agentExtraMB: extraMB('light'),
    agentExtraLoadedMB: extraMB('loaded'),
    lost: echo.sum(({ lost }) => lost),
    repeated: echo.sum(({ repeated }) => repeated),
    reordered: echo.sum(({ reordered }) => reordered),
    taskUs: {
      core: rounded(sampleOf(tasksUs.core).median),
      echo: rounded(sampleOf(tasksUs.echo).median),
    },
  })}\n`,
);
process.exit(0);
