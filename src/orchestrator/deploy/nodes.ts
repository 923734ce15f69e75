/** Comparing and indexing Node-RED entries, PURE. */
import { isDeepStrictEqual } from 'node:util';
import type { RawFlow, RawNode } from '../../flow/types.ts';
import { ECHO_IN, ECHO_OUT } from '../../wire/nodes.ts';

export type Entry = Readonly<RawNode>;

export const indexById = (flow: RawFlow): Map<string, Entry> => new Map(flow.map((n) => [n.id, n]));

export const idsOf = (flow: RawFlow): Set<string> => new Set(flow.map((n) => n.id));

export const tabsOf = (flow: RawFlow): string[] => flow.filter((n) => n.type === 'tab').map((n) => n.id);

/** Streams its wire nodes produce or consume. */
export const streamsOf = (flow: RawFlow): Set<string> =>
  new Set(flow.filter((n) => n.type === ECHO_OUT || n.type === ECHO_IN).map((n) => String(n.stream)));

/** A config node or subflow definition at the top level: several owners may use it. */
export const isGlobal = (n: Entry): boolean =>
  n.type === 'subflow' || (n.type !== 'tab' && (n.z === undefined || n.z === ''));

/** Equal but for key order and credentials (which an admin API never returns). */
export const equalEntries = (a: Entry, b: Entry): boolean => differing(a, b).length === 0;

/** Names of the properties that differ, sorted. */
export function differing(a: Entry, b: Entry): string[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  keys.delete('credentials');
  return [...keys].filter((key) => !isDeepStrictEqual(a[key], b[key])).sort();
}

export const equalFlows = (a: RawFlow, b: RawFlow): boolean => {
  if (a.length !== b.length) return false;
  const other = indexById(b);
  return a.every((n) => {
    const m = other.get(n.id);
    return m !== undefined && equalEntries(n, m);
  });
};

/** Ids a node refers to by a property of its own (config nodes, groups), not by wires or container. */
export function references(n: Entry): string[] {
  return Object.entries(n)
    .filter(([key, value]) => key !== 'id' && key !== 'z' && key !== 'wires' && typeof value === 'string')
    .map(([, value]) => value as string);
}

/** The subflow definition an instance is of. */
export const subflowOf = (n: Entry): string | undefined =>
  n.type.startsWith('subflow:') ? n.type.slice('subflow:'.length) : undefined;

/** The same nodes, those of later lists replacing those of earlier ones. */
export const union = (...flows: readonly RawFlow[]): RawFlow => [
  ...new Map(flows.flat().map((n) => [n.id, n])).values(),
];
