/**
 * Keeps the `echo` property alive: the editor exports only the properties a type declares, and copies a fixed list on
 * import. Plugins load before nodes, so every type passes here.
 */
import type { Hints } from './hints.ts';
import type { EditorNode, NodeDefinition } from './red.ts';

export function preserveHints(): void {
  RED.events.on('registry:node-type-added', (type: string) => {
    const definition = RED.nodes.getType(type);
    if (definition?.category !== 'config') declare(definition);
  });
  declare(RED.group?.def);
  declare(RED.nodes.getType('tab'));
  RED.events.on('flows:add', (tab: EditorNode) => declare(tab._def));
  RED.events.on('groups:add', (group: EditorNode) => declare(group._def));
  RED.events.on('junctions:add', (junction: EditorNode) => declare(junction._def));
  wrapImport();
}

function declare(definition: NodeDefinition | undefined): void {
  if (definition === undefined) return;
  definition.defaults ??= {};
  definition.defaults.echo ??= { value: undefined };
}

/** Subflow instances, junctions and unknown types lose what is not on the import's own list. */
function wrapImport(): void {
  const nodes = RED.nodes as { import: typeof RED.nodes.import };
  const original = nodes.import;
  nodes.import = (given, options) => {
    const hints = hintsById(given);
    const result = original(given, options);
    for (const [id, echo] of hints) {
      const node = result?.nodeMap?.[id];
      if (node === undefined) continue;
      node.echo ??= structuredClone(echo);
    }
    return result;
  };
}

function hintsById(given: unknown): Map<string, Hints> {
  let entries: unknown = given;
  try {
    if (typeof given === 'string') entries = JSON.parse(given);
  } catch {
    // The editor's own import says what is wrong with it.
    return new Map();
  }
  const list = (Array.isArray(entries) ? entries : [entries]) as EditorNode[];
  return new Map(
    list.flatMap((entry): [string, Hints][] =>
      typeof entry?.id === 'string' && entry.echo ? [[entry.id, entry.echo]] : [],
    ),
  );
}

/** Sets the hints of a node; an unknown type is exported from the original it was read from. */
export function setHints(node: EditorNode, hints: Hints | undefined): void {
  if (hints === undefined) delete node.echo;
  else node.echo = hints;
  if (node._orig === undefined) return;
  if (hints === undefined) delete node._orig.echo;
  else node._orig.echo = hints;
}
