/**
 * Which fragments of this gateway take checkpoints: those with an effectively-once wire, and those with tasks that hold
 * state between messages, as far as they have a wire to another gateway.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FragmentOptions } from '../../../../src/wire/checkpoint.ts';
import type { CheckpointStatus } from '../../../../src/wire/control.ts';
import { ECHO_IN, ECHO_OUT } from '../../../../src/wire/nodes.ts';
import { taskClass } from '../../../../src/wire/taskClass.ts';
import { folderName } from '../files.ts';
import type { FlowIndex } from '../flowIndex.ts';
import type { Follower, Fragment, Fragments, HeldByTask, Streams } from '../ports.ts';
import type { NodeConfig, Red, RedNode } from '../red.ts';
import { CheckpointedFragment, type CheckpointedFragmentOptions } from './CheckpointedFragment.ts';
import { keepsState, TaskState } from './taskState.ts';

export interface CheckpointedFragmentsOptions {
  /** Holds a file for each fragment. */
  readonly folder: string;
  readonly red: Red;
  readonly flows: FlowIndex;
  /** Undefined until they are there. */
  readonly streams: () => Streams | undefined;
  readonly follower: () => Follower;
  readonly gate: CheckpointedFragmentOptions['gate'];
  readonly warn: (text: string) => void;
}

/** How long finished work may wait for a checkpoint, ms: its results wait too where it is to be exact. */
const EXACT_EVERY_MS = 50;
const EVERY_MS = 500;

const STATEFUL = new Set(['context', 'property', 'journal']);
/** How often it is looked whether a contributed task uses context, ms. */
const LOOK_MS = 2_000;

interface Known {
  readonly fragment: CheckpointedFragment;
  tabs: ReadonlySet<string>;
  nodes: readonly NodeConfig[];
}

