/**
 * The flows of the chaos run: numbered rows fed over HTTP go edge → fog → cloud over two cut wires of each kind, and
 * beside them, on the same gateways and links, over the core MQTT nodes. The cloud writes down what arrives.
 */
import { ECHO_IN, ECHO_OUT } from '../../src/wire/nodes.ts';
import { type FlowNode, functionNode, postNode, replyNode, tabNode } from '../kit/enrolled.ts';
import type { GatewayName } from './schedule.ts';
import { type ChaosWire, WIRES } from './wires.ts';

/** Files in which rows are written, one a line. */
export interface Taps {
  /** What arrived over the wire. */
  of(wire: string): string;
  /** What the fog raised an error for. */
  refused(wire: string): string;
  readonly core: string;
}

export interface FeedRequest {
  /** Another number for each attempt. */
  readonly batch: number;
  readonly first: number;
  readonly count: number;
}
export interface FeedReply {
  /** Rows a log did not take. */
  readonly failed: number;
}

const TAB = 'chaos';
/** Is no application's: what `mqtt out` drops it never completes, and each checkpoint would wait for it. */
const CORE = 'core';
const LIBS = { fs: 'fs' };
const PASS = 'return { row: msg.row };';
const write = (file: string): string => `fs.appendFileSync(${JSON.stringify(file)}, msg.row + '\\n');`;
/**
 * What a task writes to a file is written again after a kill, at any level. Effectively once is what it does to its state:
 * there rows are numbered, and what is written under one number is one row in that state.
 */
const tap = ({ level }: ChaosWire, file: string): string =>
  level === 'effectively-once'
    ? `const number = (context.get('number') ?? 0) + 1;
context.set('number', number);
fs.appendFileSync(${JSON.stringify(file)}, number + ' ' + msg.row + '\\n');`
    : write(file);
const refused = (taps: Taps): string => {
  const files = Object.fromEntries(WIRES.map(({ name }) => [outOf(name), taps.refused(name)]));
  return `fs.appendFileSync(${JSON.stringify(files)}[msg.error.source.id], msg.row + '\\n');`;
};
const outOf = (wire: string): string => `out-${wire}`;

/** Answers a feed when each of its rows stands in the logs of all wires, or was refused. Outputs: wires, core, reply. */
const FEED = `
const WIRES = ${WIRES.length};
if (msg.req !== undefined) {
  const { batch, first, count } = msg.payload;
  globalThis.open = { msg, batch, left: count * WIRES, failed: 0 };
  for (let row = first; row < first + count; row++)
    node.send([...Array.from({ length: WIRES }, () => ({ row, batch })), { payload: String(row) }]);
  return;
}
const { open } = globalThis;
if (open === undefined || msg.batch !== open.batch) return;
if (msg.error !== undefined) open.failed++;
if (--open.left > 0) return;
globalThis.open = undefined;
open.msg.payload = { failed: open.failed };
const outputs = new Array(WIRES + 2);
outputs[WIRES + 1] = open.msg;
return outputs;`;

export function flowsOf(gateway: GatewayName, mqttPort: number, taps: Taps): FlowNode[] {
  const broker: FlowNode = {
    ...{ id: 'broker', type: 'mqtt-broker', broker: '127.0.0.1', port: String(mqttPort), clientid: '' },
    ...{ autoConnect: true, usetls: false, protocolVersion: '4', keepalive: '60', cleansession: true },
  };
  const at = { z: TAB, name: '', x: 0, y: 0 };
  const mqttOut = (id: string, topic: string): FlowNode => ({
    ...{ ...at, z: CORE, id, type: 'mqtt out', topic, qos: '1', retain: '', broker: broker.id, wires: [] },
  });
  const mqttIn = (id: string, topic: string, next: string): FlowNode => ({
    ...{
      ...at,
      z: CORE,
      id,
      type: 'mqtt in',
      topic,
      qos: '1',
      datatype: 'utf8',
      broker: broker.id,
      wires: [[next]],
    },
  });
  const echoOut = (
    { name, level, durability }: ChaosWire,
    from: string,
    consumer: GatewayName,
  ): FlowNode => ({
    ...{ ...at, id: outOf(name), type: ECHO_OUT, stream: `${name}/${from}:0`, level, durability, wires: [] },
    consumers: [{ gateway: consumer, tasks: [`in-${name}`] }],
  });
  const echoIn = ({ name, level }: ChaosWire, from: string, producer: GatewayName): FlowNode => ({
    ...{ ...at, id: `in-${name}`, type: ECHO_IN, stream: `${name}/${from}:0`, level, producer },
    ...{ from: { node: outOf(name), port: 0 }, wires: [[`on-${name}`]] },
  });
  const outcomes = (type: 'complete' | 'catch', next: string): FlowNode => ({
    ...{ ...at, id: type, type, scope: outs, uncaught: false, wires: [[next]] },
  });
  const outs = WIRES.map(({ name }) => outOf(name));
  const common = [tabNode(TAB, true), tabNode(CORE, false), broker];
  switch (gateway) {
    case 'edge-1':
      return [
        ...common,
        postNode('post', TAB, '/feed', 'feed'),
        functionNode(
          { id: 'feed', z: TAB, wires: [...outs.map((id) => [id]), ['to-core'], ['reply']] },
          FEED,
        ),
        ...WIRES.map((wire) => echoOut(wire, 'edge', 'fog-1')),
        outcomes('complete', 'feed'),
        outcomes('catch', 'feed'),
        { ...at, id: 'to-core', type: 'link out', mode: 'link', links: ['core'], wires: [] },
        { ...at, z: CORE, id: 'core', type: 'link in', links: ['to-core'], wires: [['core-out']] },
        mqttOut('core-out', 'chaos/1'),
        replyNode('reply', TAB),
      ];
    case 'fog-1':
      return [
        ...common,
        ...WIRES.flatMap((wire) => [
          echoIn(wire, 'edge', 'edge-1'),
          functionNode({ id: `on-${wire.name}`, z: TAB, wires: [[outOf(wire.name)]] }, PASS),
          echoOut(wire, 'fog', 'cloud-1'),
        ]),
        outcomes('catch', 'refused'),
        functionNode({ id: 'refused', z: TAB, wires: [] }, refused(taps), { libs: LIBS }),
        mqttIn('core-in', 'chaos/1', 'core-out'),
        mqttOut('core-out', 'chaos/2'),
      ];
    case 'cloud-1':
      return [
        ...common,
        ...WIRES.flatMap((wire) => [
          echoIn(wire, 'fog', 'fog-1'),
          functionNode({ id: `on-${wire.name}`, z: TAB, wires: [] }, tap(wire, taps.of(wire.name)), {
            libs: LIBS,
          }),
        ]),
        mqttIn('core-in', 'chaos/2', 'core-tap'),
        functionNode({ id: 'core-tap', z: CORE, wires: [] }, `msg.row = msg.payload; ${write(taps.core)}`, {
          libs: LIBS,
        }),
      ];
  }
}
