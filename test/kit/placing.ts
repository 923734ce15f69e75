/** Seeded placements of a flow over gateways, within what must stand together. */
import { parseFlow } from '../../src/flow/parse.ts';
import type { RawFlow, RawNode } from '../../src/flow/types.ts';
import { UnionFind } from '../../src/flow/union.ts';

/** A copy of the flow that pins tasks to gateways; tasks not named are left as they are drawn. */
export function pinned(flow: RawFlow, placement: Readonly<Record<string, string>>): RawNode[] {
  return flow.map((node) => {
    const gateway = placement[node.id];
    return gateway === undefined ? { ...node } : { ...node, echo: { gateway } };
  });
}

/**
 * A placement that follows from the seed alone: every task on some gateway, kept-together sets on one. Groups and
 * tabs lose their hints, so that nothing but the pins decides.
 */
export function placedBySeed(flow: RawFlow, gateways: readonly string[], seed: number): RawNode[] {
  const bare = flow.map(({ echo: _, ...node }) => node as RawNode);
  const { tasks, together } = parseFlow(bare);
  const next = random(seed);
  const sets = new UnionFind(tasks.keys());
  for (const { tasks: set } of together) for (const id of set) sets.join(set[0]!, id);
  const placement: Record<string, string> = {};
  for (const set of sets.sets()) {
    const gateway = gateways[Math.floor(next() * gateways.length)]!;
    for (const id of set) placement[id] = gateway;
  }
  return pinned(bare, placement);
}

function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