export class CheckpointedFragments implements Fragments {
  readonly #options: CheckpointedFragmentsOptions;
  readonly #state: TaskState;
  readonly #known = new Map<string, Known>();
  readonly #byTab = new Map<string, CheckpointedFragment>();
  /** The nodes whose held messages are kept, by id. */
  #journals = new Set<string>();
  /** What tasks held when the flows were stopped. */
  #stopped: {
    readonly fragment: CheckpointedFragment;
    readonly held: readonly (HeldByTask & { at: RedNode })[];
  }[] = [];

  constructor(options: CheckpointedFragmentsOptions) {
    this.#options = options;
    const { contextStorage = {} } = options.red.settings;
    // `default` may be the name of a store, or say which of the others it is.
    const stores = Object.keys(contextStorage).filter((name) => typeof contextStorage[name] !== 'string');
    this.#state = new TaskState({ stores: stores.length === 0 ? [undefined] : stores, warn: options.warn });
    options.red.events.on('flows:stopping', () => this.#keepHeld());
    options.flows.onChange(() => this.refresh());
    setInterval(() => this.#lookAgain(), LOOK_MS).unref();
    this.refresh();
  }

  of(tab: string): Fragment | undefined {
    return this.#byTab.get(tab);
  }

  status(): CheckpointStatus[] {
    return [...this.#known.values()].map(({ fragment }) => fragment.status());
  }

  /** What this node holds is kept by checkpoints. */
  keeps(node: RedNode, tab: string): boolean {
    return this.#byTab.has(tab) && this.#journals.has(node.id);
  }

  /** Takes the last checkpoints of this process. */
  async finish(): Promise<void> {
    await Promise.all([...this.#known.values()].map(({ fragment }) => fragment.finish()));
  }

  /** Goes by the flows as they are now; where they run, tasks that were not brought back yet are. */
  refresh(): void {
    const { flows } = this.#options;
    const { applications } = flows;
    this.#journals = new Set();
    for (const [id, { tabs, nodes }] of applications) {
      for (const node of nodes) if (taskClass(node) === 'journal') this.#journals.add(node.id);
      const rules = rulesFor(nodes, () => this.#usesContext(id, nodes));
      const known = this.#known.get(id);
      if (rules === undefined) this.#end(id);
      else if (known !== undefined) this.#configure(known, tabs, nodes, rules);
      else this.#begin(id, tabs, nodes, rules);
    }
    if (flows.running && this.#options.streams() !== undefined) this.#started();
  }

  #begin(id: string, tabs: ReadonlySet<string>, nodes: readonly NodeConfig[], rules: FragmentOptions): void {
    const { red, flows, streams, follower, gate, warn } = this.#options;
    const known: Known = {
      fragment: new CheckpointedFragment(
        {
          id,
          path: this.#pathOf(id),
          streams: () => streams()!,
          follower,
          gate,
          state: this.#state,
          keepers: () => this.#keepersOf(known),
          node: (node) => red.nodes.getNode(node),
          running: () => flows.running,
          retired: () => this.#retired(id),
          warn,
        },
        rules,
      ),
      tabs: new Set(),
      nodes: [],
    };
    this.#known.set(id, known);
    this.#configure(known, tabs, nodes, rules);
  }

  /** A tab once known stays: streams of a task that has left may still have something to send. */
  #configure(
    known: Known,
    tabs: ReadonlySet<string>,
    nodes: readonly NodeConfig[],
    rules: FragmentOptions,
  ): void {
    known.tabs = new Set([...known.tabs, ...tabs]);
    known.nodes = nodes;
    known.fragment.configure(known.tabs, rules);
    for (const tab of known.tabs) this.#byTab.set(tab, known.fragment);
  }

  #end(id: string): void {
    const known = this.#known.get(id);
    if (known === undefined) {
      // What an earlier process left would be taken for the truth later.
      rmSync(this.#pathOf(id), { force: true });
      return;
    }
    for (const tab of known.tabs) this.#byTab.delete(tab);
    this.#known.delete(id);
    this.#options.streams()?.keepAlone(known.tabs);
    known.fragment.remove();
  }

  /** The last tab of the application has left this gateway, and now its streams go. */
  #retired(id: string): void {
    if (!this.#options.flows.applications.has(id)) this.#end(id);
  }

  /**
   * Whether a contributed task does is seen when it has. An earlier process may have seen it: then there is a checkpoint,
   * and its tasks are not there yet.
   */
  #usesContext(id: string, nodes: readonly NodeConfig[]): boolean {
    const contributed = nodes.filter((node) => taskClass(node) === 'contributed');
    if (contributed.length === 0) return false;
    if (this.#known.has(id) || existsSync(this.#pathOf(id))) return true;
    return this.#state.isKept(this.#running(contributed));
  }

  /** Contributed tasks may have begun to use context. */
  #lookAgain(): void {
    const { flows } = this.#options;
    if (!flows.running) return;
    const begun = [...flows.applications].some(
      ([id, { nodes }]) =>
        !this.#known.has(id) && rulesFor(nodes, () => this.#usesContext(id, nodes)) !== undefined,
    );
    if (begun) this.refresh();
  }

  #running(nodes: readonly NodeConfig[]): RedNode[] {
    return nodes.map(({ id }) => this.#options.red.nodes.getNode(id)).filter((node) => node != null);
  }

  #keepersOf({ nodes }: Known): RedNode[] {
    return this.#running(nodes.filter(keepsState));
  }

  #pathOf(id: string): string {
    return join(this.#options.folder, `${folderName(id)}.log`);
  }

  #keepHeld(): void {
    const { follower, red } = this.#options;
    this.#stopped = [...this.#known.values()].map(({ fragment, tabs }) => ({
      fragment,
      held: follower()
        .heldByTasks(tabs)
        .map((held) => ({ ...held, at: red.nodes.getNode(held.node)! })),
    }));
  }

  /** Nodes that were replaced have lost what they held. */
  #started(): void {
    const { red } = this.#options;
    for (const { fragment } of this.#known.values()) fragment.restore();
    for (const { fragment, held } of this.#stopped)
      fragment.handInAgain(held.filter(({ node, at }) => red.nodes.getNode(node) !== at));
    this.#stopped = [];
  }
}

/** Undefined where no checkpoints are needed. */
function rulesFor(nodes: readonly NodeConfig[], usesContext: () => boolean): FragmentOptions | undefined {
  const wires = nodes.filter(({ type }) => type === ECHO_IN || type === ECHO_OUT);
  if (wires.length === 0) return undefined;
  if (wires.some(({ level }) => level === 'effectively-once'))
    return { exact: true, everyMs: EXACT_EVERY_MS };
  const stateful = nodes.some((node) => STATEFUL.has(taskClass(node)));
  return stateful || usesContext() ? { exact: false, everyMs: EVERY_MS } : undefined;
}
