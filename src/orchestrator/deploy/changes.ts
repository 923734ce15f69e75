/** What a new fragment changes, told as Node-RED's deploy of type `nodes` will treat it, PURE. */
import { isDeepStrictEqual } from 'node:util';
import type { RawFlow } from '../../flow/types.ts';
import type { GatewayPlan, NodeChange } from '../types.ts';
import { differing, type Entry, indexById, references, subflowOf } from './nodes.ts';

const LAYOUT: ReadonlySet<string> = new Set(['x', 'y']);
const GROUP_LAYOUT: ReadonlySet<string> = new Set(['x', 'y', 'nodes', 'style', 'w', 'h']);

function changeOf(before: Entry, after: Entry, credentials: ReadonlySet<string>): NodeChange {
  const layout = after.type === 'group' ? GROUP_LAYOUT : LAYOUT;
  const names = differing(before, after);
  if (names.some((name) => name !== 'wires' && !layout.has(name)) || credentials.has(after.id))
    return 'change';
  if (names.includes('wires')) return 'rewire';
  return names.length > 0 ? 'move' : 'same';
}

export interface Changes {
  readonly changes: GatewayPlan['changes'];
  /** Nodes that run before and after, and are stopped and started in between. */
  readonly restarts: number;
}

/** `credentials`: ids of nodes whose credentials differ. Order: as in `after`, then what is removed. */
export function changesOf(before: RawFlow, after: RawFlow, credentials: ReadonlySet<string>): Changes {
  const old = indexById(before);
  const now = indexById(after);
  const entry = (n: Entry, change: NodeChange) => ({ node: n.id, type: n.type, name: nameOf(n), change });
  const changes = after.map((n) => {
    const was = old.get(n.id);
    return entry(n, was === undefined ? 'add' : changeOf(was, n, credentials));
  });
  const removed = before.filter((n) => !now.has(n.id)).map((n) => entry(n, 'remove'));
  const all = [...changes, ...removed];
  return { changes: all, restarts: restarts(old, now, all) };
}

const nameOf = (n: Entry): string => {
  const label = n.type === 'tab' ? n.label : n.name;
  return typeof label === 'string' ? label : '';
};

/**
 * A changed node restarts, and so does every node that refers to a changed or removed one; a tab restarts its nodes
 * only when its env changes; a subflow restarts its instances when anything inside it changes, wires included.
 */
function restarts(
  old: ReadonlyMap<string, Entry>,
  now: ReadonlyMap<string, Entry>,
  changes: GatewayPlan['changes'],
): number {
  const touched = new Set<string>();
  const subflows = new Set([...now.values()].filter((n) => n.type === 'subflow').map((n) => n.id));
  for (const { node, type, change } of changes) {
    if (change === 'same' || change === 'move') continue;
    const container = (now.get(node) ?? old.get(node))?.z;
    if (container !== undefined && subflows.has(container)) touched.add(container);
    if (change === 'rewire' || change === 'add') continue;
    if (type !== 'tab') touched.add(node);
    else if (!isDeepStrictEqual(old.get(node)?.env, now.get(node)?.env)) touched.add(node);
  }
  for (let grew = true; grew; ) {
    grew = false;
    for (const n of now.values()) {
      if (touched.has(n.id) || n.type === 'tab') continue;
      const named = [...references(n), subflowOf(n)];
      const tabChanged = n.z !== undefined && touched.has(n.z);
      if (tabChanged || named.some((id) => id !== undefined && id !== n.g && touched.has(id))) {
        touched.add(n.id);
        grew = true;
      }
    }
  }
  const runs = (n: Entry) => n.type !== 'tab' && n.type !== 'group' && n.type !== 'subflow';
  const inSubflow = (n: Entry) => n.z !== undefined && subflows.has(n.z);
  return [...touched].filter((id) => {
    const n = now.get(id);
    return n !== undefined && old.has(id) && runs(n) && !inSubflow(n);
  }).length;
}
