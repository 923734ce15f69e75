/** Which credentials travel with a write, PURE. */
import type { RawFlow } from '../../flow/types.ts';
import type { Credentials } from '../types.ts';
import { indexById } from './nodes.ts';

export interface Put {
  readonly flows: RawFlow;
  readonly credentials?: Credentials;
}

/**
 * A gateway keeps the credentials of nodes it has. Sent are only those of `fragment` that it cannot have (the node is
 * new there) or has otherwise; the latter also stand at the node itself, since Node-RED restarts a node for its
 * credentials only when they do.
 */
export function credentialsFor(
  flows: RawFlow,
  current: RawFlow,
  fragment: RawFlow,
  { before, after }: { readonly before: Credentials; readonly after: Credentials },
): Put {
  const there = indexById(current);
  const map: Record<string, Readonly<Record<string, string>>> = {};
  const inline = new Map<string, Readonly<Record<string, string>>>();
  for (const { id } of fragment) {
    const had = before[id];
    const wanted = after[id];
    const changed = JSON.stringify(had ?? {}) !== JSON.stringify(wanted ?? {});
    if (!there.has(id)) {
      if (wanted !== undefined) map[id] = wanted;
    } else if (changed) {
      map[id] = wanted ?? {};
      const blank = Object.fromEntries(Object.keys(had ?? {}).map((name) => [name, '']));
      inline.set(id, { ...blank, ...wanted });
    }
  }
  return {
    flows:
      inline.size === 0
        ? flows
        : flows.map((n) => (inline.has(n.id) ? { ...n, credentials: inline.get(n.id) } : n)),
    ...(Object.keys(map).length === 0 ? {} : { credentials: map }),
  };
}
