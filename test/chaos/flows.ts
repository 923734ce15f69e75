/**
 * The flows of the chaos run: numbered rows fed over HTTP go edge → fog → cloud over two cut wires, and beside them,
 * on the same gateways and links, over the core MQTT nodes. The cloud writes down what arrives.
 */
import { ECHO_IN, ECHO_OUT } from '../../src/wire/nodes.ts';
import { type FlowNode, functionNode, postNode, replyNode, tabNode } from '../kit/enrolled.ts';
import type { GatewayName } from './schedule.ts';

/** Where rows are written, one a line. */
export interface Taps {
  readonly echo: string;
  readonly core: string;
  /** Rows the fog raised an error for. */
  readonly refused: string;
}

export interface FeedRequest {
  /** Another number for each attempt. */
  readonly batch: number;
  readonly first: number;
  readonly count: number;
}
export interface FeedReply {
  /** Rows the log did not take. */
  readonly failed: number;
}

const TAB = 'chaos';
const LIBS = { fs: 'fs' };
const write = (file: string): string => `fs.appendFileSync(${JSON.stringify(file)}, msg.row + '\\n');`;

/** Answers a feed when each of its rows stands in the log, or was refused. */
const FEED = `
if (msg.req !== undefined) {
  const { batch, first, count } = msg.payload;
  globalThis.open = { msg, batch, left: count, failed: 0 };
  for (let row = first; row < first + count; row++) node.send([{ row, batch }, { payload: String(row) }, null]);
  return;
}
const { open } = globalThis;
if (open === undefined || msg.batch !== open.batch) return;
if (msg.error !== undefined) open.failed++;
if (--open.left > 0) return;
globalThis.open = undefined;
open.msg.payload = { failed: open.failed };
return [null, null, open.msg];`;

export function flowsOf(gateway: GatewayName, mqttPort: number, taps: Taps): FlowNode[] {
  const broker: FlowNode = {
    ...{ id: 'broker', type: 'mqtt-broker', broker: '127.0.0.1', port: String(mqttPort), clientid: '' },
    ...{ autoConnect: true, usetls: false, protocolVersion: '4', keepalive: '60', cleansession: true },
  };
  const at = { z: TAB, name: '', x: 0, y: 0 };
  const mqttOut = (id: string, topic: string): FlowNode => ({
    ...{ ...at, id, type: 'mqtt out', topic, qos: '1', retain: '', broker: broker.id, wires: [] },
  });
  const mqttIn = (id: string, topic: string, next: string): FlowNode => ({
    ...{ ...at, id, type: 'mqtt in', topic, qos: '1', datatype: 'utf8', broker: broker.id, wires: [[next]] },
  });
  const echoOut = (stream: string, consumer: GatewayName): FlowNode => ({
    ...{ ...at, id: 'out', type: ECHO_OUT, stream, level: 'at-least-once', wires: [] },
    consumers: [{ gateway: consumer, tasks: ['in'] }],
  });
  const echoIn = (stream: string, producer: GatewayName, next: string): FlowNode => ({
    ...{ ...at, id: 'in', type: ECHO_IN, stream, level: 'at-least-once', producer, wires: [[next]] },
    from: { node: 'out', port: 0 },
  });
  const outcomes = (type: 'complete' | 'catch', next: string): FlowNode => ({
    ...{ ...at, id: type, type, scope: ['out'], uncaught: false, wires: [[next]] },
  });
  const common = [tabNode(TAB, true), broker];
  switch (gateway) {
    case 'edge-1':
      return [
        ...common,
        postNode('post', TAB, '/feed', 'feed'),
        functionNode({ id: 'feed', z: TAB, wires: [['out'], ['core-out'], ['reply']] }, FEED),
        echoOut('chaos/edge:0', 'fog-1'),
        outcomes('complete', 'feed'),
        outcomes('catch', 'feed'),
        mqttOut('core-out', 'chaos/1'),
        replyNode('reply', TAB),
      ];
    case 'fog-1':
      return [
        ...common,
        echoIn('chaos/edge:0', 'edge-1', 'pass'),
        functionNode({ id: 'pass', z: TAB, wires: [['out']] }, 'return { row: msg.row };'),
        echoOut('chaos/fog:0', 'cloud-1'),
        outcomes('catch', 'refused'),
        functionNode({ id: 'refused', z: TAB, wires: [] }, write(taps.refused), { libs: LIBS }),
        mqttIn('core-in', 'chaos/1', 'core-out'),
        mqttOut('core-out', 'chaos/2'),
      ];
    case 'cloud-1':
      return [
        ...common,
        echoIn('chaos/fog:0', 'fog-1', 'tap'),
        functionNode({ id: 'tap', z: TAB, wires: [] }, write(taps.echo), { libs: LIBS }),
        mqttIn('core-in', 'chaos/2', 'core-tap'),
        functionNode({ id: 'core-tap', z: TAB, wires: [] }, `msg.row = msg.payload; ${write(taps.core)}`, {
          libs: LIBS,
        }),
      ];
  }
}
