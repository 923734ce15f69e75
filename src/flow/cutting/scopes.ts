/** Catch, status and complete nodes hear only nodes of their own Node-RED: they stand with the nodes in their scope. */
import { describe } from '../anatomy.ts';
import type { Task } from '../types.ts';
import type { Findings, Ground } from './ground.ts';

const LISTENERS = new Set(['catch', 'status', 'complete']);

export function scopesRule(ground: Ground): Findings {
  const listeners = [...ground.tasks.values()].filter((task) => LISTENERS.has(task.type));
  return {
    together: listeners.map((listener) => ({
      tasks: [listener.id, ...heard(listener, ground).filter((id) => id !== listener.id)],
      rule: `${listener.type}-scope`,
      reason: `${describe(listener.raw)} listens to ${extent(listener)}.`,
    })),
    warnings: [],
  };
}

type Extent = 'nodes' | 'group' | 'tab';

function extentOf({ type, raw }: Task): Extent {
  if (Array.isArray(raw.scope) || type === 'complete') return 'nodes';
  return raw.scope === 'group' && raw.g ? 'group' : 'tab';
}

const extent = (listener: Task): string =>
  ({
    nodes: 'the nodes in its scope',
    group: 'its whole group',
    tab: 'its whole tab; name nodes in its scope to narrow it',
  })[extentOf(listener)];

function heard(listener: Task, { tasks, parts }: Ground): string[] {
  const kind = extentOf(listener);
  if (kind === 'nodes') {
    const scope = Array.isArray(listener.raw.scope) ? (listener.raw.scope as unknown[]) : [];
    return scope.filter((id): id is string => typeof id === 'string' && tasks.has(id));
  }
  const inGroup = (task: Task): boolean => {
    for (let g = task.group; g; g = parts.groups.get(g)?.g) if (g === listener.group) return true;
    return false;
  };
  return [...tasks.values()]
    .filter((task) => task.tab === listener.tab && (kind === 'tab' || inGroup(task)))
    .map((task) => task.id);
}
