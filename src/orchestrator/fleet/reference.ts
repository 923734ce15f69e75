/**
 * Runs the function tasks of a flow in one place, in order, without Node-RED: what a split application must give
 * message by message is what this gives. It knows function nodes and their wires; messages to other nodes are handed
 * to `onMessage` and go no further.
 */
import { createContext, Script } from 'node:vm';
import type { RawFlow, RawNode } from '../../flow/types.ts';

export type Message = { payload?: unknown; [property: string]: unknown };

export interface Reference {
  /** Gives a message to a task; everything that follows from it has happened when this returns. */
  send(node: string, message: Message): void;
  /** Flow context of the tab. */
  readonly flow: ReadonlyMap<string, unknown>;
}

type Run = (message: Message) => unknown;

/** `onMessage(message, from, to)` sees each message on each wire, clones as Node-RED's fan-out gives them. */
export function referenceOf(
  flow: RawFlow,
  onMessage: (message: Message, from: string, to: string) => void = () => {},
): Reference {
  const store = new Map<string, unknown>();
  const tasks = new Map<string, { readonly node: RawNode; readonly run: Run }>();
  for (const node of flow)
    if (node.type === 'function') tasks.set(node.id, { node, run: compile(node, store) });

  const send = (id: string, message: Message): void => {
    const task = tasks.get(id);
    if (task === undefined) return;
    const result = task.run(message);
    const outputs = Array.isArray(result) ? result : [result];
    for (const [port, output] of outputs.entries()) {
      for (const one of Array.isArray(output) ? output : [output]) {
        if (one === null || one === undefined) continue;
        for (const to of task.node.wires?.[port] ?? []) {
          const copy = structuredClone(one) as Message;
          onMessage(copy, id, to);
          send(to, copy);
        }
      }
    }
  };
  return { send, flow: store };
}

function compile(node: RawNode, flow: Map<string, unknown>): Run {
  const own = new Map<string, unknown>();
  const scope = createContext({
    context: access(own),
    flow: access(flow),
    node: { status: () => {}, id: node.id },
  });
  const code = (name: string) => String(node[name] ?? '');
  new Script(`(() => {${code('initialize')}\n})()`).runInContext(scope);
  return new Script(`(msg) => {${code('func')}\n}`).runInContext(scope) as Run;
}

function access(store: Map<string, unknown>) {
  return {
    get: (key: string) => store.get(key),
    set: (key: string, value: unknown) => void store.set(key, value),
  };
}
