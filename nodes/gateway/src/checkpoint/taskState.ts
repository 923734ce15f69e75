/**
 * The state of the tasks of a fragment as parts of a checkpoint: what stands in node and flow context, and in members of
 * node instances. Values are compared by the bytes they are written as.
 */
import { deserialize, serialize } from 'node:v8';
import { stateMembers, taskClass } from '../../../../src/wire/taskClass.ts';
import type { NodeContext, RedNode } from '../red.ts';
import type { Parts } from './CheckpointFile.ts';

const CONTEXT = 'context ';
const MEMBER = 'member ';

export interface TaskStateOptions {
  /** Names of the context stores; `undefined` for the only one there is. */
  readonly stores: readonly (string | undefined)[];
  /** What a value is that no checkpoint can hold; told once for each. */
  readonly warn: (text: string) => void;
}

interface Scope {
  readonly name: string;
  readonly context: NodeContext;
}

export class TaskState {
  readonly #options: TaskStateOptions;
  readonly #told = new Set<string>();

  constructor(options: TaskStateOptions) {
    this.#options = options;
  }

  /** One of these nodes has something in a context. */
  isKept(nodes: readonly RedNode[]): boolean {
    return scopesOf(nodes).some(({ name, context }) =>
      this.#options.stores.some((store) => this.#keys(name, context, store).length > 0),
    );
  }

  /** Adds what these nodes keep now. */
  capture(nodes: readonly RedNode[], parts: Map<string, Buffer>): void {
    for (const { name, context } of scopesOf(nodes))
      for (const store of this.#options.stores)
        for (const key of this.#keys(name, context, store)) {
          const part = CONTEXT + JSON.stringify([name, store ?? '', key]);
          this.#add(parts, part, () => context.get(key, store));
        }
    for (const node of nodes)
      for (const member of stateMembers(node.type)) {
        const part = MEMBER + JSON.stringify([node.id, member]);
        this.#add(parts, part, () => (node as unknown as Record<string, unknown>)[member]);
      }
  }

  /** Brings these nodes where they were when the parts were captured; what the parts do not know is gone. */
  restore(nodes: readonly RedNode[], parts: Parts): void {
    const scopes = new Map(scopesOf(nodes).map((scope) => [scope.name, scope.context]));
    for (const [name, context] of scopes)
      for (const store of this.#options.stores)
        for (const key of this.#keys(name, context, store))
          if (!parts.has(CONTEXT + JSON.stringify([name, store ?? '', key])))
            this.#try(key, () => context.set(key, undefined, store));
    const byId = new Map(nodes.map((node) => [node.id, node]));
    for (const [part, bytes] of parts) {
      if (part.startsWith(CONTEXT)) {
        const [name, store, key] = JSON.parse(part.slice(CONTEXT.length)) as [string, string, string];
        const set = () => scopes.get(name)?.set(key, deserialize(bytes), store === '' ? undefined : store);
        this.#try(part, set);
      } else if (part.startsWith(MEMBER)) {
        const [id, member] = JSON.parse(part.slice(MEMBER.length)) as [string, string];
        const node = byId.get(id) as unknown as Record<string, unknown> | undefined;
        if (node !== undefined) node[member] = deserialize(bytes);
      }
    }
  }

  /** A store that reads nothing into memory answers only later: it has no state that belongs to a moment. */
  #keys(name: string, context: NodeContext, store: string | undefined): string[] {
    let keys: string[] = [];
    this.#try(`context of ${name} in store ${store ?? 'default'}`, () => {
      keys = context.keys(store);
    });
    return keys;
  }

  #add(parts: Map<string, Buffer>, part: string, read: () => unknown): void {
    this.#try(part, () => {
      const value = read();
      if (value !== undefined) parts.set(part, serialize(value));
    });
  }

  #try(what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (this.#told.has(what)) return;
      this.#told.add(what);
      this.#options.warn(`${what} cannot be part of a checkpoint: ${(error as Error).message}`);
    }
  }
}

/** The contexts these nodes may have written to: their own, and those of the flows they stand in. */
function scopesOf(nodes: readonly RedNode[]): Scope[] {
  const scopes = new Map<string, NodeContext>();
  for (const node of nodes) {
    const context = node.context?.();
    if (context === undefined) continue;
    scopes.set(`node ${node.id}`, context);
    if (context.flow) scopes.set(`flow ${node._flow?.path ?? node.z}`, context.flow);
  }
  return [...scopes].map(([name, context]) => ({ name, context }));
}

/** What of a node's state is in its contexts or members; the rest it keeps in messages, or where nobody can read. */
export const keepsState = (config: { readonly type: string }): boolean => {
  const kind = taskClass(config);
  return kind === 'context' || kind === 'property' || kind === 'contributed';
};
