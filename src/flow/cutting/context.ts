/**
 * Flow and global context live in one Node-RED: tasks that share a key some of them write stand together. A key
 * computed at run time could be any, so its task stands with every user of that context. A key that nobody here
 * writes ties nobody.
 */
import { describe, push } from '../anatomy.ts';
import { membersOf } from '../members.ts';
import type { Task, Together } from '../types.ts';
import type { ContextUse } from './code.ts';
import type { Findings, Ground, Warning } from './ground.ts';
import { contextUsesOf } from './properties.ts';

interface Use extends ContextUse {
  readonly task: Task;
}

export function contextRule(ground: Ground): Findings {
  const stores = new Map<string, Use[]>();
  for (const task of ground.tasks.values()) {
    for (const use of usesOf(task, ground)) {
      const store = use.scope === 'global' ? 'global' : `flow ${task.tab}`;
      push(stores, store, use);
    }
  }
  const found = [...stores.values()].map(tie);
  return { together: found.flatMap((f) => f.together), warnings: found.flatMap((f) => f.warnings) };
}

/** A subflow instance has a flow context of its own; only `$parent.` reaches the tab's. */
function usesOf(task: Task, { parts }: Ground): Use[] {
  return membersOf(task.raw, parts).flatMap((member) =>
    contextUsesOf(member).flatMap((use): Use[] => {
      if (member === task.raw || use.scope === 'global') return [{ ...use, key: topKey(use.key), task }];
      const outside = use.key !== undefined && /^(?:\$parent\.)+(.*)$/.exec(use.key);
      return outside ? [{ ...use, key: topKey(outside[1]), task }] : [];
    }),
  );
}

/** First step of a key: `a.b[0]` and `#:(file)::a` both live under `a`; a first step that is computed is unknown. */
function topKey(key: string | undefined): string | undefined {
  const path = key?.replace(/^#:\(\S+?\)::/, '');
  const step = path && /^(?:\[(["'])(.*?)\1\]|([^.[]+))/.exec(path);
  return step ? (step[2] ?? step[3]) : undefined;
}

function tie(uses: readonly Use[]): Findings {
  const { scope } = uses[0]!;
  const warnings: Warning[] = [];
  const together: Together[] = [];
  const writers = uses.filter((use) => use.writes);
  const unknown = uses.filter((use) => use.key === undefined);
  if (writers.length > 0 && unknown.length > 0) {
    const { raw } = unknown[0]!.task;
    const reason = `${describe(raw)} uses ${scope} context under a key known only at run time.`;
    together.push({ tasks: idsOf(uses), rule: 'context-dynamic', reason });
    warnings.push({
      code: 'context-dynamic',
      where: raw.id,
      message: `${reason} Every node that uses ${scope} context is kept on its gateway; write the key as plain text to let them apart.`,
    });
  }
  const byKey = new Map<string, Use[]>();
  for (const use of uses) if (use.key !== undefined) push(byKey, use.key, use);
  for (const [key, users] of byKey) {
    if (users.some((use) => use.writes)) {
      together.push({
        tasks: idsOf(users),
        rule: 'context-key',
        reason: `They share ${scope} context "${key}".`,
      });
    } else if (scope === 'global' && unknown.every((use) => !use.writes)) {
      warnings.push({
        code: 'context-unwritten',
        where: users[0]!.task.id,
        message: `Global context "${key}" is read, and no node of this flow writes it: each gateway answers with its own.`,
      });
    }
  }
  return { together, warnings };
}

const idsOf = (uses: readonly Use[]): string[] => [...new Set(uses.map((use) => use.task.id))];
