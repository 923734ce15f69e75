/** Where held messages go once the nodes are the new ones. Pure but for ending the holds of what goes nowhere. */
import { ECHO_OUT } from '../../../../src/wire/nodes.ts';
import type { FlowIndex } from '../flowIndex.ts';
import type { Held } from './held.ts';

export interface Nodes {
  /** Type of the running node with this id; undefined when there is none. */
  readonly typeOf: (id: string) => string | undefined;
  readonly outFor: FlowIndex['outFor'];
}

export interface Sorted {
  /** In the order in which they were sent. */
  readonly deliver: readonly Held[];
  /** For nobody here, until a later opening finds a way. */
  readonly kept: readonly Held[];
  readonly delivered: number;
  readonly rerouted: number;
  readonly dropped: number;
}

/** `orphans`: what happens to messages whose task is gone and fed by no stream. */
export function sortHeld(waiting: Iterable<Held>, orphans: 'keep' | 'drop', nodes: Nodes): Sorted {
  const carried = new Map<object, Set<string>>();
  const deliver: Held[] = [];
  const kept: Held[] = [];
  let rerouted = 0;
  let dropped = 0;
  for (const held of waiting) {
    const route = routeOf(held, carried, nodes);
    if (typeof route === 'object') {
      if (route.to !== held.destination) rerouted++;
      deliver.push({ ...held, destination: route.to });
    } else if (route === 'orphan' && orphans === 'keep') kept.push(held);
    else {
      if (route === 'orphan') dropped++;
      held.release();
    }
  }
  return { deliver, kept, delivered: deliver.length - rerouted, rerouted, dropped };
}

type Route = { readonly to: string } | 'twice' | 'orphan';

/** `carried`: which streams already carry a message, so that a fanned-out one enters each stream once. */
function routeOf(held: Held, carried: Map<object, Set<string>>, { typeOf, outFor }: Nodes): Route {
  const { destination, source, original, call } = held;
  const type = typeOf(destination);
  if (type !== undefined && type !== ECHO_OUT) return { to: destination };
  const to = type === undefined ? source && outFor(source.task, source.port, destination)?.id : destination;
  if (to === undefined || typeOf(to) === undefined) return 'orphan';
  const streams = carried.get(original) ?? new Set();
  if (streams.has(`${call}>${to}`)) return 'twice';
  carried.set(original, streams.add(`${call}>${to}`));
  return { to };
}
