/** The canvas as a set of applications: which tabs belong together, and what each takes along. Pure. */
import { createHash } from 'node:crypto';
import type { RawFlow, RawNode } from '../../flow/types.ts';
import type { Credentials } from '../types.ts';

type Entry = Readonly<RawNode>;

/** An application as it stands on the canvas. */
export interface Unit {
  /** Absent while it was never deployed. */
  readonly application?: string;
  readonly name: string;
  readonly tabs: readonly string[];
  /** Its tabs, their nodes and groups, the config nodes and subflows they use; in canvas order. */
  readonly flow: RawFlow;
}

/** Application id → the tabs it had when canvas and store last agreed. */
export type Owners = Readonly<Record<string, { readonly tabs: readonly string[] }>>;

/** The application id a tab carries (`echo.app`). */
export function appOf(tab: Entry): string | undefined {
  const echo = tab.echo as { app?: unknown } | undefined;
  return typeof echo?.app === 'string' ? echo.app : undefined;
}

/** The tab with `echo.app` set, or taken away. */
export function withApp(tab: Entry, application: string | undefined): RawNode {
  const { app: _, ...rest } = (tab.echo ?? {}) as Record<string, unknown>;
  const { echo: __, ...bare } = tab;
  const echo = application === undefined ? rest : { ...rest, app: application };
  return (Object.keys(echo).length === 0 ? bare : { ...bare, echo }) as RawNode;
}

/**
 * Which application each tab belongs to. A tab keeps the one that owned it; a copied tab that carries the id of an
 * application still on the canvas is a new one; an id nobody here owns goes to the tabs that carry it.
 */
export function identities(canvas: RawFlow, owners: Owners): ReadonlyMap<string, string> {
  const tabs = canvas.filter((entry) => entry.type === 'tab');
  const present = new Set(tabs.map((tab) => tab.id));
  const result = new Map<string, string>();
  for (const [application, { tabs: owned }] of Object.entries(owners)) {
    for (const tab of owned) if (present.has(tab)) result.set(tab, application);
  }
  const taken = new Set(result.values());
  const claimed = new Set<string>();
  for (const tab of tabs) {
    const application = appOf(tab);
    if (application === undefined || result.has(tab.id) || taken.has(application)) continue;
    if (claimed.has(application)) continue;
    claimed.add(application);
    result.set(tab.id, application);
  }
  return result;
}

/** Drawn and never run. */
const DRAWN_ONLY: ReadonlySet<string> = new Set(['group', 'comment', 'junction']);

/** The applications on the canvas, in tab order; tabs with nothing to run are none. */
export function unitsOf(canvas: RawFlow, owners: Owners): Unit[] {
  const owner = identities(canvas, owners);
  const groups = tieTabs(canvas, owner);
  const index = indexOf(canvas);
  return groups.flatMap((tabs): Unit[] => {
    const flow = closure(canvas, index, tabs);
    if (!flow.some((entry) => tabs.includes(entry.z ?? '') && !DRAWN_ONLY.has(entry.type))) return [];
    const application = tabs.map((tab) => owner.get(tab)).find((id) => id !== undefined);
    const first = index.byId.get(tabs[0]!);
    const name = typeof first?.label === 'string' && first.label !== '' ? first.label : tabs[0]!;
    const marked = flow.map((entry) => (entry.type === 'tab' ? withApp(entry, application) : entry));
    return [{ ...(application === undefined ? {} : { application }), name, tabs, flow: marked }];
  });
}

/** Tabs that must be one application: tied by link nodes, or owned by the same one. */
function tieTabs(canvas: RawFlow, owner: ReadonlyMap<string, string>): string[][] {
  const tabs = canvas.filter((entry) => entry.type === 'tab').map((entry) => entry.id);
  const root = new Map(tabs.map((tab) => [tab, tab]));
  const find = (tab: string): string => {
    let at = tab;
    while (root.get(at) !== at) at = root.get(at)!;
    return at;
  };
  const tie = (a: string | undefined, b: string | undefined): void => {
    if (a === undefined || b === undefined || !root.has(a) || !root.has(b)) return;
    const [x, y] = [find(a), find(b)];
    if (x !== y)
      root.set(tabs.indexOf(x) < tabs.indexOf(y) ? y : x, tabs.indexOf(x) < tabs.indexOf(y) ? x : y);
  };
  const tabOf = new Map(canvas.map((entry) => [entry.id, entry.z]));
  for (const entry of canvas) {
    if (!entry.type.startsWith('link ') || !Array.isArray(entry.links)) continue;
    for (const other of entry.links as unknown[]) tie(entry.z, tabOf.get(String(other)));
  }
  const firstOf = new Map<string, string>();
  for (const [tab, application] of owner) {
    const first = firstOf.get(application);
    if (first === undefined) firstOf.set(application, tab);
    else tie(first, tab);
  }
  const groups = new Map<string, string[]>();
  for (const tab of tabs) groups.set(find(tab), [...(groups.get(find(tab)) ?? []), tab]);
  return [...groups.values()];
}

