/**
 * A backlog after an outage: the producer's log fills while the broker is away, and drains while new messages arrive,
 * between two real gateways over mosquitto. Every message is checked at the consumer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startMosquitto } from '../kit/brokers.ts';
import type { Disposables } from '../kit/cleanup.ts';
import { cpuMs, residentMB } from '../kit/usage.ts';
import { sampleOf } from './sample.ts';
import { trial } from './wireMeasure.ts';
import { echoWire, startPair } from './wirePairs.ts';

export interface BacklogOptions {
  /** Messages that wait when the broker returns. */
  readonly records: number;
  /** Messages that arrive from then on, and how many of them a second. */
  readonly fresh: number;
  readonly freshRate: number;
  readonly bytes: number;
  /** Most the log may take, in units of 1,048,576 bytes. */
  readonly quotaMB: number;
  readonly say?: (text: string) => void;
}

/** Resident memory of a gateway, MB. */
export interface Memory {
  readonly before: number;
  readonly filled: number;
  /** While it drained. */
  readonly max: number;
  /** From the first third of the draining to the last, medians of each. */
  readonly growth: number;
}

export interface Drained {
  readonly fillSeconds: number;
  /** From the broker's return to the first arrival: the gateways wait between attempts to connect. */
  readonly firstSeconds: number;
  /** From then until the last message of the backlog had arrived. */
  readonly drainSeconds: number;
  readonly lost: number;
  readonly repeated: number;
  readonly reordered: number;
  readonly producer: Memory;
  readonly consumer: Memory;
  /** Processor time of producer and consumer for a message while they drained, µs. */
  readonly cpuUs: readonly [number, number];
}

/** Messages a second while the log fills. */
const FILL_RATE = 50_000;
const LOOK_MS = 50;
/** Draining has come to a stop when nothing arrives for this long. */
const STUCK_MS = 60_000;

export async function drainBacklog(kit: Disposables, options: BacklogOptions): Promise<Drained> {
  const { records, fresh, freshRate, bytes, quotaMB, say = () => {} } = options;
  const broker = await startMosquitto(kit);
  const kind = echoWire('backlog', { level: 'at-least-once', quotaMB });
  const { wires, pids } = await startPair(kit, [kind], broker.url);
  const wire = wires[0]!;
  await trial(wire, 1_000, 1, bytes);
  const before = pids.map(residentMB);

  await broker.kill();
  const run = -1;
  await wire.expect({ run, rate: 0, count: records + fresh, bytes });
  const fillStart = performance.now();
  await wire.start({ run, rate: FILL_RATE, count: records, bytes });
  while ((await wire.sent()).sent < records) await delay(LOOK_MS);
  const fillSeconds = (performance.now() - fillStart) / 1000;
  const filled = pids.map(residentMB);
  say(`${records} messages wait, in ${fillSeconds.toFixed(1)} s; ${filled.map(Math.round).join(' and ')} MB`);

  await broker.start();
  const cpuBefore = pids.map(cpuMs);
  let cpuUs: [number, number] = [0, 0];
  const drainStart = performance.now();
  await wire.start({ run, rate: freshRate, count: fresh, first: records, bytes });
  const looks: number[][] = [];
  let arrived = { count: 0, at: drainStart };
  let firstAt = 0;
  let drainedAt = 0;
  while (arrived.count < records + fresh) {
    const count = await wire.received();
    const at = performance.now();
    if (count > arrived.count) arrived = { count, at };
    else if (at - arrived.at > STUCK_MS) break;
    if (firstAt === 0 && count > 0) firstAt = at;
    if (firstAt > 0 && drainedAt === 0) looks.push(pids.map(residentMB));
    if (drainedAt === 0 && count >= records) {
      drainedAt = at;
      const used = (i: number): number => ((cpuMs(pids[i]!) - cpuBefore[i]!) * 1000) / count;
      cpuUs = [used(0), used(1)];
      say(`drained in ${((at - firstAt) / 1000).toFixed(1)} s`);
    }
    await delay(LOOK_MS);
  }
  const { received, repeated, reordered } = await wire.report();
  const memory = (i: number): Memory => ({ before: before[i]!, filled: filled[i]!, ...course(looks, i) });
  return {
    fillSeconds,
    firstSeconds: (firstAt - drainStart) / 1000,
    drainSeconds: (drainedAt - firstAt) / 1000,
    lost: records + fresh - received,
    ...{ repeated, reordered },
    ...{ producer: memory(0), consumer: memory(1) },
    cpuUs,
  };
}

function course(looks: readonly (readonly number[])[], i: number): { max: number; growth: number } {
  const values = looks.map((look) => look[i]!);
  const third = Math.ceil(values.length / 3);
  const growth = sampleOf(values.slice(-third)).median - sampleOf(values.slice(0, third)).median;
  return { max: Math.max(...values), growth };
}
