/**
 * What is what in a flow's array of entries: tabs, groups, subflow definitions, configuration nodes, and the nodes
 * on tabs. Follows the Node-RED runtime: an entry on a tab without position is a configuration node.
 */
import type { RawFlow, RawNode } from './types.ts';

export interface Anatomy {
  /** Enabled tabs in file order. */
  readonly tabs: readonly RawNode[];
  /** Tab ids, disabled ones too. */
  readonly tabIds: ReadonlySet<string>;
  readonly subflows: ReadonlyMap<string, RawNode>;
  /** Everything inside a subflow definition (nodes, groups, configuration nodes), by subflow id, in file order. */
  readonly inner: ReadonlyMap<string, readonly RawNode[]>;
  /** Groups on enabled tabs. */
  readonly groups: ReadonlyMap<string, RawNode>;
  /** Configuration nodes outside subflow definitions. */
  readonly configs: ReadonlyMap<string, RawNode>;
  /** Enabled nodes on enabled tabs that run: tasks. */
  readonly tasks: ReadonlyMap<string, RawNode>;
  readonly junctions: ReadonlyMap<string, RawNode>;
  /** Comments on enabled tabs: documentation, travels with its tab. */
  readonly comments: readonly RawNode[];
}

export const isStructure = (node: RawNode): boolean =>
  node.type === 'tab' || node.type === 'subflow' || node.type === 'group';

/** A node with a place on a canvas, as against a configuration node. */
export const isOnCanvas = (node: RawNode): boolean =>
  !isStructure(node) && (('x' in node && 'y' in node) || Array.isArray(node.wires));

const SUBFLOW = 'subflow:';

/** Id of the definition an instance is made from; undefined for any other node. */
export const subflowOf = (node: RawNode): string | undefined =>
  node.type.startsWith(SUBFLOW) ? node.type.slice(SUBFLOW.length) : undefined;

/** How messages name a node: its name or label, type and id. */
export const describe = (node: RawNode): string => {
  const name = node.name || (typeof node.label === 'string' ? node.label : '');
  return name ? `"${name}" (${node.type} ${node.id})` : `${node.type} ${node.id}`;
};

export function anatomy(raw: RawFlow): Anatomy {
  const tabIds = new Set<string>();
  const tabs: RawNode[] = [];
  const subflows = new Map<string, RawNode>();
  for (const node of raw) {
    if (node.type === 'subflow') subflows.set(node.id, node);
    if (node.type !== 'tab') continue;
    tabIds.add(node.id);
    if (node.disabled !== true) tabs.push(node);
  }
  const enabled = new Set(tabs.map((tab) => tab.id));
  const inner = new Map<string, RawNode[]>();
  const groups = new Map<string, RawNode>();
  const configs = new Map<string, RawNode>();
  const tasks = new Map<string, RawNode>();
  const junctions = new Map<string, RawNode>();
  const comments: RawNode[] = [];
  for (const node of raw) {
    if (node.type === 'tab' || node.type === 'subflow') continue;
    const z = node.z ?? '';
    if (subflows.has(z)) push(inner, z, node);
    else if (tabIds.has(z) && !enabled.has(z)) continue;
    else if (node.type === 'group') groups.set(node.id, node);
    else if (!isOnCanvas(node)) configs.set(node.id, node);
    else if (node.d === true) continue;
    else if (node.type === 'junction') junctions.set(node.id, node);
    else if (node.type === 'comment') comments.push(node);
    else tasks.set(node.id, node);
  }
  return { tabs, tabIds, subflows, inner, groups, configs, tasks, junctions, comments };
}

export function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