interface Index {
  readonly byId: ReadonlyMap<string, Entry>;
  /** Entries by the tab or subflow they stand in. */
  readonly inside: ReadonlyMap<string, readonly Entry[]>;
}

function indexOf(canvas: RawFlow): Index {
  const inside = new Map<string, Entry[]>();
  for (const entry of canvas) {
    if (entry.z === undefined || entry.z === '') continue;
    const list = inside.get(entry.z);
    if (list === undefined) inside.set(entry.z, [entry]);
    else list.push(entry);
  }
  return { byId: new Map(canvas.map((entry) => [entry.id, entry])), inside };
}

/** A config node stands nowhere on a tab: it has no position. */
const isConfig = (entry: Entry): boolean =>
  entry.x === undefined && !['tab', 'subflow', 'group', 'global-config'].includes(entry.type);

/** The entries of those ids with what stands in them and what all of that uses, in canvas order. */
function closure(canvas: RawFlow, index: Index, ids: Iterable<string>): RawFlow {
  const taken = new Set<string>();
  const todo: Entry[] = [...ids].flatMap((id) => index.byId.get(id) ?? []);
  for (let entry = todo.pop(); entry !== undefined; entry = todo.pop()) {
    if (taken.has(entry.id)) continue;
    taken.add(entry.id);
    if (entry.type === 'tab' || entry.type === 'subflow') todo.push(...(index.inside.get(entry.id) ?? []));
    if (entry.type.startsWith('subflow:')) {
      const definition = index.byId.get(entry.type.slice('subflow:'.length));
      if (definition !== undefined) todo.push(definition);
    }
    for (const id of strings(entry)) {
      const other = index.byId.get(id);
      if (other !== undefined && isConfig(other)) todo.push(other);
    }
  }
  return canvas.filter((entry) => taken.has(entry.id));
}

function* strings(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) yield* strings(inner);
  }
}

/** Same content, same fingerprint, whatever the order of entries and keys; `echo.app` does not count. */
export function fingerprint(flow: RawFlow, credentials: Credentials): string {
  const entries = flow
    .map((entry) => (entry.type === 'tab' ? withApp(entry, undefined) : entry))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const own = Object.fromEntries(flow.flatMap(({ id }) => (credentials[id] ? [[id, credentials[id]]] : [])));
  return createHash('sha256')
    .update(canonical([entries, own]))
    .digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * The canvas with the application's tabs replaced by `flow` (empty: taken off), at the place they had. Config nodes
 * and subflows of `flow` replace those of the same id; those that only the old tabs used go with them.
 */
export function replaceUnit(
  canvas: RawFlow,
  oldTabs: readonly string[],
  application: string,
  flow: RawFlow,
): RawFlow {
  const replaced = new Set(flow.map((entry) => entry.id));
  const subflows = new Set(flow.filter((entry) => entry.type === 'subflow').map((entry) => entry.id));
  const tabs = new Set(oldTabs);
  const leaving = usedOnlyBy(canvas, oldTabs);
  const goes = ({ id, z = '' }: Entry): boolean => leaving.has(id) || replaced.has(id) || subflows.has(z);
  const at = canvas.findIndex((entry) => tabs.has(entry.id));
  const before = (at < 0 ? canvas : canvas.slice(0, at)).filter((entry) => !goes(entry));
  const after = (at < 0 ? [] : canvas.slice(at)).filter((entry) => !goes(entry));
  const marked = flow.map((entry) => (entry.type === 'tab' ? withApp(entry, application) : entry));
  return [...before, ...marked, ...after];
}

/** The tabs, what stands on them, and what nothing else on the canvas uses. */
function usedOnlyBy(canvas: RawFlow, tabs: readonly string[]): Set<string> {
  const index = indexOf(canvas);
  const used = new Set(closure(canvas, index, tabs).map((entry) => entry.id));
  const others = canvas.flatMap((entry) => (used.has(entry.id) ? [] : [entry.id]));
  for (const entry of closure(canvas, index, others)) used.delete(entry.id);
  return used;
}
