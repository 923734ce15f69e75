/** One trial of a wire, and the search for the highest rate it sustains. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMs } from '../kit/usage.ts';
import type { Wire } from './wirePairs.ts';

export interface Trial {
  readonly rate: number;
  readonly sent: number;
  readonly lost: number;
  readonly repeated: number;
  readonly reordered: number;
  /** Latency, ms. */
  readonly p50: number;
  readonly p99: number;
  /** From the last message sent to the last received, ms. */
  readonly tail: number;
  /** Messages a second from the first sent to the last received. */
  readonly throughput: number;
  /** Processor time of source and sink for a message, µs. */
  readonly cpuUs: readonly [number, number];
}

/** A wire that is still this far behind when the source stops had a growing backlog, ms. */
const BEHIND_MS = 100;
/** What has not arrived when nothing came for this long is lost, ms; ECHO may be probing a broker that dropped it. */
const QUIET_MS = { core: 1000, echo: 15_000 };
const POLL_MS = 25;
/** Part of the rate that must have come through, from the first message sent to the last received. */
const KEPT = 0.93;
/** Steps of the search, and what is told apart at its end. */
const STEP = 1.5;
const PRECISE = 1.1;
const MOST_TRIALS = 14;

let runs = 0;

export async function trial(wire: Wire, rate: number, seconds: number, bytes: number): Promise<Trial> {
  const load = { run: ++runs, rate, count: Math.max(1, Math.round(rate * seconds)), bytes };
  await wire.expect(load);
  const cpuBefore = wire.pids.map(cpuMs);
  await wire.start(load);
  await delay(seconds * 1000);
  const quiet = wire.durable ? QUIET_MS.echo : QUIET_MS.core;
  let received = 0;
  let progressAt = performance.now();
  for (;;) {
    const now = await wire.received();
    if (now > received) progressAt = performance.now();
    received = now;
    if (received >= load.count) break;
    if (performance.now() - progressAt > quiet && (await wire.sent()).sent >= load.count) break;
    await delay(POLL_MS);
  }
  const cpu = wire.pids.map((pid, i) => cpuMs(pid) - cpuBefore[i]!);
  const { firstAt, lastAt, sent } = await wire.sent();
  const report = await wire.report();
  return {
    rate,
    sent,
    lost: sent - report.received,
    repeated: report.repeated,
    reordered: report.reordered,
    p50: report.p50 / 1000,
    p99: report.p99 / 1000,
    tail: (report.lastAt - lastAt) / 1000,
    throughput: (report.received * 1e6) / (report.lastAt - firstAt),
    cpuUs: [(cpu[0]! * 1000) / sent, (cpu[1]! * 1000) / sent],
  };
}

const holds = ({ lost, tail, throughput, rate }: Trial): boolean =>
  lost === 0 && tail <= BEHIND_MS && throughput >= rate * KEPT;

export interface Sustained {
  readonly rate: number;
  readonly trials: readonly Trial[];
}

/** Lengths of trials, s: those that look for a rate, and the one that shows that it lasts. */
export interface Lengths {
  readonly search: number;
  readonly proof: number;
}

/**
 * Highest rate at which everything arrives and no backlog grows: looked for upward and downward from `hint` in short
 * trials, then shown in a long one, at lower rates until it lasts. A rate that fails is tried twice: something else on
 * the machine may have been in the way.
 */
export async function sustained(
  wire: Wire,
  hint: number,
  lengths: Lengths,
  bytes: number,
): Promise<Sustained> {
  const trials: Trial[] = [];
  const reached = async (rate: number, seconds: number): Promise<number | undefined> => {
    for (let again = 0; again < 2; again++) {
      const result = await trial(wire, rate, seconds, bytes);
      trials.push(result);
      if (holds(result)) return result.throughput;
    }
    return undefined;
  };
  let good = 0;
  let bad = Number.POSITIVE_INFINITY;
  for (let rate = hint; bad / good > PRECISE && trials.length < MOST_TRIALS; ) {
    if ((await reached(rate, lengths.search)) === undefined) bad = rate;
    else good = rate;
    if (good === 0) rate = bad / STEP;
    else if (bad === Number.POSITIVE_INFINITY) rate = good * STEP;
    else rate = Math.sqrt(good * bad);
  }
  for (let rate = good; rate > good / 4; rate /= PRECISE ** 2) {
    const lasting = await reached(rate, lengths.proof);
    if (lasting !== undefined) return { rate: lasting, trials };
  }
  return { rate: 0, trials };
}
