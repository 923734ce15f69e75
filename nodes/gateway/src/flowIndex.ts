/** What follower, gate and agent know of the configured flows: which tabs are ECHO's, and how things stand in them. */
import { ECHO_IN, ECHO_OUT, type EchoOutNode, isByHand } from '../../../src/wire/nodes.ts';
import type { NodeConfig, Red, RedNode } from './red.ts';

/** Where a running node stands: `task` is the node itself, or the outermost subflow instance around it. */
export interface Place {
  readonly tab: string;
  readonly task: string;
}

/** Nothing is wired to these, and yet what they send has a cause: they are no sources. */
const DRIVEN = new Set([ECHO_IN, 'link in', 'catch', 'status', 'complete']);

export class FlowIndex {
  readonly #red: Red;
  #running = false;
  /** Application by tab. */
  #echoTabs = new Map<string, string>();
  #tabOf = new Map<string, string>();
  #typeOf = new Map<string, string>();
  /** Tasks by tab, or by subflow for those of its definition. */
  #nodesOf = new Map<string, NodeConfig[]>();
  #wired = new Set<string>();
  #outs: EchoOutNode[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(red: Red) {
    this.#red = red;
    const refresh = (): void => this.#refresh();
    this.#running = this.#flowsLoaded();
    red.events.on('flows:stopping', () => {
      this.#running = false;
      refresh();
    });
    red.events.on('flows:starting', refresh);
    red.events.on('flows:started', () => {
      this.#running = true;
      refresh();
    });
  }

  /** False from the moment a deploy stops nodes until the new ones have been started. */
  get running(): boolean {
    return this.#running;
  }

  /** Called after each change of the configured flows, and of `running`. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  isEcho(tab: string): boolean {
    return this.#echoTabs.has(tab);
  }

  /** The applications of this gateway, each with its tabs and the tasks in them, those inside subflows too. */
  get applications(): ReadonlyMap<
    string,
    { readonly tabs: ReadonlySet<string>; readonly nodes: readonly NodeConfig[] }
  > {
    const applications = new Map<string, { tabs: Set<string>; nodes: NodeConfig[] }>();
    for (const [tab, app] of this.#echoTabs) {
      const known = applications.get(app) ?? { tabs: new Set(), nodes: [] };
      applications.set(app, known);
      known.tabs.add(tab);
      this.#collect(tab, known.nodes);
    }
    return applications;
  }

  /** The tasks of a tab, or of a subflow instance: each under the id that Node-RED runs it by. */
  #collect(container: string, into: NodeConfig[], instance?: string): void {
    for (const node of this.#nodesOf.get(container) ?? []) {
      const id = instance === undefined ? node.id : `${instance}-${node.id}`;
      into.push({ ...node, id });
      if (node.type.startsWith('subflow:')) this.#collect(node.type.slice('subflow:'.length), into, id);
    }
  }

  /** Tab of a configured node (not of a node inside a subflow instance). */
  tabOf(id: string): string | undefined {
    return this.#tabOf.get(id);
  }

  typeOf(id: string): string | undefined {
    return this.#typeOf.get(id);
  }

  place(node: RedNode): Place {
    const [tab, instance] = node._flow?.path?.split('/') ?? [];
    return { tab: tab ?? node.z ?? '', task: instance ?? node.id };
  }

  /** True for a task that feeds the flow by itself: nothing is wired to it and nothing else drives it. */
  isSource(node: RedNode): boolean {
    return !DRIVEN.has(node.type) && !this.#wired.has(node._alias ?? node.id);
  }

  /** The `echo out` that carries what `task` sends from `port` (undefined: any port) to `destination`. */
  outFor(task: string, port: number | undefined, destination: string): EchoOutNode | undefined {
    return this.#outs.find((out) => {
      const [, node, number] = /\/([^/]*):(\d+)$/.exec(out.stream) ?? [];
      return (
        node === task &&
        (port === undefined || Number(number) === port) &&
        out.consumers.some((consumer) => consumer.tasks.includes(destination))
      );
    });
  }

  /** True, and read, when the package was installed into a running Node-RED; else flows are loaded after plugins. */
  #flowsLoaded(): boolean {
    try {
      this.#refresh();
      return true;
    } catch {
      return false;
    }
  }

  #refresh(): void {
    this.#echoTabs = new Map();
    this.#nodesOf = new Map();
    this.#tabOf = new Map();
    this.#typeOf = new Map();
    this.#wired = new Set();
    this.#outs = [];
    this.#red.nodes.eachNode((config) => this.#add(config));
    for (const listener of this.#listeners) listener();
  }

  #add(config: NodeConfig): void {
    if (config.type === 'tab') {
      const echo = config.echo as { app?: unknown } | undefined;
      if (typeof echo === 'object' && echo !== null && echo.app)
        this.#echoTabs.set(config.id, String(echo.app));
      return;
    }
    if (config.type === 'subflow') {
      const inputs = (config.in ?? []) as { wires?: { id: string }[] }[];
      for (const input of inputs) for (const wire of input.wires ?? []) this.#wired.add(wire.id);
      return;
    }
    if (config.z !== undefined) {
      this.#tabOf.set(config.id, config.z);
      const siblings = this.#nodesOf.get(config.z) ?? [];
      this.#nodesOf.set(config.z, siblings);
      if (config.wires !== undefined) siblings.push(config);
    }
    this.#typeOf.set(config.id, config.type);
    for (const port of config.wires ?? []) for (const id of port) this.#wired.add(id);
    // One wired by hand says nothing of the tasks at its other end.
    if (config.type === ECHO_OUT && !isByHand(config)) this.#outs.push(config as unknown as EchoOutNode);
  }
}
