/** Which nodes of a gateway are nobody's but its own, what an import takes over, and how it is given back, PURE. */
import type { RawFlow } from '../../flow/types.ts';
import { deployError } from './errors.ts';
import { type Entry, equalEntries, idsOf, indexById, isGlobal, references, subflowOf } from './nodes.ts';

export interface Adoption {
  /** Placed on the gateway by a hint at each tab; otherwise as found. */
  readonly flow: RawFlow;
  /** Those of its nodes that nothing else on the gateway uses: they become the application's. */
  readonly adopted: RawFlow;
}

/** `ours`: ids ECHO deployed there. Throws ECHO_IMPORT_NOTHING when a wanted tab is not the gateway's own. */
export function adopt(
  gateway: string,
  current: RawFlow,
  ours: ReadonlySet<string>,
  wanted?: readonly string[],
): Adoption {
  const working = new Set(current.filter(works).map((n) => n.z));
  const own = current.filter((n) => n.type === 'tab' && !ours.has(n.id) && works(n) && working.has(n.id));
  const missing = wanted?.filter((id) => !own.some((tab) => tab.id === id)) ?? [];
  const tabs = new Set(wanted ?? own.map((tab) => tab.id));
  if (tabs.size === 0 || missing.length > 0) {
    throw deployError('ECHO_IMPORT_NOTHING', {
      message:
        missing.length > 0
          ? `Gateway '${gateway}' has no tab of its own with the id ${missing.join(', ')} on which something runs.`
          : `Gateway '${gateway}' has no tab of its own on which something runs.`,
      where: gateway,
    });
  }
  const taken = closure(current, tabs);
  const staying = current.filter((n) => !taken.has(n.id));
  const needed = idsOf(closureOf(current, staying));
  const flow = current
    .filter((n) => taken.has(n.id))
    .map((n) => (n.type === 'tab' ? { ...n, echo: { gateway } } : n));
  return { flow, adopted: current.filter((n) => taken.has(n.id) && !needed.has(n.id) && !ours.has(n.id)) };
}

/**
 * The gateway's flows when `flow`, an application that runs nowhere else and is on it as `deployed`, becomes its own:
 * tabs without lock and mark, and what of the flow a fragment leaves out. What was changed by hand stays so.
 */
export function giveBack(current: RawFlow, deployed: RawFlow, flow: RawFlow): RawFlow {
  const written = indexById(deployed);
  const own = indexById(flow.map(unmarked));
  const there = idsOf(current);
  const stay = current.map((n) => {
    const [was, now] = [written.get(n.id), own.get(n.id)];
    if (was === undefined || now === undefined) return n;
    return equalEntries(n, was) ? now : unmarked(n);
  });
  return [...stay, ...[...own.values()].filter((n) => !there.has(n.id) && !written.has(n.id))];
}

function unmarked(n: Entry): Entry {
  if (n.type !== 'tab') return n;
  const { locked: _, echo: __, ...tab } = n;
  return tab;
}

const IDLE: ReadonlySet<string> = new Set(['comment', 'group', 'junction']);
/** A fragment holds only what runs: a tab without that would vanish from the gateway. */
const works = (n: Entry): boolean => n.d !== true && n.disabled !== true && !IDLE.has(n.type);

/** The tabs, what stands on them, and the config nodes and subflow definitions all of that uses. */
function closure(current: RawFlow, tabs: ReadonlySet<string>): Set<string> {
  const roots = current.filter((n) => tabs.has(n.id) || (n.z !== undefined && tabs.has(n.z)));
  return idsOf([...roots, ...closureOf(current, roots)]);
}

/** Config nodes and subflow definitions (with what is inside) that `roots` use, directly or through others. */
function closureOf(current: RawFlow, roots: RawFlow): Entry[] {
  const globals = indexById(current.filter(isGlobal));
  const inside = Map.groupBy(current, (n) => n.z ?? '');
  const found = new Map<string, Entry>();
  const queue: Entry[] = [...roots];
  for (let n = queue.pop(); n !== undefined; n = queue.pop()) {
    for (const id of [...references(n), subflowOf(n)]) {
      const used = id === undefined ? undefined : globals.get(id);
      if (used === undefined || found.has(used.id)) continue;
      const all = [used, ...(used.type === 'subflow' ? (inside.get(used.id) ?? []) : [])];
      for (const entry of all) found.set(entry.id, entry);
      queue.push(...all);
    }
  }
  return [...found.values()];
}
