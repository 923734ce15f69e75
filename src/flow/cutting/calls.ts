/**
 * Link calls: the caller waits in its own process for the returning link out, so caller, called link in and
 * returning link outs stand together; what lies between may be elsewhere. A call whose target is named at run time
 * may mean any link in.
 */
import { describe } from '../anatomy.ts';
import { membersOf } from '../members.ts';
import { linksOf } from '../references.ts';
import type { Task, Together } from '../types.ts';
import type { Findings, Ground, Warning } from './ground.ts';
import { codeOf } from './properties.ts';
import type { Reach } from './reach.ts';
import { reachability } from './reach.ts';

export function callsRule(ground: Ground): Findings {
  const together: Together[] = [];
  const warnings: Warning[] = [];
  const { forward } = reachability(ground.wires);
  for (const task of ground.tasks.values()) {
    for (const member of membersOf(task.raw, ground.parts)) {
      const dynamic = member.type === 'link call' ? member.linkType === 'dynamic' : callsLink(member);
      if (dynamic) {
        const reason = `${describe(member)} calls a link in that is named only at run time.`;
        together.push({ tasks: callable(task, ground), rule: 'link-call-dynamic', reason });
        warnings.push({
          code: 'link-call-dynamic',
          where: task.id,
          message: `${reason} Its whole tab and all returning links are kept on one gateway.`,
        });
      } else if (member.type === 'link call') {
        for (const target of linksOf(member)) together.push(...staticCall(task, target, ground, forward));
      }
    }
  }
  return { together, warnings };
}

const callsLink = (node: Parameters<typeof codeOf>[0]): boolean =>
  codeOf(node).some(({ source }) => /\blinkcall\s*\(/.test(source));

const returns = (task: Task): boolean => task.type === 'link out' && task.raw.mode === 'return';

function staticCall(caller: Task, target: string, { tasks }: Ground, forward: Reach): Together[] {
  const into = tasks.get(target);
  if (!into) return [];
  const back = [...forward(target)].filter((id) => returns(tasks.get(id)!)).sort();
  return [
    {
      tasks: [caller.id, target, ...back],
      rule: 'link-call',
      reason: `${describe(caller.raw)} calls ${describe(into.raw)} and waits for its return.`,
    },
  ];
}

/** The caller's tab, and on other tabs every link in and returning link out. */
const callable = (caller: Task, { tasks }: Ground): string[] =>
  [...tasks.values()]
    .filter((task) => task.tab === caller.tab || task.type === 'link in' || returns(task))
    .map((task) => task.id);
