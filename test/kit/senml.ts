/**
 * City sensor rows as RIoTBench ships them (`epochMs,SenML`): made from a seed, or read from the real sample when it
 * stands beside the repository. Neither carries an id of its own: number the rows.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SAMPLES = fileURLToPath(new URL('../../../shared/data/riotbench/', import.meta.url));
const START = 1_422_748_800_000;
const STATIONS = 40;

/** `count` rows that follow from `seed` alone, from row number `first` on. */
export function seededRows(count: number, seed: number = 2017, first: number = 1): string[] {
  return Array.from({ length: count }, (_, i) => seededRow(seed, first + i));
}

/** The 1,000 real rows, or undefined when the sample is not at hand. */
export function sampleRows(): string[] | undefined {
  return readLines('SYS_sample_data_senml.csv');
}

/** Source id → what is known of it; undefined when the sample is not at hand. */
export function sampleStations(): Record<string, { location: string; kind: string }> | undefined {
  const lines = readLines('city-metadata.txt');
  if (lines === undefined) return undefined;
  return Object.fromEntries(
    lines.map((line) => {
      const [source = '', rest = ''] = line.split(':');
      const [location = '', kind = ''] = rest.split(',');
      return [source, { location, kind }];
    }),
  );
}

function readLines(name: string): string[] | undefined {
  const path = `${SAMPLES}${name}`;
  if (!existsSync(path)) return undefined;
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}

function seededRow(seed: number, row: number): string {
  const time = START + Math.floor((row - 1) / 17) * 1000;
  const pick = random(seed, row);
  const station = Math.floor(pick() * STATIONS);
  const value = (n: string, u: string, from: number, to: number, digits: number) => ({
    v: (from + pick() * (to - from)).toFixed(digits),
    u,
    n,
  });
  const e = [
    { u: 'string', n: 'source', sv: `ci4station${String(station + 1).padStart(2, '0')}` },
    { v: (6.05 + station * 0.004).toFixed(6), u: 'lon', n: 'longitude' },
    { v: (46.17 + station * 0.003).toFixed(6), u: 'lat', n: 'latitude' },
    value('temperature', 'far', -20, 50, 1),
    value('humidity', 'per', 5, 100, 1),
    value('light', 'per', 0, 30_000, 0),
    value('dust', 'per', 0, 6000, 2),
    value('airquality_raw', 'per', 0, 420, 0),
  ];
  return `${time},${JSON.stringify({ e, bt: time })}`;
}

/** Numbers in [0, 1) that follow from a seed and a row (mulberry32). */
function random(seed: number, row: number): () => number {
  let a = (seed ^ Math.imul(row, 0x9e3779b1)) >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
