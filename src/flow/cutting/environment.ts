/** Environment variables that no group, tab or subflow sets: the gateway's own environment must have them. */
import { push } from '../anatomy.ts';
import { definitionsOf, membersOf } from '../members.ts';
import type { RawNode, Task } from '../types.ts';
import type { Findings, Ground } from './ground.ts';
import { environmentOf } from './properties.ts';

export function environmentRule(ground: Ground): Findings {
  const wanted = new Map<string, string[]>();
  const tabs = new Map(ground.parts.tabs.map((tab) => [tab.id, namesIn(tab)]));
  for (const task of ground.tasks.values()) {
    const known = knownTo(task, ground, tabs);
    const members = membersOf(task.raw, ground.parts);
    const configs = task.configs.map((id) => ground.parts.configs.get(id)!);
    for (const name of new Set([...members, ...configs].flatMap(environmentOf))) {
      const plain = name.replace(/^(?:\$parent\.)+/, '');
      if (!plain.startsWith('NR_') && !known.has(plain)) push(wanted, plain, task.id);
    }
  }
  return {
    together: [],
    warnings: [...wanted].map(([name, tasks]) => ({
      code: 'os-env',
      where: tasks[0]!,
      message: `Environment variable ${name} is set neither on the tab nor on a group: the gateway that runs ${tasks.join(', ')} must have it.`,
    })),
  };
}

function knownTo(task: Task, { parts }: Ground, tabs: ReadonlyMap<string, string[]>): Set<string> {
  const known = new Set(tabs.get(task.tab));
  for (let g = task.group; g; g = parts.groups.get(g)?.g)
    for (const name of namesIn(parts.groups.get(g))) known.add(name);
  for (const name of namesIn(task.raw)) known.add(name);
  for (const id of definitionsOf(task.raw, parts)) {
    for (const node of [parts.subflows.get(id), ...(parts.inner.get(id) ?? [])]) {
      for (const name of namesIn(node)) known.add(name);
    }
  }
  return known;
}

function namesIn(node: RawNode | undefined): string[] {
  if (!Array.isArray(node?.env)) return [];
  return (node.env as { name?: unknown }[]).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}
