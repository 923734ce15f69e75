/**
 * The city example as test material: its source swapped for a feed the test controls, its results tapped into files.
 * The tasks between stay exactly as users get them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RawFlow, RawNode } from '../../src/flow/types.ts';

const FLOWS = fileURLToPath(new URL('../../flows/', import.meta.url));

/** Ids of the city example's tasks. */
export const CITY = {
  tab: 'city-etl',
  tick: 'city-tick',
  sensors: 'city-sensors',
  parse: 'city-parse',
  range: 'city-range',
  interpolate: 'city-interpolate',
  annotate: 'city-annotate',
  average: 'city-average',
  publish: 'city-publish',
  continuity: 'city-continuity',
} as const;

/** A fresh copy of an example application, e.g. `exampleFlow('city-etl')`. */
export function exampleFlow(name: string): RawNode[] {
  return JSON.parse(readFileSync(`${FLOWS}${name}.json`, 'utf8')) as RawNode[];
}

/**
 * The city example fed by `POST <path>` with `{run, first, lines}`: each line becomes one numbered row, in order; the
 * answer comes when all have been sent. See `feed`.
 */
export function fedByHttp(flow: RawFlow, path: string = '/feed'): RawNode[] {
  const sensors = flow.find((node) => node.id === CITY.sensors);
  if (sensors === undefined) throw new Error(`no ${CITY.sensors} in the flow`);
  const place = { z: CITY.tab, ...(sensors.g === undefined ? {} : { g: sensors.g }) };
  const ask: RawNode = {
    ...{ id: CITY.tick, type: 'http in', ...place, name: 'feed', url: path, method: 'post', upload: false },
    ...{ x: 140, y: 140, wires: [[CITY.sensors]] },
  };
  const split: RawNode = {
    ...{
      ...sensors,
      name: 'rows',
      outputs: 2,
      initialize: '',
      wires: [...(sensors.wires ?? []), ['city-fed']],
    },
    func: `const { run, first, lines } = msg.payload;
const rows = lines.map((payload, i) => ({ run, row: first + i, topic: 'city', payload }));
msg.payload = { fed: rows.length };
return [rows, msg];`,
  };
  const answer: RawNode = {
    ...{ id: 'city-fed', type: 'http response', ...place, name: '', statusCode: '', headers: {} },
    ...{ x: 300, y: 140, wires: [] },
  };
  const swapped = flow.map((node) => (node.id === CITY.tick ? ask : node.id === CITY.sensors ? split : node));
  return withGroupMember([...swapped, answer], answer);
}

/** Adds a `file` node that appends the property of each message from `node` (output 0) to `path`, a JSON line each. */
export function tapped(flow: RawFlow, node: string, path: string): RawNode[] {
  const from = flow.find((entry) => entry.id === node);
  if (from === undefined) throw new Error(`no ${node} in the flow`);
  const place = { z: from.z ?? '', ...(from.g === undefined ? {} : { g: from.g }) };
  const line: RawNode = {
    ...{ id: `${node}-line`, type: 'function', ...place, name: '', outputs: 1, timeout: 0, noerr: 0 },
    ...{ initialize: '', finalize: '', libs: [], x: 680, y: 420, wires: [[`${node}-file`]] },
    func: 'return { payload: JSON.stringify({ run: msg.run, row: msg.row, payload: msg.payload }) };',
  };
  const file: RawNode = {
    ...{ id: `${node}-file`, type: 'file', ...place, name: '', filename: path, filenameType: 'str' },
    ...{ appendNewline: true, createDir: false, overwriteFile: 'false', encoding: 'utf8', x: 840, y: 420 },
    wires: [[]],
  };
  const wired = flow.map((entry) => {
    if (entry.id !== node) return entry;
    const [first = [], ...rest] = entry.wires ?? [];
    return { ...entry, wires: [[...first, line.id], ...rest] };
  });
  return withGroupMember(withGroupMember([...wired, line, file], line), file);
}

/** What a tap has written so far; a line that is being written is left out. */
export function readTap<T = { run: string; row: number; payload: unknown }>(path: string): T[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** The city example with other metadata to join, e.g. that of the real sample. */
export function withStations(flow: RawFlow, stations: Record<string, unknown>): RawNode[] {
  const initialize = `context.set('stations', ${JSON.stringify(stations)});`;
  return flow.map((node) => (node.id === CITY.annotate ? { ...node, initialize } : { ...node }));
}

/** Posts rows to a flow made with `fedByHttp`; numbers them from `first`. */
export async function feed(
  gatewayUrl: string,
  rows: readonly string[],
  options: { readonly run?: string; readonly first?: number; readonly path?: string } = {},
): Promise<void> {
  const response = await fetch(`${gatewayUrl}${options.path ?? '/feed'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ run: options.run ?? 'test', first: options.first ?? 1, lines: rows }),
  });
  if (!response.ok) throw new Error(`feed: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

function withGroupMember(flow: RawNode[], member: RawNode): RawNode[] {
  if (member.g === undefined) return flow;
  return flow.map((node) =>
    node.id === member.g ? { ...node, nodes: [...(node.nodes as string[]), member.id] } : node,
  );
}
