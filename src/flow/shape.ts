/** Is this an array of well-formed Node-RED entries? The only place that looks at unknown input. */
import { ECHO_IN, ECHO_OUT } from '../wire/nodes.ts';
import { flowError } from './errors.ts';
import { nestsTooDeep } from './json.ts';
import type { RawFlow, RawNode } from './types.ts';

/** Most entries of one flow. */
export const MAX_ENTRIES = 50_000;
const MAX_ID = 128;
/** Names that objects have by themselves; Node-RED keys plain objects by node id. */
const UNSAFE_IDS = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Distance between nodes that were given no position, pixels. */
const GRID = 120;

export interface Shaped {
  readonly flow: RawFlow;
  /** JSON path of the array, `` or `/flows`. */
  readonly base: string;
}

/** A frozen copy of the entries, or ECHO_FLOW_NOT_A_FLOW, _TOO_LARGE, _BAD_NODE, _DUPLICATE_ID, _RESERVED_TYPE. */
export function shape(input: unknown): Shaped {
  const wrapped = isObject(input) && Array.isArray(input.flows);
  const base = wrapped ? '/flows' : '';
  const entries: unknown = wrapped ? input.flows : input;
  if (!Array.isArray(entries)) {
    throw flowError('ECHO_FLOW_NOT_A_FLOW', {
      message: `A flow is an array of nodes; this is ${kindOf(entries)}.`,
      where: '/',
    });
  }
  if (entries.length > MAX_ENTRIES) {
    throw flowError('ECHO_FLOW_TOO_LARGE', {
      message: `The flow has ${entries.length} entries; the most is ${MAX_ENTRIES}.`,
      where: base || '/',
    });
  }
  const seen = new Map<string, number>();
  const flow = entries.map((entry: unknown, index) => {
    const where = `${base}/${index}`;
    checkEntry(entry, where);
    const first = seen.get(entry.id);
    if (first !== undefined) {
      throw flowError('ECHO_FLOW_DUPLICATE_ID', {
        message: `The id "${entry.id}" stands at ${base}/${first} and again at ${where}.`,
        where: `${where}/id`,
      });
    }
    seen.set(entry.id, index);
    return freeze(positioned(copy(entry, where), index));
  });
  return { flow: Object.freeze(flow), base };
}

function checkEntry(entry: unknown, where: string): asserts entry is RawNode {
  const bad = (property: string, message: string) =>
    flowError('ECHO_FLOW_BAD_NODE', { message: `${where}: ${message}`, where: where + property });
  if (!isObject(entry)) throw bad('', `a node is an object; this is ${kindOf(entry)}.`);
  const { id, type } = entry;
  if (typeof id !== 'string' || id === '') throw bad('/id', 'the node has no id.');
  if (id.length > MAX_ID || UNSAFE_IDS.has(id) || hasControls(id)) {
    throw bad('/id', `"${id.slice(0, 40)}" cannot be used as an id.`);
  }
  if (typeof type !== 'string' || type === '') throw bad('/type', `node ${id} has no type.`);
  if (type.length > MAX_ID) throw bad('/type', `the type of node ${id} is too long.`);
  if (type === ECHO_IN || type === ECHO_OUT) {
    throw flowError('ECHO_FLOW_RESERVED_TYPE', {
      message: `${where}: node ${id} is of type "${type}".`,
      where,
    });
  }
  for (const key of ['z', 'g', 'name', 'label']) {
    const value = entry[key];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw bad(`/${key}`, `"${key}" of node ${id} must be text; it is ${kindOf(value)}.`);
    }
  }
  for (const key of ['x', 'y']) {
    if (key in entry && !Number.isFinite(entry[key])) {
      throw bad(`/${key}`, `"${key}" of node ${id} must be a number; it is ${kindOf(entry[key])}.`);
    }
  }
  checkLists(entry, bad);
}

type Bad = (property: string, message: string) => Error;

function checkLists(entry: Input, bad: Bad): void {
  const { id, wires, links, nodes, type, env } = entry;
  // The `wires` of a subflow definition's entries is nested in `in` and `out`; a node's own is string[][].
  if (wires !== undefined) {
    if (!Array.isArray(wires)) throw bad('/wires', `"wires" of node ${id} must be a list of lists of ids.`);
    for (const [port, targets] of wires.entries()) {
      if (isIdList(targets)) continue;
      throw bad(`/wires/${port}`, `output ${port} of node ${id} must be a list of node ids.`);
    }
  }
  if (
    String(type).startsWith('link ') &&
    links !== undefined &&
    typeof links !== 'string' &&
    !isIdList(links)
  ) {
    throw bad('/links', `"links" of node ${id} must be a list of node ids.`);
  }
  if (type === 'group' && nodes !== undefined && !isIdList(nodes)) {
    throw bad('/nodes', `"nodes" of group ${id} must be a list of node ids.`);
  }
  if (type === 'subflow') checkSubflowPorts(entry, bad);
  const holdsEnv = type === 'tab' || type === 'group' || type === 'subflow';
  if (holdsEnv && env !== undefined && !(Array.isArray(env) && env.every(isObject))) {
    throw bad('/env', `"env" of ${id} must be a list of {name, value, type}.`);
  }
}

function checkSubflowPorts(entry: Input, bad: Bad): void {
  for (const side of ['in', 'out']) {
    const ports = entry[side];
    if (ports === undefined) continue;
    const fine =
      Array.isArray(ports) &&
      ports.every((p) => isObject(p) && Array.isArray(p.wires) && p.wires.every((w) => isObject(w)));
    if (!fine)
      throw bad(`/${side}`, `"${side}" of subflow ${entry.id} must be a list of {wires: [{id, port}]}.`);
  }
}

function copy(entry: RawNode, where: string): RawNode {
  if (nestsTooDeep(entry)) {
    throw flowError('ECHO_FLOW_TOO_LARGE', {
      message: `${where}: node ${entry.id} nests too deeply.`,
      where,
    });
  }
  try {
    return structuredClone(entry);
  } catch {
    throw flowError('ECHO_FLOW_BAD_NODE', {
      message: `${where}: node ${entry.id} is not plain JSON.`,
      where,
    });
  }
}

/** Node-RED takes a wired node without position for a configuration node: hand-written flows are given one. */
function positioned(node: RawNode, index: number): RawNode {
  if (!Array.isArray(node.wires) || node.type === 'subflow' || ('x' in node && 'y' in node)) return node;
  return { ...node, x: GRID * (1 + (index % 8)), y: (GRID / 2) * (1 + Math.floor(index / 8)) };
}

type Input = { readonly [key: string]: unknown };

const isObject = (v: unknown): v is Input => typeof v === 'object' && v !== null && !Array.isArray(v);
const isIdList = (v: unknown): boolean => Array.isArray(v) && v.every((id) => typeof id === 'string');
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const hasControls = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);
const kindOf = (v: unknown): string =>
  v === null ? 'null' : Array.isArray(v) ? 'a list' : typeof v === 'object' ? 'an object' : `a ${typeof v}`;

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}
