/**
 * Puts one application's fragment into what a gateway has, PURE.
 *
 * The gateway's own entries and other applications' come out as the same objects in the same order. An entry with two
 * owners (a config node, a subflow definition) stays until the last one leaves.
 */
import type { RawFlow } from '../../flow/types.ts';
import type { EchoError } from '../../wire/errors.ts';
import { deployError } from './errors.ts';
import {
  type Entry,
  equalEntries,
  idsOf,
  indexById,
  isGlobal,
  references,
  subflowOf,
  tabsOf,
} from './nodes.ts';

export interface MergeInput {
  /** Everything on the gateway now. */
  readonly current: RawFlow;
  /** What the application has, or may have, there. */
  readonly before: RawFlow;
  /** What it shall have there. */
  readonly after: RawFlow;
  /** What other applications have there, by id. */
  readonly others: ReadonlyMap<string, Entry>;
  /** Ids of `before` that are the gateway's own. */
  readonly shared: ReadonlySet<string>;
  /** Ids in the order they once had on the gateway: where entries that come back belong. */
  readonly order?: readonly string[];
  /** Names the gateway in errors. */
  readonly gateway: string;
}

export interface Merged {
  readonly flows: RawFlow;
  /** Ids of `after` that are the gateway's own: equal there already, left as they are. */
  readonly shared: readonly string[];
}

/** Throws ECHO_ID_CONFLICT when an id of `after` stands for something else on the gateway. */
export function merge(input: MergeInput): Merged {
  const after = indexById(input.after);
  const mine = region(input.current, input.before, input.shared);
  const shared: string[] = [];
  const present = new Set<string>();
  const kept = new Set(neededByOthers(input, mine, after));
  const shareable = shareableIn(input.after);
  const result: Entry[] = [];
  for (const entry of input.current) {
    const wanted = after.get(entry.id);
    if (wanted !== undefined) {
      present.add(entry.id);
      const own = !mine.has(entry.id) && !input.others.has(entry.id);
      if (own) shared.push(entry.id);
      const allowed = own ? equalEntries(entry, wanted) : mine.has(entry.id) || shareable(wanted);
      if (!allowed || (own && !shareable(wanted))) throw conflict(input, entry, wanted);
      result.push(own || equalEntries(entry, wanted) ? entry : wanted);
    } else if (!mine.has(entry.id)) {
      result.push(entry);
    } else if (kept.has(entry.id) || input.others.has(entry.id)) {
      // Its remaining owner gets back what it deployed.
      result.push(input.others.get(entry.id) ?? entry);
    }
  }
  const missing = input.after.filter((n) => !present.has(n.id));
  return { flows: insert(result, missing, input), shared };
}

/** Ids on the gateway that belong to the application: its nodes, and whatever was put into its tabs. */
export function region(current: RawFlow, before: RawFlow, shared: ReadonlySet<string>): Set<string> {
  const ids = idsOf(before);
  for (const id of shared) ids.delete(id);
  const containers = new Set(before.filter((n) => !shared.has(n.id)).map((n) => n.id));
  for (const entry of current) if (entry.z !== undefined && containers.has(entry.z)) ids.add(entry.id);
  return ids;
}

function conflict(input: MergeInput, entry: Entry, wanted: Entry): EchoError {
  const whose = input.others.has(entry.id) ? 'part of another application' : 'a node of the gateway itself';
  return deployError('ECHO_ID_CONFLICT', {
    message: `On gateway '${input.gateway}' the id '${wanted.id}' (${wanted.type}) is ${whose} (${entry.type}) with other content.`,
    where: wanted.id,
    details: { gateway: input.gateway, node: wanted.id },
  });
}

/** Config nodes, subflow definitions and what is drawn inside them may have several owners; nothing else may. */
function shareableIn(flow: RawFlow): (n: Entry) => boolean {
  const subflows = new Set(flow.filter((n) => n.type === 'subflow').map((n) => n.id));
  return (n) => isGlobal(n) || (n.z !== undefined && subflows.has(n.z));
}

/** Entries leaving with this application that something else on the gateway refers to, directly or through others. */
function neededByOthers(
  input: MergeInput,
  mine: ReadonlySet<string>,
  after: ReadonlyMap<string, Entry>,
): Set<string> {
  const leaving = new Map(
    input.current.filter((n) => mine.has(n.id) && !after.has(n.id) && isGlobal(n)).map((n) => [n.id, n]),
  );
  if (leaving.size === 0) return new Set();
  const needed = new Set<string>();
  const queue: Entry[] = input.current.filter((n) => !mine.has(n.id));
  const inside = Map.groupBy(input.current, (n) => n.z ?? '');
  for (let n = queue.pop(); n !== undefined; n = queue.pop()) {
    const named = [...references(n), subflowOf(n)];
    for (const id of named) {
      const entry = id === undefined ? undefined : leaving.get(id);
      if (entry === undefined || needed.has(entry.id)) continue;
      needed.add(entry.id);
      queue.push(entry);
      // A subflow definition stays with what is drawn inside it.
      for (const inner of inside.get(entry.id) ?? []) {
        needed.add(inner.id);
        queue.push(inner);
      }
    }
  }
  return needed;
}

/** New entries go behind the one that precedes them in `order`, else in the fragment, else to the end. */
function insert(result: Entry[], missing: RawFlow, input: MergeInput): RawFlow {
  if (missing.length === 0) return result;
  const there = idsOf(result);
  const bucket = new Map<string | undefined, Entry[]>();
  const before = predecessors(input.order ?? []);
  const inFragment = predecessors(input.after.map((n) => n.id));
  for (const n of missing) {
    const chain = before.has(n.id) ? before : inFragment;
    let at = chain.get(n.id);
    while (at !== undefined && !there.has(at)) at = chain.get(at);
    const key = at ?? (chain === before ? FRONT : undefined);
    const list = bucket.get(key);
    if (list === undefined) bucket.set(key, [n]);
    else list.push(n);
  }
  const position = new Map((input.order ?? []).map((id, i) => [id, i]));
  for (const list of bucket.values()) {
    list.sort((a, b) => (position.get(a.id) ?? 0) - (position.get(b.id) ?? 0));
  }
  return [
    ...(bucket.get(FRONT) ?? []),
    ...result.flatMap((n) => [n, ...(bucket.get(n.id) ?? [])]),
    ...(bucket.get(undefined) ?? []),
  ];
}

const FRONT = '\0front';

const predecessors = (ids: readonly string[]): Map<string, string | undefined> =>
  new Map(ids.map((id, i) => [id, i === 0 ? undefined : ids[i - 1]]));

/** Tabs a gate must close: those of the application before and after. */
export const gatedTabs = (before: RawFlow, after: RawFlow): string[] => [
  ...new Set([...tabsOf(before), ...tabsOf(after)]),
];
