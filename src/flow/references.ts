/** Does everything an entry points at exist, in the right place? Disabled entries are held to the same rules. */
import { describe, isOnCanvas, isStructure, push, subflowOf } from './anatomy.ts';
import { flowError } from './errors.ts';
import type { RawFlow, RawNode } from './types.ts';

/** Throws the first broken reference, with its JSON path. */
export function checkReferences(flow: RawFlow, base: string): void {
  const byId = new Map(flow.map((node) => [node.id, node]));
  flow.forEach((node, index) => {
    const where = `${base}/${index}`;
    checkContainer(node, where, byId);
    checkWires(node, where, byId);
    checkLinks(node, where, byId);
    checkGroup(node, where, byId);
    checkSubflow(node, where, byId);
  });
  checkSubflowNesting(flow, base);
}

type ById = ReadonlyMap<string, RawNode>;

function checkContainer(node: RawNode, where: string, byId: ById): void {
  if (node.type === 'tab' || node.type === 'subflow') return;
  if (!node.z) {
    if (!isOnCanvas(node) && node.type !== 'group') return;
    throw flowError('ECHO_FLOW_UNKNOWN_TAB', {
      message: `${where}: ${describe(node)} stands on no tab.`,
      where: `${where}/z`,
    });
  }
  const container = byId.get(node.z);
  if (container?.type === 'tab' || container?.type === 'subflow') return;
  throw flowError('ECHO_FLOW_UNKNOWN_TAB', {
    message: `${where}: ${describe(node)} stands on tab "${node.z}", which is not in the flow.`,
    where: `${where}/z`,
  });
}

function checkWires(node: RawNode, where: string, byId: ById): void {
  if (isStructure(node) || !Array.isArray(node.wires)) return;
  for (const [port, targets] of node.wires.entries()) {
    for (const [i, target] of targets.entries()) {
      const found = byId.get(target);
      if (found && isOnCanvas(found) && found.z === node.z) continue;
      const why = !found
        ? 'is not in the flow'
        : found.z !== node.z
          ? 'is on another tab'
          : 'takes no messages';
      throw dangling(node, `${where}/wires/${port}/${i}`, `wired to "${target}", which ${why}`);
    }
  }
}

/** Which node types a link node's `links` may name. */
const LINKED: Readonly<Record<string, readonly string[]>> = {
  'link in': ['link out', 'link call'],
  'link out': ['link in'],
  'link call': ['link in'],
};

function checkLinks(node: RawNode, where: string, byId: ById): void {
  const ends = LINKED[node.type];
  if (ends === undefined) return;
  for (const [i, id] of linksOf(node).entries()) {
    const found = byId.get(id);
    if (found && ends.includes(found.type)) continue;
    const why = found ? `is a ${found.type} node` : 'is not in the flow';
    throw dangling(node, `${where}/links/${i}`, `linked to "${id}", which ${why}`);
  }
}

/** The ids a link node names; a dynamic link call names none. */
export function linksOf(node: RawNode): readonly string[] {
  if (node.type === 'link call' && node.linkType === 'dynamic') return [];
  const links = node.links;
  if (typeof links === 'string') return links === '' ? [] : [links];
  return Array.isArray(links) ? (links as string[]) : [];
}

const dangling = (node: RawNode, where: string, what: string) =>
  flowError('ECHO_FLOW_DANGLING_WIRE', { message: `${where}: ${describe(node)} is ${what}.`, where });

function checkGroup(node: RawNode, where: string, byId: ById): void {
  const bad = (property: string, message: string) =>
    flowError('ECHO_FLOW_BAD_GROUP', { message: `${where}: ${message}`, where: where + property });
  if (node.g) {
    const group = byId.get(node.g);
    if (group?.type !== 'group') {
      throw bad('/g', `${describe(node)} is in group "${node.g}", which is not in the flow.`);
    }
    if (group.z !== node.z) throw bad('/g', `${describe(node)} is in a group of another tab.`);
  }
  if (node.type !== 'group') return;
  for (const [i, id] of ((node.nodes ?? []) as string[]).entries()) {
    const member = byId.get(id);
    if (!member) throw bad(`/nodes/${i}`, `${describe(node)} lists "${id}", which is not in the flow.`);
    if (member.z !== node.z)
      throw bad(`/nodes/${i}`, `${describe(node)} lists ${describe(member)} of another tab.`);
  }
  const seen = new Set<string>();
  for (let g: RawNode | undefined = node; g; g = g.g ? byId.get(g.g) : undefined) {
    if (seen.has(g.id)) throw bad('/g', `${describe(node)} is inside itself.`);
    seen.add(g.id);
  }
}

function checkSubflow(node: RawNode, where: string, byId: ById): void {
  const definition = subflowOf(node);
  if (definition !== undefined && byId.get(definition)?.type !== 'subflow') {
    throw flowError('ECHO_FLOW_BAD_SUBFLOW', {
      message: `${where}: ${describe(node)} is an instance of subflow "${definition}", which is not in the flow.`,
      where: `${where}/type`,
    });
  }
  if (node.type !== 'subflow') return;
  for (const side of ['in', 'out'] as const) {
    for (const [p, port] of ((node[side] ?? []) as { wires: { id?: unknown }[] }[]).entries()) {
      for (const [i, { id }] of port.wires.entries()) {
        const end = typeof id === 'string' ? byId.get(id) : undefined;
        if (end && (end === node || end.z === node.id)) continue;
        throw dangling(node, `${where}/${side}/${p}/wires/${i}`, `wired to "${id}", which is not inside it`);
      }
    }
  }
}

/** A definition that contains itself, directly or through others, could never be laid out. */
function checkSubflowNesting(flow: RawFlow, base: string): void {
  const parts = new Map<string, string[]>();
  for (const node of flow) {
    const definition = subflowOf(node);
    if (definition !== undefined && node.z) push(parts, node.z, definition);
  }
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): void => {
    if (path.includes(id)) {
      const index = flow.findIndex((node) => node.id === id);
      throw flowError('ECHO_FLOW_BAD_SUBFLOW', {
        message: `${base}/${index}: subflow "${id}" contains itself (${[...path, id].join(' → ')}).`,
        where: `${base}/${index}`,
      });
    }
    if (done.has(id)) return;
    for (const part of parts.get(id) ?? []) visit(part, [...path, id]);
    done.add(id);
  };
  for (const node of flow) if (node.type === 'subflow') visit(node.id, []);
}
