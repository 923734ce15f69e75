/** Which tabs belong to one application: tabs that link nodes tie together. */
import type { Anatomy } from './anatomy.ts';
import { membersOf } from './members.ts';
import { linksOf } from './references.ts';
import type { FlowModel, Task, Wire } from './types.ts';
import { UnionFind } from './union.ts';

export function unitsOf(
  parts: Anatomy,
  tasks: ReadonlyMap<string, Task>,
  wires: readonly Wire[],
): FlowModel['units'] {
  const sets = new UnionFind(parts.tabs.map((tab) => tab.id));
  for (const wire of wires) {
    if (wire.kind === 'link') sets.join(tasks.get(wire.from.node)!.tab, tasks.get(wire.to)!.tab);
  }
  for (const task of tasks.values()) {
    for (const call of membersOf(task.raw, parts)) {
      if (call.type !== 'link call') continue;
      for (const id of linksOf(call)) {
        const target = tasks.get(id);
        if (target) sets.join(task.tab, target.tab);
      }
    }
  }
  const marks = new Map(parts.tabs.map((tab) => [tab.id, markOf(tab.echo)]));
  return sets.sets().map((tabs) => {
    const application = tabs.map((id) => marks.get(id)).find((mark) => mark !== undefined);
    return { tabs, ...(application !== undefined && { application }) };
  });
}

const markOf = (echo: unknown): string | undefined => {
  const app = (echo as { app?: unknown } | null | undefined)?.app;
  return typeof app === 'string' && app !== '' ? app : undefined;
};
