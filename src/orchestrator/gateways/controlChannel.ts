/**
 * The orchestrator's end of the control channel: hears every gateway it watches on exact topics, and asks agents
 * things that are answered once or time out.
 */
import { randomUUID } from 'node:crypto';
import { connect, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import {
  type Boot,
  type BrokerAccess,
  type ControlRequest,
  encodeEnvelope,
  parseUp,
  type UpEnvelope,
} from '../../wire/control.ts';
import { type EchoError, isEchoError } from '../../wire/errors.ts';
import { PROTOCOL_VERSION, parseTopic, topics } from '../../wire/topics.ts';
import { compareBoots } from './boots.ts';
import { withoutUser } from './brokers.ts';
import { gatewayError } from './errors.ts';
import { Malformed } from './malformed.ts';
import { PendingRequests } from './requests.ts';
import type { ControlChannel } from './types.ts';

type Spoken = Exclude<UpEnvelope, { type: 'reply' }>;

export interface ControlChannelOptions {
  /** Nodes of the shared broker, with the same credentials, tried in turn. */
  readonly brokers: readonly BrokerAccess[];
  readonly requestTimeoutMs: number;
  readonly log: Logger;
  /** A valid envelope of the gateway's current boot; `newBoot` on the first one of a boot. Replies come too. */
  readonly onHeard: (gateway: string, newBoot: boolean) => void;
  readonly onEnvelope: (gateway: string, envelope: Spoken) => void;
  /** Connected (again), and subscribed: gateways are heard from now on. */
  readonly onConnected: () => void;
  /** The retained status changed to offline: last will, or an orderly leave. */
  readonly onOffline: (gateway: string) => void;
}

const KEEPALIVE_S = 10;
/** Subscriptions in one packet: keeps it well under any broker's packet limit. */
const CHUNK = 200;
const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 10_000;
export class MqttControlChannel implements ControlChannel {
  readonly request: ControlChannel['request'];
  readonly #options: ControlChannelOptions;
  readonly #watched = new Set<string>();
  readonly #boots = new Map<string, Boot>();
  readonly #requests: PendingRequests;
  readonly #malformed: Malformed;
  #client: MqttClient | undefined;
  #closed = false;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
    this.#requests = new PendingRequests(options.requestTimeoutMs);
    this.#malformed = new Malformed(options.log);
    this.request = ((gateway: string, request: ControlRequest) =>
      this.#ask(gateway, request)) as ControlChannel['request'];
  }

  get connected(): boolean {
    return this.#client?.connected ?? false;
  }

  /** Malformed packets so far, by gateway. */
  get malformed(): ReadonlyMap<string, number> {
    return this.#malformed.counts;
  }

  /** Connects and keeps connecting until `close`. Rejects with ECHO_BROKER_UNREACHABLE when no broker can be reached. */
  async connect(): Promise<void> {
    const { brokers } = this.#options;
    const { url, username, password } = brokers[0]!;
    const client = connect(url, {
      servers: brokers.map(serverOf),
      clientId: `echo-orchestrator-${randomUUID().slice(0, 8)}`,
      clean: true,
      resubscribe: false,
      reconnectPeriod: 500,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEPALIVE_S,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    });
    this.#client = client;
    client.on('message', (topic, payload) => this.#take(topic, payload));
    let failures = 0;
    await new Promise<void>((resolve, reject) => {
      client.on('connect', () => {
        failures = 0;
        (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
        this.#subscribe([...this.#watched])
          .then(() => this.#options.onConnected())
          .then(resolve, (error: Error) => {
            this.#options.log.warn({ error: error.message }, 'the broker does not let the orchestrator hear');
            reject(this.#brokerError(error));
            client.stream.destroy();
          });
      });
      client.on('error', (error) => {
        if (failures++ === 0) this.#options.log.warn({ error: error.message }, 'broker connection failed');
        if (failures >= brokers.length) reject(this.#brokerError(error));
      });
    });
  }

  /** Hears this gateway from now on. */
  async watch(gateway: string): Promise<void> {
    if (this.#watched.has(gateway)) return;
    this.#watched.add(gateway);
    if (this.connected) await this.#subscribe([gateway]);
  }

  /** Forgets the gateway and what the broker retained of it. */
  async unwatch(gateway: string): Promise<void> {
    if (!this.#watched.delete(gateway)) return;
    this.#boots.delete(gateway);
    this.#malformed.forget(gateway);
    const client = this.#client;
    if (client === undefined || !client.connected) return;
    await client.unsubscribeAsync([topics.status(gateway), topics.up(gateway)]);
    await client.publishAsync(topics.status(gateway), '', { qos: 1, retain: true });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#requests.failAll(
      gatewayError('ECHO_BROKER_UNREACHABLE', { message: 'the orchestrator is stopping' }),
    );
    await this.#client?.endAsync(true);
  }

  /**
   * At QoS 0: a clean session loses at a reconnect what was on its way at any QoS, and a cluster that has lost a node
   * takes long to make a QoS 1 subscription, or refuses it. A node that has lost its peers takes the connection all the
   * same and answers nothing: it is left for the next.
   */
  async #subscribe(gateways: readonly string[]): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    const { stream } = client;
    for (let i = 0; i < gateways.length; i += CHUNK) {
      const some = gateways.slice(i, i + CHUNK);
      const limit = setTimeout(() => stream.destroy(), ANSWER_TIMEOUT_MS);
      await client
        .subscribeAsync(
          some.flatMap((gateway) => [topics.status(gateway), topics.up(gateway)]),
          { qos: 0 },
        )
        .finally(() => clearTimeout(limit));
    }
  }

  async #ask(gateway: string, request: ControlRequest): Promise<unknown> {
    if (!this.#watched.has(gateway)) throw gatewayError('ECHO_GATEWAY_UNKNOWN', { where: gateway });
    const client = this.#client;
    if (client === undefined || !client.connected || this.#closed)
      throw gatewayError('ECHO_BROKER_UNREACHABLE', { where: gateway });
    const { id, answered } = this.#requests.open(gateway, request.method);
    const packet = encodeEnvelope({ v: PROTOCOL_VERSION, type: 'request', id, request });
    client.publishAsync(topics.down(gateway), packet, { qos: 0 }).catch((error: Error) => {
      this.#requests.fail(id, this.#brokerError(error));
    });
    return answered;
  }

  #take(topic: string, payload: Buffer): void {
    const parsed = parseTopic(topic);
    if (parsed === undefined || !('gateway' in parsed) || !this.#watched.has(parsed.gateway)) return;
    const { gateway } = parsed;
    try {
      if (parsed.kind === 'status') this.#takeStatus(gateway, payload);
      else this.#takeEnvelope(gateway, payload);
    } catch (error) {
      // A listener that fails must not take the connection with it.
      this.#options.log.error({ err: error, gateway }, 'control message could not be handled');
    }
  }

  #takeStatus(gateway: string, payload: Buffer): void {
    const status = payload.toString('utf8');
    if (status === 'offline') {
      this.#requests.left(gateway);
      this.#options.onOffline(gateway);
    } else if (status !== 'online' && status !== '')
      this.#malformed.note(gateway, `status of ${payload.length} bytes`);
  }

  #takeEnvelope(gateway: string, payload: Buffer): void {
    const parsed = parseUp(payload);
    if (!parsed.ok) {
      this.#malformed.note(gateway, parsed.reason);
      return;
    }
    const envelope = parsed.value;
    const order = compareBoots(this.#boots.get(gateway), envelope.boot, envelope.type === 'hello');
    if (order === 'older') return;
    this.#boots.set(gateway, envelope.boot);
    this.#options.onHeard(gateway, order === 'newer');
    if (envelope.type === 'reply') this.#requests.reply(gateway, envelope);
    else this.#options.onEnvelope(gateway, envelope);
  }

  #brokerError(error: Error): EchoError {
    if (isEchoError(error)) return error;
    const where = this.#options.brokers.map(({ url }) => withoutUser(url)).join(', ');
    return gatewayError('ECHO_BROKER_UNREACHABLE', {
      message: `${where}: ${error.message}`,
      where,
      cause: error,
    });
  }
}

/** A broker as the client's list of servers takes it. */
function serverOf({ url }: BrokerAccess) {
  const { protocol, hostname, port } = new URL(url);
  const scheme = protocol.slice(0, -1) as 'mqtt' | 'mqtts' | 'ws' | 'wss';
  return {
    protocol: scheme,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || DEFAULT_PORTS[scheme]),
  };
}

const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;
