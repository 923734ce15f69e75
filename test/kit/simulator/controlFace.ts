/** The agent's side of the control channel: hello, heartbeats, answers to requests, last will. */

import { randomUUID } from 'node:crypto';
import { connect, type MqttClient } from 'mqtt';
import type { RawFlow } from '../../../src/flow/types.ts';
import {
  type Boot,
  type BrokerAccess,
  type ControlRequest,
  type EnrolReply,
  encodeEnvelope,
  type GateStatus,
  type GatewayFacts,
  type Heartbeat,
  type OutStreamStatus,
  parseDown,
  type StreamStatus,
  type UpEnvelope,
} from '../../../src/wire/control.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { ECHO_IN, ECHO_OUT } from '../../../src/wire/nodes.ts';
import type { StreamOperation } from '../../../src/wire/operate.ts';
import { PROTOCOL_VERSION, topics } from '../../../src/wire/topics.ts';
import { wireError } from '../../../src/wire/wireErrors.ts';
import { Faults } from './faults.ts';

interface GateState {
  readonly level: 'sources' | 'all';
  readonly tabs: readonly string[];
  /** The gate opens by itself then; never when sealed. */
  readonly opensAt: number;
}

export class ControlFace {
  readonly faults = new Faults();
  /** Every request taken, in order. */
  readonly requests: ControlRequest[] = [];
  readonly retired: string[] = [];
  /** Tasks that do not drain: `inFlight` of `gate.close` and `gate.status`. */
  busy: GateStatus['busy'] = [];
  /** Records that wait in a stream produced here, for each of its consumers. */
  readonly waiting = new Map<string, number>();
  load = { cpuPct: 5, memFreeMB: 512, rssMB: 90, eventLoopLagMs: 1 };
  boot: Boot = { disk: randomUUID(), count: 1 };
  readonly #facts: () => GatewayFacts;
  readonly #flows: () => RawFlow;
  readonly #gates = new Map<string, GateState>();
  #client: MqttClient | undefined;
  #identity: EnrolReply | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(facts: () => GatewayFacts, flows: () => RawFlow) {
    this.#facts = facts;
    this.#flows = flows;
  }

  get connected(): boolean {
    return this.#client?.connected ?? false;
  }

  /** Connects, subscribes, says hello; resolves when the broker has taken the hello. */
  async connect(identity: EnrolReply): Promise<void> {
    this.#identity = identity;
    const broker = identity.brokers[0] as BrokerAccess;
    const client = connect(broker.url, {
      clientId: `${identity.gateway}-control`,
      clean: true,
      reconnectPeriod: 200,
      resubscribe: false,
      ...(broker.username === undefined ? {} : { username: broker.username }),
      ...(broker.password === undefined ? {} : { password: broker.password }),
      will: { topic: topics.status(identity.gateway), payload: Buffer.from('offline'), qos: 1, retain: true },
    });
    this.#client = client;
    client.on('error', () => {});
    client.on('message', (_topic, payload) => this.#take(payload));
    await new Promise<void>((resolve) => {
      client.on('connect', () => {
        (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
        this.#greet(client, identity.gateway).then(resolve, () => {});
      });
    });
    this.#timer = setInterval(() => void this.heartbeat().catch(() => {}), identity.heartbeatMs);
  }

  hello(): Promise<void> {
    return this.say({ v: PROTOCOL_VERSION, type: 'hello', boot: this.boot, facts: this.#facts() });
  }

  heartbeat(): Promise<void> {
    const streams = this.streams();
    const nodes: Heartbeat['nodes'] = {};
    const gates = [...this.#openGates().keys()];
    return this.say({
      v: PROTOCOL_VERSION,
      type: 'heartbeat',
      boot: this.boot,
      at: Date.now(),
      ...this.load,
      nodes,
      streams,
      gates,
    });
  }

  say(envelope: UpEnvelope): Promise<void> {
    return this.sayRaw(encodeEnvelope(envelope));
  }

  /** Any bytes on one of the gateway's own topics. */
  async sayRaw(payload: Buffer | string, topic: 'up' | 'status' = 'up'): Promise<void> {
    if (this.#client === undefined || this.#identity === undefined) throw new Error('not connected');
    await this.#client.publishAsync(topics[topic](this.#identity.gateway), payload, { qos: 1 });
  }

  /** Leaves as a dead machine does: the broker publishes the last will. */
  vanish(): void {
    clearInterval(this.#timer);
    this.#client?.end(true);
    this.#client = undefined;
  }

  /** Leaves in order: says offline, then disconnects. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    const client = this.#client;
    if (client === undefined || this.#identity === undefined) return;
    this.#client = undefined;
    if (client.connected)
      await client.publishAsync(topics.status(this.#identity.gateway), 'offline', { qos: 1, retain: true });
    await client.endAsync(!client.connected);
  }

  /** Stops heartbeats while the connection stays: a hung process. */
  freeze(): void {
    clearInterval(this.#timer);
  }

  gateLevel(deploy: string): GateStatus['level'] {
    return this.#openGates().get(deploy)?.level ?? 'open';
  }

  streams(): StreamStatus[] {
    return this.#flows().flatMap((node): StreamStatus[] => {
      const stream = String(node.stream);
      if (node.type === ECHO_OUT) return [{ ...emptyOut, stream, ...this.#waiting(node) }];
      if (node.type === ECHO_IN) return [{ ...emptyIn, stream, producer: String(node.producer) }];
      return [];
    });
  }

  /** At each connection: a broker keeps nothing of a clean session. */
  async #greet(client: MqttClient, gateway: string): Promise<void> {
    await client.subscribeAsync(topics.down(gateway), { qos: 1 });
    await client.publishAsync(topics.status(gateway), 'online', { qos: 1, retain: true });
    await this.hello();
  }

  #take(payload: Buffer): void {
    const parsed = parseDown(payload);
    if (!parsed.ok) return;
    const { id, request } = parsed.value;
    this.requests.push(request);
    const fault = this.faults.take(request.method);
    if (fault?.kind === 'silence' || fault?.kind === 'drop') return;
    if (fault?.kind === 'answer') {
      const error = { code: 'ECHO_AGENT_FAILED', message: 'made to fail' };
      void this.say({ v: PROTOCOL_VERSION, type: 'reply', boot: this.boot, id, error });
      return;
    }
    const answered = this.#answer(request);
    if (fault?.kind === 'drop-after') return;
    const answer = () =>
      this.say({ v: PROTOCOL_VERSION, type: 'reply', boot: this.boot, id, ...answered }).catch(() => {});
    if (fault?.kind === 'delay') setTimeout(answer, fault.ms);
    else void answer();
  }

  #answer(request: ControlRequest): { result: unknown } | { error: { code: string; message: string } } {
    try {
      return { result: this.#do(request) };
    } catch (error) {
      if (!isEchoError(error)) throw error;
      return { error: { code: error.code, message: error.message } };
    }
  }

  /** Of a stream that ends here nothing ever waits. */
  #operate({
    method,
    params: { stream },
  }: Extract<StreamOperation, { params: { stream: string } }>): unknown {
    const role = method === 'streams.skip' ? 'in' : 'out';
    const known = this.streams().find((status) => status.stream === stream && status.role === role);
    if (known === undefined) throw wireError('ECHO_STREAM_NOT_OPEN', { where: stream });
    if (known.role === 'in') return { seqs: [] };
    const waiting = this.waiting.get(stream) ?? 0;
    if (method === 'streams.inspect') return { head: known.head, waiting, records: [] };
    this.waiting.delete(stream);
    return {
      to: known.head,
      consumers: Object.fromEntries(Object.keys(known.consumers).map((id) => [id, waiting])),
    };
  }

  #do(request: ControlRequest): unknown {
    switch (request.method) {
      case 'gate.close': {
        const { deploy, level, tabs, leaseMs, sealed } = request.params;
        const held = this.#openGates().get(deploy);
        const isSealed = sealed || held?.opensAt === Number.POSITIVE_INFINITY;
        this.#gates.set(deploy, {
          level: held?.level === 'all' ? 'all' : level,
          tabs: [...new Set([...(held?.tabs ?? []), ...tabs])],
          opensAt: isSealed ? Number.POSITIVE_INFINITY : Date.now() + leaseMs,
        });
        return this.#status(deploy);
      }
      case 'gate.status':
        return this.#status(request.params.deploy);
      case 'gate.open':
        this.#gates.delete(request.params.deploy);
        return { delivered: 0, rerouted: 0, dropped: 0 };
      case 'streams.status':
        return this.streams();
      case 'streams.inspect':
      case 'streams.purge':
      case 'streams.skip':
        return this.#operate(request);
      case 'dead.list':
        return [];
      case 'dead.show':
      case 'dead.replay':
      case 'dead.drop':
        throw wireError('ECHO_DEAD_LETTER_UNKNOWN', { message: 'nothing was set aside here' });
      case 'streams.retire':
        this.retired.push(...request.params.streams);
        return {};
      case 'gateway.renew':
        return {};
      case 'gateway.forget':
        setImmediate(() => void this.leave());
        return {};
    }
  }

  /** What `waiting` says waits in the stream, for each of its consumers. */
  #waiting({ stream, consumers }: RawFlow[number]): Partial<OutStreamStatus> {
    const records = this.waiting.get(String(stream)) ?? 0;
    const at = { received: 0, done: 0, stable: 0, credit: 0 };
    const ids = (consumers as { gateway: string }[]).map(({ gateway }) => [gateway, at] as const);
    const backlog = { records, bytes: records * 100, since: Date.now() - 60_000 };
    return records === 0 ? {} : { head: records, consumers: Object.fromEntries(ids), backlog };
  }

  #status(deploy: string): GateStatus {
    const inFlight = this.busy.reduce((sum, task) => sum + task.count, 0);
    return {
      deploy,
      level: this.gateLevel(deploy),
      inFlight,
      busy: this.busy,
      held: 0,
      streams: this.streams(),
    };
  }

  #openGates(): ReadonlyMap<string, GateState> {
    for (const [deploy, gate] of this.#gates) if (gate.opensAt <= Date.now()) this.#gates.delete(deploy);
    return this.#gates;
  }
}

const emptyOut = {
  role: 'out',
  pe: 1,
  head: 0,
  base: 1,
  bytes: 0,
  consumers: {},
  appended: 0,
  sent: 0,
  retransmitted: 0,
  lost: 0,
} as const;

const emptyIn = {
  role: 'in',
  pe: 1,
  received: 0,
  done: 0,
  stable: 0,
  delivered: 0,
  duplicates: 0,
  repeated: 0,
  lost: 0,
} as const;
