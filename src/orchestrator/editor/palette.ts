/**
 * Node types the fleet has and the editor lacks. The editor half of a package (its HTML and phrases) is fetched from
 * a gateway and stands in the editor's folder as a stub: it declares the types and their credentials, and runs nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import type { NodeSet, OrchestratorService } from '../types.ts';
import type { DesignRuntime } from './designRuntime.ts';

export interface NodeSetEditor {
  readonly html: string;
  /** Its phrases, en-US. */
  readonly messages: Readonly<Record<string, unknown>>;
}

/** One gateway's palette. */
export interface PaletteSource {
  nodeSets(): Promise<readonly NodeSet[]>;
  nodeSetEditor(id: string): Promise<NodeSetEditor>;
}

export interface PaletteOptions {
  readonly service: OrchestratorService;
  readonly runtime: DesignRuntime;
  readonly source: (gateway: string) => PaletteSource;
  readonly userDir: string;
  readonly log: Logger;
}

/** Looks at every gateway that is or comes up. The returned function ends it and waits for what is under way. */
export function followPalette(options: PaletteOptions): () => Promise<void> {
  const { service, log } = options;
  let queue: Promise<void> = Promise.resolve();
  let ended = false;
  const look = (gateway: string): void => {
    queue = queue
      .then(() => (ended ? undefined : adopt(gateway, options)))
      .catch((error: unknown) => {
        log.warn(
          { part: 'editor', gateway, err: error },
          'its node types could not be taken into the palette',
        );
      });
  };
  const unsubscribe = service.on('gateway', (id, change) => {
    if (change === 'up' || change === 'enrolled') look(id);
  });
  for (const { id, health } of service.gateways()) if (health === 'up') look(id);
  return () => {
    ended = true;
    unsubscribe();
    return queue;
  };
}

async function adopt(gateway: string, { runtime, source, userDir, log }: PaletteOptions): Promise<void> {
  const from = source(gateway);
  const own = await runtime.nodeTypes();
  const missing = (await from.nodeSets()).filter(
    (set) => set.enabled && set.module !== 'node-red' && set.types.some((type) => !own.has(type)),
  );
  for (const [module, sets] of Map.groupBy(missing, (set) => set.module)) {
    const parts: StubPart[] = [];
    for (const set of sets) parts.push({ set, editor: await from.nodeSetEditor(set.id) });
    if (!writeStub(userDir, module, parts)) continue;
    await runtime.addModule(module);
    log.info({ part: 'editor', gateway, module }, 'its node types are in the palette');
  }
}

interface StubPart {
  readonly set: NodeSet;
  readonly editor: NodeSetEditor;
}

/** npm's names; anything else would be a path. */
const MODULE = /^(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/i;

/** False when the name is none of a package. */
function writeStub(userDir: string, module: string, parts: readonly StubPart[]): boolean {
  if (!MODULE.test(module)) return false;
  const folder = join(userDir, 'node_modules', module);
  const version = parts[0]?.set.version ?? '0.0.0';
  const nodes = Object.fromEntries(parts.map(({ set }, at) => [set.name, `set-${at}.js`]));
  const write = (name: string, text: string): void => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  write('package.json', JSON.stringify({ name: module, version, 'node-red': { nodes } }));
  parts.forEach(({ set, editor }, at) => {
    write(`set-${at}.html`, editor.html);
    write(`set-${at}.js`, stubOf(set.types, editor.html));
    write(`locales/en-US/set-${at}.json`, JSON.stringify(editor.messages));
  });
  // Node-RED hides packages that the folder's own manifest does not name.
  const manifest = join(userDir, 'package.json');
  const own = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: Record<string, string> };
  const dependencies = { ...own.dependencies, [module]: version };
  writeFileSync(manifest, JSON.stringify({ ...own, dependencies }));
  return true;
}

function stubOf(types: readonly string[], html: string): string {
  const lines = types.map((type) => {
    const credentials = credentialsOf(type, html);
    return `  RED.nodes.registerType(${JSON.stringify(type)}, inert, ${JSON.stringify({ credentials })});`;
  });
  const head =
    'module.exports = (RED) => {\n  function inert(config) {\n    RED.nodes.createNode(this, config);\n  }\n';
  return `${head}${lines.join('\n')}\n};\n`;
}

/** Which properties of the type are credentials, as its `registerType` in the HTML declares them. Nothing is run. */
export function credentialsOf(type: string, html: string): Record<string, { type: 'text' | 'password' }> {
  const quoted = type.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const start = new RegExp(`registerType\\(\\s*(['"\`])${quoted}\\1`).exec(html);
  if (start === null) return {};
  const rest = html.slice(start.index + start[0].length);
  const next = rest.search(/registerType\(/);
  const body = next < 0 ? rest : rest.slice(0, next);
  const declared = /\bcredentials['"]?\s*:\s*\{((?:[^{}]|\{[^{}]*\})*)\}/.exec(body);
  const fields = declared?.[1]?.matchAll(
    /(['"]?)([\w-]+)\1\s*:\s*\{[^{}]*?\btype['"]?\s*:\s*['"](text|password)['"]/g,
  );
  return Object.fromEntries(
    [...(fields ?? [])].map(([, , name, kind]) => [name!, { type: kind as 'text' | 'password' }]),
  );
}
