/** Follower and gate on a runtime that routes as Node-RED does, so that a test can stop the world between two steps. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { FlowIndex } from '../../../nodes/gateway/src/flowIndex.ts';
import { HookFollower } from '../../../nodes/gateway/src/follow/HookFollower.ts';
import { HookGate } from '../../../nodes/gateway/src/gate/HookGate.ts';
import type { NodeConfig, Red, RedNode, SendEvent } from '../../../nodes/gateway/src/red.ts';
import type { Disposables } from '../../kit/cleanup.ts';

type Hook = (event: unknown) => false | undefined;

export const TAB = 't';
/** Type of a node that completes nothing. */
export const NEVER = 'never';
export const config = (id: string, wires: string[] = [], more: object = {}): NodeConfig => ({
  id,
  type: 'test',
  z: TAB,
  wires: [wires],
  ...more,
});

/** Sends, clones, routes and delivers in the next turn, as Node-RED's flows do. */
export class Runtime {
  readonly events = new EventEmitter();
  readonly warnings: string[] = [];
  readonly gate: HookGate;
  readonly follower: HookFollower;
  #configs: NodeConfig[] = [];
  readonly #nodes = new Map<string, RedNode>();
  /** By `kind.label`, in the order in which they were added. */
  readonly #hooks = new Map<string, Hook>();

  constructor(kit: Disposables, mostHeld?: number) {
    const red = {
      events: this.events,
      hooks: {
        add: (name: string, hook: Hook) => void this.#hooks.set(name, hook),
        remove: (name: string) => {
          const gone = name.replace('*', '');
          for (const known of this.#hooks.keys()) if (known.endsWith(gone)) this.#hooks.delete(known);
        },
      },
      util: { cloneMessage: (msg: object) => ({ ...msg }) },
      nodes: {
        getNode: (id: string) => this.#nodes.get(id),
        eachNode: (visit: (config: NodeConfig) => void) => this.#configs.forEach(visit),
      },
    } as unknown as Red;
    const warn = (text: string) => void this.warnings.push(text);
    const flows = new FlowIndex(red);
    this.follower = new HookFollower(red, { flows, warn, limitMs: 60_000 });
    this.gate = new HookGate(red, {
      flows,
      follower: this.follower,
      file: join(kit.folder(), 'gates.json'),
      streams: () => [],
      warn,
      ...(mostHeld === undefined ? {} : { mostHeld }),
    });
    this.gate.install();
    this.follower.install();
    kit.add(this, () => {
      this.gate.stop();
      this.follower.stop();
    });
  }

  /** What the nodes received, as `node:payload`, in order. */
  readonly received: string[] = [];

  stopNodes(): void {
    this.events.emit('flows:stopping');
    this.#nodes.clear();
  }

  startNodes(...configs: NodeConfig[]): void {
    this.#configs = [{ id: TAB, type: 'tab', echo: { app: 'app' } }, ...configs];
    this.events.emit('flows:starting');
    for (const { id, type, z } of configs) this.#nodes.set(id, this.#node(id, type, z ?? ''));
    this.events.emit('flows:started');
  }

  send(from: string, to: readonly string[], msg: object): void {
    const node = this.#nodes.get(from)!;
    const events = to.map(
      (id, i): SendEvent => ({
        msg,
        source: { id: from, node, port: 0 },
        destination: { id, node: undefined },
        cloneMessage: i > 0,
      }),
    );
    if (!this.#pass('onSend', events)) return;
    for (const event of events) this.#route(event);
  }

  #route(event: SendEvent): void {
    if (!this.#pass('preRoute', event)) return;
    const node = this.#nodes.get(event.destination.id);
    if (node === undefined) return;
    event.destination.node = node;
    if (event.cloneMessage) event.msg = { ...event.msg };
    if (this.#pass('preDeliver', event)) setImmediate(() => node.receive(event.msg));
  }

  #node(id: string, type: string, z: string): RedNode {
    const node: RedNode = {
      id,
      type,
      z,
      _expectedDoneCount: 1,
      _flow: { path: z },
      receive: (msg) => {
        if (!this.#pass('onReceive', { msg, destination: { id, node } })) return;
        this.received.push(`${id}:${(msg as { payload: unknown }).payload}`);
        if (type !== NEVER) this.#pass('onComplete', { msg, node: { id, node } });
      },
    };
    return node;
  }

  /** Some hook of this kind is there. */
  hooked(kind: string): boolean {
    return [...this.#hooks.keys()].some((name) => name.startsWith(`${kind}.`));
  }

  #pass(kind: string, event: unknown): boolean {
    const hooks = [...this.#hooks].filter(([name]) => name.startsWith(`${kind}.`));
    return hooks.every(([, hook]) => hook(event) !== false);
  }
}
