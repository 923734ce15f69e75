/** What stands behind a task: the nodes inside its subflow, and the configuration nodes all of them use. */
import type { Anatomy } from './anatomy.ts';
import { isOnCanvas, isStructure, subflowOf } from './anatomy.ts';
import type { RawNode } from './types.ts';

/** A task's own node and, for a subflow instance, every entry inside its definition, nested ones too. */
export function membersOf(task: RawNode, parts: Anatomy): RawNode[] {
  const members = [task];
  for (const id of definitionsOf(task, parts)) members.push(...(parts.inner.get(id) ?? []));
  return members;
}

/** Ids of the subflow definitions an instance needs, each once, outermost first. */
export function definitionsOf(task: RawNode, parts: Anatomy): string[] {
  const found = new Set<string>();
  const visit = (node: RawNode): void => {
    const id = subflowOf(node);
    if (id === undefined || found.has(id)) return;
    found.add(id);
    for (const inner of parts.inner.get(id) ?? []) visit(inner);
  };
  visit(task);
  return [...found];
}

/** Structure, and kinds every Node-RED has: no gateway need declare them. */
const ALWAYS_THERE = new Set(['tab', 'subflow', 'group', 'junction', 'comment']);

/** Node types these entries need a gateway to have; instances stand for what is inside them. */
export function typesOf(entries: Iterable<RawNode>): string[] {
  const types = new Set<string>();
  for (const node of entries) {
    const disabledInside = node.d === true && isOnCanvas(node);
    if (!ALWAYS_THERE.has(node.type) && subflowOf(node) === undefined && !disabledInside)
      types.add(node.type);
  }
  return [...types].sort();
}

/** Properties that name nodes on a canvas, never configuration nodes. */
const NOT_REFERENCES = new Set(['id', 'type', 'z', 'g', 'wires', 'links', 'scope', 'x', 'y']);

/** Ids of the configuration nodes that these members use, directly or through others, sorted. */
export function configsOf(members: readonly RawNode[], parts: Anatomy): string[] {
  const found = new Set<string>();
  const queue: RawNode[] = [...members];
  for (const member of members) {
    const definition = parts.subflows.get(subflowOf(member) ?? '');
    if (definition) queue.push(definition);
  }
  for (let node = queue.pop(); node; node = queue.pop()) {
    for (const text of referencesOf(node)) {
      const config = parts.configs.get(text);
      if (!config || found.has(text)) continue;
      found.add(text);
      queue.push(config);
    }
  }
  return [...found].sort();
}

/** Every text in a node's properties that could be the id of a configuration node. */
function* referencesOf(node: RawNode): Generator<string> {
  for (const [key, value] of Object.entries(node)) {
    if (NOT_REFERENCES.has(key) || (isStructure(node) && key === 'nodes')) continue;
    yield* texts(value);
  }
}

export function* texts(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) yield* texts(inner);
  }
}
