/** Which tasks a message can get to, over wires and links. */
import { push } from '../anatomy.ts';
import type { Wire } from '../types.ts';

export type Reach = (from: string) => ReadonlySet<string>;

/** `forward` and `backward` reachability, the start not included unless it lies on a loop. */
export function reachability(wires: readonly Wire[]): { readonly forward: Reach; readonly backward: Reach } {
  const next = new Map<string, string[]>();
  const previous = new Map<string, string[]>();
  for (const { from, to } of wires) {
    push(next, from.node, to);
    push(previous, to, from.node);
  }
  return { forward: walk(next), backward: walk(previous) };
}

function walk(edges: ReadonlyMap<string, readonly string[]>): Reach {
  const cache = new Map<string, ReadonlySet<string>>();
  return (from) => {
    let seen = cache.get(from);
    if (!seen) {
      const found = new Set<string>();
      const stack = [...(edges.get(from) ?? [])];
      for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
        if (found.has(id)) continue;
        found.add(id);
        stack.push(...(edges.get(id) ?? []));
      }
      seen = found;
      cache.set(from, seen);
    }
    return seen;
  };
}
