/** What was changed by hand on a gateway since ECHO deployed there, PURE. */
import type { RawFlow, RawNode } from '../../flow/types.ts';
import type { Drift } from '../types.ts';
import { differing, idsOf, indexById } from './nodes.ts';

/** Where things stand on the canvas is not what they do; the editor also recomputes sizes. */
const LAYOUT: ReadonlySet<string> = new Set(['x', 'y', 'w', 'h', 'style']);

export interface DriftInput {
  /** The fragment as ECHO wrote it; empty when it wrote none. */
  readonly deployed: RawFlow;
  readonly current: RawFlow;
  /** Nodes known to be there for another reason (an undo that is still pending). */
  readonly expected?: RawFlow;
}

/** In order of the fragment, then of the gateway. */
export function driftOf({ deployed, current, expected = [] }: DriftInput): Drift[] {
  const there = indexById(current);
  const drift: Drift[] = [];
  for (const node of deployed) {
    const now = there.get(node.id);
    if (now === undefined) {
      drift.push({ ...named(node), kind: 'missing' });
      continue;
    }
    const properties = differing(node, now).filter((name) => !LAYOUT.has(name));
    if (properties.length > 0) drift.push({ ...named(node), kind: 'changed', properties });
  }
  const known = idsOf([...deployed, ...expected]);
  const ours = idsOf(deployed);
  for (const node of current) {
    if (node.z !== undefined && ours.has(node.z) && !known.has(node.id)) {
      drift.push({ ...named(node), kind: 'added' });
    }
  }
  return drift;
}

const WORDS = { changed: 'was changed by hand', missing: 'was removed by hand', added: 'was added by hand' };

/** One change in words. */
export const describeDrift = ({ node, name, kind }: Drift): string => `'${name}' (${node}) ${WORDS[kind]}`;

/** A node of a tab without a name is called by its type, as in the editor. */
const named = ({ id, type, name, label }: Readonly<RawNode>): { node: string; name: string } => {
  const isText = (text: unknown): text is string => typeof text === 'string' && text !== '';
  return { node: id, name: [name, label].find(isText) ?? type };
};
