/**
 * One gateway's flow: the tabs, subflow definitions, groups and configuration nodes its tasks need, the tasks, and
 * the inserted wire nodes, in that order and each kind in file order. What only ECHO reads (`echo`) or the store
 * keeps (`credentials`) is left out: either would restart nodes that did not change.
 */
import type { Anatomy } from './anatomy.ts';
import type { Bridges } from './cutting/bridges.ts';
import { definitionsOf } from './members.ts';
import type { FlowModel, Fragment, RawNode } from './types.ts';

export interface FragmentInput {
  readonly gateway: string;
  readonly model: FlowModel;
  readonly parts: Anatomy;
  /** Ids of the tasks on this gateway, in file order. */
  readonly here: ReadonlySet<string>;
  readonly bridges: Bridges;
  readonly application: string;
}

export function fragmentOf(input: FragmentInput): Fragment {
  const { model, parts, here, bridges } = input;
  const tasks = [...here].map((id) => model.tasks.get(id)!);
  const tabs = new Set(tasks.map((task) => task.tab));
  const groups = groupsOf(parts, here, tabs);
  const definitions = new Set(tasks.flatMap((task) => definitionsOf(task.raw, parts)));
  const configs = new Set(tasks.flatMap((task) => task.configs));
  const comments = parts.comments.filter((c) => tabs.has(c.z ?? '') && (!c.g || groups.has(c.g)));
  const present = new Set([...here, ...groups, ...comments.map((c) => c.id)]);
  const original: RawNode[] = [
    ...parts.tabs.filter((tab) => tabs.has(tab.id)).map((tab) => tabOf(tab, input.application)),
    ...subflowsOf(model, definitions),
    ...[...groups].map((id) => groupOf(parts.groups.get(id)!, present)),
    ...[...parts.configs.values()].filter((c) => configs.has(c.id)).map(bare),
    ...comments.map(bare),
    ...tasks.map((task) => taskOf(task.raw, bridges, here)),
  ];
  return {
    gateway: input.gateway,
    nodes: [...original, ...bridges.nodes],
    credentialIds: original.map((node) => node.id),
  };
}

/** Without what a gateway must not see. Rest properties, so that a key such as `__proto__` stays plain data. */
function bare(node: RawNode): RawNode {
  const { echo: _echo, credentials: _credentials, ...rest } = node;
  return rest as RawNode;
}

/** Locked, so that the gateway's own editor shows it as what it is: not drawn here. */
const tabOf = (tab: RawNode, application: string): RawNode => ({
  ...bare(tab),
  locked: true,
  echo: { app: application },
});

/** Node types whose `scope` lists the nodes they listen to. */
const SCOPED = new Set(['catch', 'status', 'complete']);

function taskOf(raw: RawNode, bridges: Bridges, here: ReadonlySet<string>): RawNode {
  const wires = bridges.wires.get(raw.id);
  const links = bridges.links.get(raw.id);
  const scope = SCOPED.has(raw.type) && Array.isArray(raw.scope) && raw.scope.filter((id) => here.has(id));
  return { ...bare(raw), ...(wires && { wires }), ...(links && { links }), ...(scope && { scope }) };
}

const groupOf = (group: RawNode, present: ReadonlySet<string>): RawNode => ({
  ...bare(group),
  nodes: ((group.nodes ?? []) as string[]).filter((id) => present.has(id)),
});

/** Groups with a task here, at any depth, and groups of pure documentation whose surroundings are here. */
function groupsOf(parts: Anatomy, here: ReadonlySet<string>, tabs: ReadonlySet<string>): Set<string> {
  const withTasks = new Set<string>();
  const withTasksHere = new Set<string>();
  for (const task of parts.tasks.values()) {
    for (let g = task.g; g; g = parts.groups.get(g)?.g) {
      withTasks.add(g);
      if (here.has(task.id)) withTasksHere.add(g);
    }
  }
  const isHere = (group: RawNode): boolean => {
    if (withTasks.has(group.id)) return withTasksHere.has(group.id);
    const outer = group.g ? parts.groups.get(group.g) : undefined;
    return outer ? isHere(outer) : tabs.has(group.z ?? '');
  };
  return new Set([...parts.groups.values()].filter(isHere).map((group) => group.id));
}

/** Definitions with all that is inside them, in file order. */
function subflowsOf(model: FlowModel, definitions: ReadonlySet<string>): RawNode[] {
  return model.raw
    .filter((node) => (node.type === 'subflow' ? definitions.has(node.id) : definitions.has(node.z ?? '')))
    .map((node) => bare(node));
}
