/** The pairs of processes the wire benchmark measures: two Node-REDs, or two bare MQTT clients. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ECHO_IN, ECHO_OUT } from '../../src/wire/nodes.ts';
import type { TestBroker } from '../kit/brokers.ts';
import type { Disposables } from '../kit/cleanup.ts';
import { ask, type FlowNode, functionNode, startEnrolled, tabNode } from '../kit/enrolled.ts';
import type { BareJob, BareRequest } from './wireBare.ts';
import { writeEndNodes } from './wireEnds.ts';
import type { Load, Received, Sent } from './wireLoad.ts';

/** One way from a source to a sink. */
export interface Wire {
  readonly name: string;
  /** What it has not delivered yet, it will. */
  readonly durable: boolean;
  /** Processes of source and sink. */
  readonly pids: readonly [number, number];
  expect(load: Load): Promise<void>;
  start(load: Load): Promise<void>;
  sent(): Promise<Sent>;
  received(): Promise<number>;
  report(): Promise<Received>;
}

/** The nodes of one wire: `out` at the source, `in` at the sink, sending to `next`; `tasks` functions on the way. */
export interface WireKind {
  readonly name: string;
  readonly echo: boolean;
  readonly out: (id: string, z: string) => FlowNode[];
  readonly in: (id: string, z: string, next: string) => FlowNode[];
  readonly tasks?: number;
}

const SOURCE = 'bench-source';
const SINK = 'bench-sink';
const TAB = 'bench';
export const coreWire = (qos: 0 | 1, { port, kind }: TestBroker, tasks = 0): WireKind => {
  const topic = `bench/core/${qos}/${tasks}`;
  const broker: FlowNode = {
    ...{ id: `${kind}-${qos}`, type: 'mqtt-broker', broker: '127.0.0.1', port: String(port), clientid: '' },
    ...{ autoConnect: true, usetls: false, protocolVersion: '4', keepalive: '60', cleansession: true },
  };
  const node = { z: TAB, name: '', topic, qos: String(qos), broker: broker.id, x: 0, y: 0 };
  return {
    name: `core QoS ${qos}${tasks > 0 ? ` + ${tasks} tasks` : ''}`,
    echo: false,
    tasks,
    out: (id) => [broker, { ...node, id, type: 'mqtt out', retain: '', wires: [] }],
    in: (id, _z, next) => [broker, { ...node, id, type: 'mqtt in', datatype: 'utf8', wires: [[next]] }],
  };
};

export const echoWire = (name: string, options: Readonly<Record<string, unknown>>, tasks = 0): WireKind => {
  const stream = `bench/${name.replaceAll(/\W+/g, '-')}-${tasks}:0`;
  const node = { name: '', stream, ...options, x: 0, y: 0 };
  return {
    name: `ECHO ${name}${tasks > 0 ? ` + ${tasks} tasks` : ''}`,
    echo: true,
    tasks,
    out: (id, z) => [
      { ...node, id, z, type: ECHO_OUT, consumers: [{ gateway: SINK, tasks: ['sink'] }], wires: [] },
    ],
    in: (id, z, next) => [
      { ...node, id, z, type: ECHO_IN, producer: SOURCE, from: { node: 'source', port: 0 }, wires: [[next]] },
    ],
  };
};

/** Two Node-REDs, gateways when `brokerUrl` is given, that hold all the wires of one sort. */
export async function startPair(kit: Disposables, kinds: readonly WireKind[], brokerUrl?: string) {
  const echo = brokerUrl !== undefined;
  const start = (name: string, flows: FlowNode[]) => {
    const userDir = kit.folder('echo-bench-');
    writeEndNodes(userDir);
    return startEnrolled(kit, { name, version: '5.0', flows, userDir, ...(echo ? { brokerUrl } : {}) });
  };
  const [source, sink] = await Promise.all([
    start(SOURCE, sourceFlow(kinds, echo)),
    start(SINK, sinkFlow(kinds, echo)),
  ]);
  const pids = [source.pid!, sink.pid!] as const;
  const wires = kinds.map(
    ({ name, echo }, port): Wire => ({
      name,
      durable: echo && !name.includes('at-most-once'),
      pids,
      expect: (load) => ask(sink, '/bench/expect', load),
      start: (load) => ask(source, '/bench/start', { ...load, port }),
      sent: () => ask(source, '/bench/sent', {}),
      received: async () => (await ask<{ received: number }>(sink, '/bench/received', {})).received,
      report: () => ask(sink, '/bench/report', {}),
    }),
  );
  return { pids, wires, stop: () => Promise.all([source.stop(), sink.stop()]) };
}

const sourceFlow = (kinds: readonly WireKind[], echo: boolean): FlowNode[] =>
  withoutTwins([
    tabNode(TAB, echo),
    { id: 'source', type: 'bench-source', z: TAB, x: 0, y: 0, wires: kinds.map((_, i) => [`out-${i}`]) },
    ...kinds.flatMap((kind, i) => kind.out(`out-${i}`, TAB)),
  ]);

function sinkFlow(kinds: readonly WireKind[], echo: boolean): FlowNode[] {
  const chain = ({ tasks = 0 }: WireKind, i: number): FlowNode[] =>
    Array.from({ length: tasks }, (_, n) =>
      functionNode(
        { id: `task-${i}-${n}`, z: TAB, wires: [[n + 1 < tasks ? `task-${i}-${n + 1}` : 'sink']] },
        'return msg;',
      ),
    );
  return withoutTwins([
    tabNode(TAB, echo),
    { id: 'sink', type: 'bench-sink', z: TAB, x: 0, y: 0, wires: [] },
    ...kinds.flatMap((kind, i) => [
      ...kind.in(`in-${i}`, TAB, kind.tasks ? `task-${i}-0` : 'sink'),
      ...chain(kind, i),
    ]),
  ]);
}

/** Wires of one broker bring the same configuration node. */
const withoutTwins = (nodes: readonly FlowNode[]): FlowNode[] => [
  ...new Map(nodes.map((node) => [node.id, node])).values(),
];

/** Two processes with one MQTT client each: what a wire could reach at most over this broker. */
export async function startBarePair(kit: Disposables, { url }: TestBroker, qos: 0 | 1) {
  const [source, sink] = await Promise.all([startBare(kit, { url, qos }), startBare(kit, { url, qos })]);
  const wire: Wire = {
    name: `bare client QoS ${qos}`,
    durable: false,
    pids: [source.pid, sink.pid],
    expect: async (load) => void (await sink.ask({ do: 'expect', load })),
    start: async (load) => void (await source.ask({ do: 'start', load })),
    sent: () => source.ask<Sent>({ do: 'sent' }),
    received: async () => (await sink.ask<{ received: number }>({ do: 'received' })).received,
    report: () => sink.ask<Received>({ do: 'report' }),
  };
  return { wire, stop: () => Promise.all([source.stop(), sink.stop()]) };
}

async function startBare(kit: Disposables, job: BareJob) {
  const child = fork(fileURLToPath(new URL('./wireBare.ts', import.meta.url)), [JSON.stringify(job)]);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await ended;
  };
  kit.add(child, stop);
  const next = (): Promise<unknown> => new Promise((resolve) => child.once('message', resolve));
  await next();
  const request = <T>(body: BareRequest): Promise<T> => {
    const answer = next() as Promise<T>;
    child.send(body);
    return answer;
  };
  return { pid: child.pid!, ask: request, stop };
}
