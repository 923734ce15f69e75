/** One chaos run over one broker: rows flow while a schedule of faults is played; then all is accounted for. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { WINDOW_RECORDS } from '../../src/wire/stream.ts';
import type { TestBroker } from '../kit/brokers.ts';
import type { Disposables } from '../kit/cleanup.ts';
import { account, startFeeder } from '../kit/pace.ts';
import { waitFor } from '../kit/wait.ts';
import { Feed } from './Feed.ts';
import { Fleet } from './Fleet.ts';
import { fedOnce, type Kill, settle, type WireReport } from './ledger.ts';
import type { FaultKind, GatewayName, Scheduled } from './schedule.ts';
import { type ChaosWire, WIRES } from './wires.ts';

export interface ChaosReport {
  readonly broker: TestBroker['kind'];
  /** By kind: faults made, and those of them that were seen to be there. */
  readonly faults: Partial<Record<FaultKind, { readonly made: number; readonly bit: number }>>;
  /** Rows the edge took. */
  readonly rows: number;
  readonly wires: readonly WireReport[];
  /** Rows the edge's logs did not take at first, which were fed again. */
  readonly fedAgain: number;
  /** The same rows over the core MQTT nodes at QoS 1, over the same links. */
  readonly baselineLost: number;
  readonly minutes: number;
  /** From the last fault's end until the last row arrived, s. */
  readonly drainSeconds: number;
}

export interface ChaosOptions {
  readonly broker: TestBroker['kind'];
  readonly faults: readonly Scheduled[];
  readonly perSecond: number;
  readonly say: (text: string) => void;
}

const BATCH = 10;
/** Rows go on for so long after the last fault: the last of them cannot have been lost to it. */
const CALM_MS = 3_000;
const DRAIN_MS = 180_000;

export async function runWireChaos(kit: Disposables, options: ChaosOptions): Promise<ChaosReport> {
  const { broker, faults, perSecond, say } = options;
  const kills: { readonly gateway: GatewayName; readonly of: ReadonlyMap<string, Kill> }[] = [];
  const onKill = (gateway: GatewayName): void => {
    const { highest } = feed;
    const of = WIRES.map(({ name }) => [name, { arrived: last(fleet.taps.of(name)), fed: highest }] as const);
    kills.push({ gateway, of: new Map(of) });
  };
  const fleet = await Fleet.start(kit, { broker, onKill });
  const feed = new Feed(fleet.gateway('edge-1'));
  const begun = performance.now();
  const feeder = startFeeder(perSecond, BATCH, (first, count) => feed.send(first, count));
  for (const { name } of WIRES)
    await waitFor(() => last(fleet.taps.of(name)) > 0, { timeout: 60_000, what: `a row over ${name}` });
  const made = await play(fleet, faults, say);
  const healed = performance.now();
  await delay(CALM_MS);
  const rows = await feeder.stop();

  const report = (wire: ChaosWire): WireReport =>
    settle(wire, {
      rows,
      arrivals: fedOnce(rowsOf(fleet.taps.of(wire.name)), feed.attempts),
      refused: new Set(rowsOf(fleet.taps.refused(wire.name))),
      kills: kills.filter(({ gateway }) => gateway !== 'cloud-1').map(({ of }) => of.get(wire.name)!),
      // What was in flight at a kill, and what was done since its cursor was last written.
      mayRepeat: kills.filter(({ gateway }) => gateway !== 'edge-1').length * (WINDOW_RECORDS + perSecond),
    });
  for (const wire of WIRES) {
    const drained = () => last(fleet.taps.of(wire.name)) >= rows && report(wire).lost === 0;
    await waitFor(drained, { timeout: DRAIN_MS, every: 500, what: `all ${rows} rows of ${wire.name}` }).catch(
      (error: Error) => say(error.message),
    );
  }
  return {
    broker,
    faults: countKinds(made),
    rows,
    wires: WIRES.map(report),
    fedAgain: feed.refused,
    baselineLost: account(rowsOf(fleet.taps.core), rows).lost,
    minutes: Math.round((healed - begun) / 6_000) / 10,
    drainSeconds: Math.round((performance.now() - healed) / 100) / 10,
  };
}

interface Made {
  readonly kind: FaultKind;
  readonly bit: boolean;
}

/** Plays the schedule: faults of one lane one after another, lanes side by side. Returns the faults made. */
async function play(fleet: Fleet, faults: readonly Scheduled[], say: (text: string) => void) {
  const begun = performance.now();
  const lanes = new Map<string, Promise<void>>();
  const made: Made[] = [];
  const skipped = new Set<string>();
  for (const fault of faults) {
    const { kind, target, holdMs } = fault;
    const missing = fleet.missing(fault);
    if (missing !== undefined) {
      if (!skipped.has(kind)) say(`skipped: ${kind}, ${missing}`);
      skipped.add(kind);
      continue;
    }
    await delay(Math.max(0, fault.at - (performance.now() - begun)));
    const lane = Fleet.laneOf(fault);
    const next = (lanes.get(lane) ?? Promise.resolve()).then(async () => {
      const at = ((performance.now() - begun) / 1000).toFixed(1);
      const bit = await fleet.suffer(fault);
      say(`${at.padStart(7)} s  ${kind} ${target} for ${holdMs} ms${bit ? '' : ', to no effect'}`);
      made.push({ kind, bit });
    });
    lanes.set(lane, next);
    next.catch(() => {});
  }
  await Promise.all(lanes.values());
  return made;
}

function countKinds(faults: readonly Made[]): ChaosReport['faults'] {
  const counts: Partial<Record<FaultKind, { made: number; bit: number }>> = {};
  for (const { kind, bit } of faults) {
    const { made, bit: seen } = counts[kind] ?? { made: 0, bit: 0 };
    counts[kind] = { made: made + 1, bit: seen + Number(bit) };
  }
  return counts;
}

/** Rows in the order of their numbers, where they have some: the last line of a number holds. */
function rowsOf(file: string): number[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const rows = new Map<number, number>();
  for (const [i, line] of lines.entries()) {
    const [row, number = i] = line.split(' ').map(Number).reverse();
    rows.set(number, row!);
  }
  return [...rows].sort(([a], [b]) => a - b).map(([, row]) => row);
}

/** Highest row so far. */
const last = (file: string): number => rowsOf(file).reduce((a, b) => Math.max(a, b), 0);
