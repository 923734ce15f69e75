/**
 * The wires between tasks: junctions inlined, links between link nodes resolved as the Node-RED runtime does.
 * A message reaches a destination once per path; so does the list, duplicates included.
 */
import type { Anatomy } from './anatomy.ts';
import { describe, push } from './anatomy.ts';
import { flowError } from './errors.ts';
import { linksOf } from './references.ts';
import type { RawNode, Wire } from './types.ts';

/** Most wires after junctions are inlined: chained junctions multiply paths. */
export const MAX_WIRES = 200_000;

/** In file order of the source, then port, then position. */
export function wiring(parts: Anatomy): Wire[] {
  const behind = behindJunctions(parts);
  const named = linksByOut(parts.tasks);
  const wires: Wire[] = [];
  for (const task of parts.tasks.values()) {
    for (const [port, targets] of (task.wires ?? []).entries()) {
      for (const target of targets) {
        for (const to of behind.get(target) ?? (parts.tasks.has(target) ? [target] : [])) {
          wires.push({ from: { node: task.id, port }, to, kind: 'wire' });
        }
      }
      if (wires.length > MAX_WIRES) throw tooMany(task);
    }
    for (const to of named.get(task.id) ?? []) {
      wires.push({ from: { node: task.id, port: 0 }, to, kind: 'link' });
    }
  }
  return wires;
}

const tooMany = (node: RawNode) =>
  flowError('ECHO_FLOW_TOO_LARGE', {
    message: `More than ${MAX_WIRES} paths lead on from ${describe(node)}.`,
    where: node.id,
  });

/** The tasks behind each junction, once per path. Iterative: a chain of junctions may be as long as a flow. */
function behindJunctions({ junctions, tasks }: Anatomy): ReadonlyMap<string, readonly string[]> {
  const behind = new Map<string, readonly string[]>();
  const open = new Set<string>();
  for (const start of junctions.values()) {
    const stack = [start];
    for (let node = stack.at(-1); node; node = stack.at(-1)) {
      const targets = node.wires?.[0] ?? [];
      const inner = behind.has(node.id) ? [] : targets.filter((id) => junctions.has(id) && !behind.has(id));
      if (inner.length > 0) {
        open.add(node.id);
        for (const id of inner) {
          if (open.has(id)) throw loop(junctions.get(id)!);
          stack.push(junctions.get(id)!);
        }
        continue;
      }
      stack.pop();
      open.delete(node.id);
      if (behind.has(node.id)) continue;
      const found: string[] = [];
      for (const id of targets) {
        for (const task of behind.get(id) ?? (tasks.has(id) ? [id] : [])) found.push(task);
        if (found.length > MAX_WIRES) throw tooMany(node);
      }
      behind.set(node.id, found);
    }
  }
  return behind;
}

const loop = (node: RawNode) =>
  flowError('ECHO_FLOW_JUNCTION_LOOP', {
    message: `${describe(node)} leads back to itself through junctions alone.`,
    where: node.id,
  });

/** True when a link out passes messages on, as against returning them to a link call. */
export const passesOn = (node: RawNode): boolean =>
  node.type === 'link out' && (node.mode ?? 'link') === 'link';

/** The link ins each link out leads to. Either end may name the other; each pair counts once. */
function linksByOut(tasks: ReadonlyMap<string, RawNode>): ReadonlyMap<string, readonly string[]> {
  const named = new Map<string, string[]>();
  const add = (out: string, to: string): void => {
    const source = tasks.get(out);
    if (!source || !passesOn(source) || tasks.get(to)?.type !== 'link in') return;
    if (!named.get(out)?.includes(to)) push(named, out, to);
  };
  for (const node of tasks.values()) {
    if (node.type === 'link out') for (const id of linksOf(node)) add(node.id, id);
  }
  for (const node of tasks.values()) {
    if (node.type === 'link in') for (const id of linksOf(node)) add(id, node.id);
  }
  return named;
}
