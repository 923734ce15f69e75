/** The gate on a runtime that routes as Node-RED does, so that a test can stop the world between two steps. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { FlowIndex } from '../../../nodes/gateway/src/flowIndex.ts';
import { HookFollower } from '../../../nodes/gateway/src/follow/HookFollower.ts';
import { HookGate } from '../../../nodes/gateway/src/gate/HookGate.ts';
import type { NodeConfig, Red, RedNode, SendEvent } from '../../../nodes/gateway/src/red.ts';
import { type Disposables, disposables } from '../../kit/cleanup.ts';

type Hook = (event: unknown) => false | undefined;

const TAB = 't';
const config = (id: string, wires: string[] = [], more: object = {}): NodeConfig => ({
  id,
  type: 'test',
  z: TAB,
  wires: [wires],
  ...more,
});

/** Sends, clones, routes and delivers in the next turn, as Node-RED's flows do. */
class Runtime {
  readonly events = new EventEmitter();
  readonly warnings: string[] = [];
  readonly gate: HookGate;
  readonly follower: HookFollower;
  #configs: NodeConfig[] = [];
  readonly #nodes = new Map<string, RedNode>();
  readonly #hooks = new Map<string, Hook[]>();

  constructor(kit: Disposables, mostHeld?: number) {
    const red = {
      events: this.events,
      hooks: {
        add: (name: string, hook: Hook) => {
          const [kind] = name.split('.') as [string];
          this.#hooks.set(kind, [...(this.#hooks.get(kind) ?? []), hook]);
        },
        remove: () => this.#hooks.clear(),
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
        this.#pass('onComplete', { msg, node: { id, node } });
      },
    };
    return node;
  }

  #pass(kind: string, event: unknown): boolean {
    return (this.#hooks.get(kind) ?? []).every((hook) => hook(event) !== false);
  }
}

describe('gate', () => {
  const kit = disposables();
  const close = (runtime: Runtime) =>
    runtime.gate.close('d1', { tabs: [TAB], level: 'all', leaseMs: 60_000, sealed: false });

  it('what is still waiting when another deploy stops the nodes goes to their successors, in order', async () => {
    const runtime = new Runtime(kit);
    const nodes = [config('in', ['a']), config('a')];
    runtime.startNodes(...nodes);
    close(runtime);
    const all = Array.from({ length: 300 }, (_, i) => `a:${i}`);
    for (const i of all.keys()) runtime.send('in', ['a'], { payload: i });
    runtime.gate.open('d1', 'drop');
    await turn();
    assert.ok(runtime.received.length > 0 && runtime.received.length < 300);
    runtime.stopNodes();
    await turn();
    await turn();
    runtime.startNodes(...nodes);
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual(runtime.received, all);
  });

  it('copies of one message that were on their way enter the stream of their tasks once', async () => {
    const runtime = new Runtime(kit);
    runtime.startNodes(config('in', ['a', 'b']), config('a'), config('b'));
    runtime.send('in', ['a', 'b'], { payload: 1 });
    runtime.send('in', ['a', 'b'], { payload: 2 });
    close(runtime);
    await turn();
    runtime.stopNodes();
    const consumers = [{ gateway: 'cloud', tasks: ['a', 'b'] }];
    const out = config('out', [], { type: 'echo out', stream: 'app/in:0', consumers });
    runtime.startNodes(config('in', ['out']), out);
    const opened = runtime.gate.open('d1', 'drop');
    await turn();
    assert.deepEqual(runtime.received, ['out:1', 'out:2']);
    assert.deepEqual(opened, { delivered: 0, rerouted: 2, dropped: 0 });
  });

  it('holds as much as it may, drops what comes on top, and says how much', async () => {
    const runtime = new Runtime(kit, 10);
    runtime.startNodes(config('in', ['a']), config('a'));
    close(runtime);
    for (let i = 0; i < 15; i++) runtime.send('in', ['a'], { payload: i });
    assert.equal(runtime.gate.status('d1').held, 10);
    assert.match(runtime.warnings.join('\n'), /ECHO_GATE_FULL/);
    assert.equal(runtime.gate.open('d1', 'drop').dropped, 5);
    await turn();
    assert.deepEqual(
      runtime.received,
      Array.from({ length: 10 }, (_, i) => `a:${i}`),
    );
  });
});
