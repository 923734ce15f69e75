/**
 * `npm start -- --check`: waits until the example has carried its records over every cut wire and compares what came
 * out with what the same tasks give in one place (`reference.ts`).
 *
 * The evidence is the example's own: its rows are numbered at the source, its last tasks note each number that
 * arrives and keep a digest of every block they publish. Nothing here is taken from the protocol's own counters but
 * how many records each wire has carried.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { RawFlow } from '../../flow/types.ts';
import { fleetError } from './errors.ts';
import { referenceOf } from './reference.ts';
import { type TrafficService, trafficOf } from './traffic.ts';

export const CHECK_RECORDS = 1000;
const LIMIT_MS = 180_000;
const POLL_MS = 250;
const SOURCE = 'city-sensors';
/** The example's task that answers with what it publishes. */
export const RESULT_TASK = 'city-page';
const PUBLISH = 'city-publish';

/** What the example says at `/city?json`. */
const report = z.object({
  run: z.string(),
  /** The first row that arrived. */
  first: z.number(),
  rows: z.number(),
  lost: z.number(),
  repeated: z.number(),
  reordered: z.number(),
  published: z.object({ run: z.string(), blocks: z.number(), digest: z.number() }),
});
export type CityReport = z.infer<typeof report>;

export interface Verdict {
  readonly ok: boolean;
  readonly gateways: number;
  readonly nodeRedVersions: readonly string[];
  readonly cutWires: number;
  /** Carried by the least used cut wire. */
  readonly records: number;
  /** Rows that reached the last task. */
  readonly rows: number;
  /** Published blocks compared with the reference. */
  readonly blocks: number;
  readonly lost: number;
  readonly repeated: number;
  readonly reordered: number;
  /** The published blocks are those of the reference, in its order. */
  readonly sameOutput: boolean;
}

/** Watches the running example; `say` gets progress. Throws ECHO_CHECK_TIMEOUT when the records do not come. */
export async function checkExample(
  service: TrafficService,
  application: string,
  flow: RawFlow,
  say: (line: string) => void,
): Promise<Verdict> {
  const detail = service.application(application);
  const host = detail.placement[RESULT_TASK] ?? '';
  const page = `${service.gateway(host).adminUrl}/city?json`;
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const traffic = trafficOf(service, application);
    const records = Math.min(...traffic.map((wire) => wire.records));
    const seen = await read(page);
    if (Number.isFinite(records)) say(`${records} of ${CHECK_RECORDS}`);
    if (records >= CHECK_RECORDS && seen !== undefined && seen.rows >= CHECK_RECORDS) {
      const gateways = service.gateways().filter(({ health }) => health === 'up');
      const { repeated, reordered, rows } = seen;
      const lost = seen.lost + seen.first - 1;
      const { blocks, digest } = seen.published;
      const sameOutput =
        blocks > 0 && seen.published.run === seen.run && digest === digestAfter(flow, blocks);
      return {
        ok: sameOutput && lost + repeated + reordered === 0 && traffic.length > 0,
        gateways: gateways.length,
        nodeRedVersions: gateways
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map(({ nodeRedVersion }) => nodeRedVersion),
        cutWires: traffic.length,
        ...{ records, rows, blocks, lost, repeated, reordered, sameOutput },
      };
    }
    if (Date.now() > deadline) throw timeout(traffic, seen);
    await delay(POLL_MS);
  }
}

/** The digest the example must show after `blocks` published blocks. */
export function digestAfter(flow: RawFlow, blocks: number): number | undefined {
  let digest: number | undefined;
  let made = 0;
  const reference = referenceOf(flow, (_message, from) => {
    if (from !== PUBLISH) return;
    const published = reference.flow.get('published') as CityReport['published'];
    made = published.blocks;
    if (made === blocks) digest = published.digest;
  });
  while (made < blocks) reference.send(SOURCE, {});
  return digest;
}

async function read(url: string): Promise<CityReport | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return response.ok ? report.parse(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

function timeout(traffic: ReturnType<typeof trafficOf>, seen: CityReport | undefined): Error {
  const wires = traffic.map(({ stream, records }) => `${stream}: ${records}`).join(', ') || 'no cut wire';
  const rows = seen === undefined ? 'its page does not answer' : `${seen.rows} rows arrived`;
  return fleetError('ECHO_CHECK_TIMEOUT', {
    message: `no ${CHECK_RECORDS} records over every cut wire within ${LIMIT_MS / 1000} s (${wires}; ${rows})`,
  });
}
