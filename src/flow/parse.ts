/** Node-RED flow JSON → `FlowModel`. Pure: the same input gives the same model, and the input is not touched. */
import type { Anatomy } from './anatomy.ts';
import { anatomy } from './anatomy.ts';
import { applyRules } from './cutting/rules.ts';
import { hintReader } from './hints.ts';
import { parseJson } from './json.ts';
import { configsOf, membersOf, typesOf } from './members.ts';
import { checkReferences, linksOf } from './references.ts';
import { shape } from './shape.ts';
import type { FlowModel, RawNode, Task, Wire } from './types.ts';
import { unitsOf } from './units.ts';
import { wiring } from './wiring.ts';

/**
 * Accepts the array the editor exports, or `{flows: [...]}`. Throws the EchoErrors of `errors.ts`; `where` is the
 * JSON path of what is wrong, such as `/12/wires/0/1`.
 */
export function parseFlow(input: unknown): FlowModel {
  const { flow, base } = shape(input);
  checkReferences(flow, base);
  const parts = anatomy(flow);
  const index = new Map(flow.map((node, i) => [node.id, i]));
  const wires = wiring(parts);
  const tasks = readTasks(parts, wires, (id) => `${base}/${index.get(id)}`);
  const { together, warnings } = applyRules({ parts, tasks, wires });
  return Object.freeze({
    raw: flow,
    tabs: parts.tabs,
    tasks,
    wires,
    together,
    warnings,
    units: unitsOf(parts, tasks, wires),
  });
}

/** As `parseFlow`, from text; also ECHO_FLOW_NOT_JSON with line and column. */
export const parseFlowText = (text: string): FlowModel => parseFlow(parseJson(text));

function readTasks(parts: Anatomy, wires: readonly Wire[], path: (id: string) => string): Map<string, Task> {
  const hintsOf = hintReader(parts, path);
  const fed = new Set(wires.map((wire) => wire.to));
  for (const task of parts.tasks.values()) {
    for (const member of membersOf(task, parts)) {
      if (member.type === 'link call') for (const id of linksOf(member)) fed.add(id);
    }
  }
  return new Map([...parts.tasks].map(([id, raw]) => [id, readTask(raw, parts, hintsOf, fed)]));
}

/** Nothing is wired into them, yet they only speak when another node does. */
const ANSWERING = new Set(['catch', 'status', 'complete']);

function readTask(
  raw: RawNode,
  parts: Anatomy,
  hintsOf: ReturnType<typeof hintReader>,
  fed: ReadonlySet<string>,
): Task {
  const members = membersOf(raw, parts);
  const configs = configsOf(members, parts);
  return Object.freeze({
    id: raw.id,
    type: raw.type,
    name: raw.name ?? '',
    tab: raw.z!,
    ...(raw.g && { group: raw.g }),
    raw,
    hints: hintsOf(raw),
    types: typesOf([...members, ...configs.map((id) => parts.configs.get(id)!)]),
    configs,
    source: !fed.has(raw.id) && !ANSWERING.has(raw.type),
  });
}
