/** One chaos run over one broker: rows flow while a schedule of faults is played; then all is accounted for. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { WINDOW_RECORDS } from '../../src/wire/stream.ts';
import type { TestBroker } from '../kit/brokers.ts';
import type { Disposables } from '../kit/cleanup.ts';
import { ask } from '../kit/enrolled.ts';
import { account, startFeeder } from '../kit/pace.ts';
import { waitFor } from '../kit/wait.ts';
import { Fleet } from './Fleet.ts';
import type { FeedReply, FeedRequest } from './flows.ts';
import type { FaultKind, Scheduled } from './schedule.ts';

export interface ChaosReport {
  readonly broker: TestBroker['kind'];
  readonly faults: Partial<Record<FaultKind, number>>;
  /** Rows the edge took. */
  readonly rows: number;
  readonly lost: number;
  readonly reordered: number;
  /** Rows that arrived again though they were fed once; the most the level allows for the kills there were. */
  readonly repeated: number;
  readonly repeatedAllowed: number;
  /** Rows an error was raised for: refused at the edge and fed again, or refused in mid-flow. */
  readonly declared: number;
  /** The same rows over the core MQTT nodes at QoS 1, over the same links. */
  readonly baselineLost: number;
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
const RETRY_MS = 100;
const DRAIN_MS = 180_000;

export async function runWireChaos(kit: Disposables, options: ChaosOptions): Promise<ChaosReport> {
  const { broker, faults, perSecond, say } = options;
  const fleet = await Fleet.start(kit, broker);
  const feed = new Feed(fleet.gateway('edge-1'));
  const feeder = startFeeder(perSecond, BATCH, (first, count) => feed.send(first, count));
  await waitFor(() => rowsOf(fleet.taps.echo).length > 0, { timeout: 60_000, what: 'the first row' });
  const made = await play(fleet, faults, say);
  const rows = await feeder.stop();
  const healed = performance.now();
  const expected = (): number => rows - new Set(rowsOf(fleet.taps.refused)).size;
  await waitFor(() => new Set(rowsOf(fleet.taps.echo)).size >= expected(), {
    ...{ timeout: DRAIN_MS, every: 500, what: `all ${rows} rows` },
  }).catch((error: Error) => say(error.message));
  const drainSeconds = Math.round((performance.now() - healed) / 100) / 10;
  const refused = new Set(rowsOf(fleet.taps.refused));
  const echo = account(feed.once(rowsOf(fleet.taps.echo)), rows);
  const kills = made.filter(({ kind, target }) => kind === 'kill' && target !== 'edge-1').length;
  return {
    broker,
    faults: countKinds(made),
    rows,
    lost: echo.lost - refused.size,
    reordered: echo.reordered,
    repeated: echo.repeated,
    // What was in flight at a kill, and what was done since its cursor was last written.
    repeatedAllowed: kills * (WINDOW_RECORDS + perSecond),
    declared: feed.refused + refused.size,
    baselineLost: account(rowsOf(fleet.taps.core), rows).lost,
    drainSeconds,
  };
}

/** Feeds rows until they are taken; what was fed twice may arrive twice. */
class Feed {
  readonly #edge: { readonly url: string };
  /** Rows whose first feed was not answered, and how often they were fed. */
  readonly #attempts = new Map<number, number>();
  #batch = 0;
  refused = 0;

  constructor(edge: { readonly url: string }) {
    this.#edge = edge;
  }

  async send(first: number, count: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const request: FeedRequest = { batch: ++this.#batch, first, count };
      for (let row = first; attempt > 1 && row < first + count; row++) this.#attempts.set(row, attempt);
      try {
        const { failed } = await ask<FeedReply>(this.#edge, '/feed', request);
        this.refused += failed;
        if (failed === 0) return;
      } catch {
        // Killed, starting, or frozen for too long: whether it took the rows is not known.
      }
      await delay(RETRY_MS);
    }
  }

  /** Leaves out arrivals that a repeated feed explains. */
  once(rows: readonly number[]): number[] {
    const left = new Map(this.#attempts);
    const seen = new Set<number>();
    return rows.filter((row) => {
      const attempts = left.get(row);
      if (!seen.has(row) || attempts === undefined || attempts < 2) return seen.add(row);
      left.set(row, attempts - 1);
      return false;
    });
  }
}

/** Plays the schedule: faults of one lane one after another, lanes side by side. Returns the faults made. */
async function play(fleet: Fleet, faults: readonly Scheduled[], say: (text: string) => void) {
  const begun = performance.now();
  const lanes = new Map<string, Promise<void>>();
  const made: Scheduled[] = [];
  const skipped = new Set<string>();
  for (const fault of faults) {
    const missing = fleet.missing(fault.kind);
    if (missing !== undefined) {
      if (!skipped.has(fault.kind)) say(`skipped: ${fault.kind}, ${missing}`);
      skipped.add(fault.kind);
      continue;
    }
    await delay(Math.max(0, fault.at - (performance.now() - begun)));
    const lane = Fleet.laneOf(fault);
    const next = (lanes.get(lane) ?? Promise.resolve()).then(async () => {
      const at = ((performance.now() - begun) / 1000).toFixed(1);
      say(`${at.padStart(7)} s  ${fault.kind} ${fault.target} for ${fault.holdMs} ms`);
      await fleet.suffer(fault);
      made.push(fault);
    });
    lanes.set(lane, next);
    next.catch(() => {});
  }
  await Promise.all(lanes.values());
  return made;
}

function countKinds(faults: readonly Scheduled[]): Partial<Record<FaultKind, number>> {
  const counts: Partial<Record<FaultKind, number>> = {};
  for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const rowsOf = (file: string): number[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number) : [];
