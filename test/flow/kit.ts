/** Small flows for tests, and an independent reading of who gets a message from whom. */
import type { Fragment, RawNode } from '../../src/flow/types.ts';

type Extra = { [property: string]: unknown };

export const tab = (id: string, extra: Extra = {}): RawNode => ({ id, type: 'tab', label: id, ...extra });

/** A node on tab `t`; `to` is wired to its first output. */
export const node = (id: string, to: string[] = [], extra: Extra = {}): RawNode => ({
  id,
  type: 'function',
  z: 't',
  x: 100,
  y: 100,
  wires: [to],
  ...extra,
});

export const config = (id: string, type: string, extra: Extra = {}): RawNode => ({
  id,
  type,
  z: '',
  ...extra,
});

export const placed = (places: Record<string, string>): Map<string, string> =>
  new Map(Object.entries(places));

export const on = (fragments: readonly Fragment[], gateway: string): readonly Readonly<RawNode>[] =>
  fragments.find((fragment) => fragment.gateway === gateway)?.nodes ?? [];

export const byId = (nodes: readonly Readonly<RawNode>[], id: string): Readonly<RawNode> => {
  const found = nodes.find((n) => n.id === id);
  if (!found) throw new Error(`no node ${id}`);
  return found;
};

/** Whom one message out of a port reaches next, once per path. */
export type Next = (task: string, port: number) => string[];

/** The original flow on one Node-RED. Junctions pass on; disabled nodes are not there. */
export function nextInFlow(flow: readonly RawNode[]): Next {
  const off = new Set(flow.filter((n) => n.d === true || n.disabled === true).map((n) => n.id));
  const live = flow.filter((n) => !off.has(n.id) && !off.has(n.z ?? ''));
  return nextAmong(live, (n) => n.type === 'junction');
}

/** The fragments, each on its Node-RED, joined by streams. Inserted nodes pass on. */
export function nextInFragments(fragments: readonly Fragment[], tasks: ReadonlySet<string>): Next {
  const nexts = new Map(
    fragments.map(({ gateway, nodes }) => [
      gateway,
      nextAmong(nodes, (n) => n.type === 'link in' && !tasks.has(n.id)),
    ]),
  );
  const home = new Map(fragments.flatMap((f) => f.nodes.map((n) => [n.id, f] as const)));
  const follow = (fragment: Fragment, from: string, port: number): string[] =>
    nexts.get(fragment.gateway)!(from, port).flatMap((id) => {
      const there = byId(fragment.nodes, id);
      if (tasks.has(id)) return [id];
      if (there.type === 'link out') return follow(fragment, id, 0);
      if (there.type !== 'echo out') throw new Error(`${id} is a ${there.type}`);
      return (there.consumers as { gateway: string }[]).flatMap(({ gateway }) => {
        const other = fragments.find((f) => f.gateway === gateway)!;
        const ins = other.nodes.filter((n) => n.type === 'echo in' && n.stream === there.stream);
        if (ins.length !== 1) throw new Error(`${ins.length} ends of ${there.stream} on ${gateway}`);
        return follow(other, ins[0]!.id, 0);
      });
    });
  return (task, port) => follow(home.get(task)!, task, port);
}

function nextAmong(nodes: readonly RawNode[], passesOn: (node: RawNode) => boolean): Next {
  const there = new Map(nodes.map((n) => [n.id, n]));
  const next = (from: string, port: number): string[] => {
    const source = there.get(from)!;
    const targets = source.type === 'link out' ? [...linked(source)] : (source.wires?.[port] ?? []);
    return targets.flatMap((id) => {
      const target = there.get(id);
      if (!target) return [];
      return passesOn(target) ? next(id, 0) : [id];
    });
  };
  const linked = (out: RawNode): Set<string> => {
    const ends = new Set((out.links ?? []) as string[]);
    for (const n of nodes)
      if (n.type === 'link in' && (n.links as string[])?.includes(out.id)) ends.add(n.id);
    return ends;
  };
  return next;
}

/** Deliveries after one message out of every port of `start`, each task sending on every port, `hops` tasks deep. */
export function deliveries(
  next: Next,
  ports: (task: string) => number,
  start: string,
  hops: number,
): string[] {
  const got: string[] = [];
  let wave = [start];
  for (let hop = 0; hop < hops && got.length < 5_000; hop++) {
    wave = wave.flatMap((task) => Array.from({ length: ports(task) }, (_, port) => next(task, port)).flat());
    got.push(...wave.map((task) => `${hop} ${task}`));
  }
  return got.sort();
}
