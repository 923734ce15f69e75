/**
 * The control connection: MQTT, clean session, separate from data. Keeps trying the brokers in turn; each time it
 * stands it subscribes, shows the gateway online and calls `onUp`. A lost connection shows it offline by its last will.
 *
 * QoS 0 but for the retained status: a clean session loses at a reconnect what was on its way at any QoS, what matters
 * is asked again, and a cluster that has lost a node takes long to make a QoS 1 subscription, or refuses it.
 */
import mqtt, { type MqttClient } from 'mqtt';
import { type BrokerAccess, encodeEnvelope, type UpEnvelope } from '../../../../src/wire/control.ts';
import { topics } from '../../../../src/wire/topics.ts';

const KEEPALIVE_S = 10;
const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 10_000;
const RETRY_MS = { first: 200, most: 5_000 };

export interface ControlOptions {
  readonly gateway: string;
  readonly brokers: readonly BrokerAccess[];
  readonly onUp: () => void;
  readonly onMessage: (payload: Buffer) => void;
  readonly log: { info(text: string): void; warn(text: string): void };
}

export class ControlConnection {
  readonly #options: ControlOptions;
  #client: MqttClient | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #up = false;
  #closed = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#connect();
  }

  get up(): boolean {
    return this.#up;
  }

  /** Dropped when there is no connection: what matters is said again at the next hello or heartbeat. */
  send(envelope: UpEnvelope): void {
    if (this.#up)
      this.#client?.publish(topics.up(this.#options.gateway), encodeEnvelope(envelope), { qos: 0 });
  }

  /** Shows the gateway offline and disconnects, after what was sent has been delivered. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    if (client === undefined) return;
    if (this.#up) await this.#answered(client, this.#show(client, 'offline')).catch(() => {});
    await client.endAsync(!client.connected);
  }

  #connect(): void {
    const { gateway, brokers, onMessage } = this.#options;
    const broker = brokers[this.#failures % brokers.length]!;
    const client = mqtt.connect(broker.url, {
      clientId: `echo-${gateway}-control`,
      ...(broker.username === undefined ? {} : { username: broker.username }),
      ...(broker.password === undefined ? {} : { password: broker.password }),
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      will: { topic: topics.status(gateway), payload: Buffer.from('offline'), qos: 1, retain: true },
    });
    this.#client = client;
    client.on('connect', () => void this.#welcome(client));
    client.on('message', (topic, payload) => {
      if (topic === topics.down(gateway)) onMessage(payload);
    });
    let reason = 'connection closed';
    client.on('error', (error) => {
      reason = error.message || ((error as { code?: string }).code ?? 'error');
      client.end(true);
    });
    client.on('close', () => this.#lost(client, broker, reason));
  }

  async #welcome(client: MqttClient): Promise<void> {
    const { gateway, onUp, log } = this.#options;
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    try {
      await this.#answered(client, client.subscribeAsync(topics.down(gateway), { qos: 0 }));
      await this.#answered(client, this.#show(client, 'online'));
    } catch (error) {
      log.warn(`control connection: ${(error as Error).message}`);
      client.end(true);
      return;
    }
    if (this.#closed || client !== this.#client) return;
    this.#failures = 0;
    this.#up = true;
    onUp();
  }

  #show(client: MqttClient, status: 'online' | 'offline'): Promise<unknown> {
    return client.publishAsync(topics.status(this.#options.gateway), status, { qos: 1, retain: true });
  }

  /** Ends a connection that answers nothing: a node of a cluster that has lost its peers takes it all the same. */
  async #answered(client: MqttClient, answer: Promise<unknown>): Promise<void> {
    const limit = setTimeout(() => client.end(true), ANSWER_TIMEOUT_MS);
    await answer.finally(() => clearTimeout(limit));
  }

  #lost(client: MqttClient, broker: BrokerAccess, reason: string): void {
    if (this.#closed || client !== this.#client) return;
    const { brokers, log } = this.#options;
    if (this.#up || this.#failures === 0) {
      log.warn(`control connection to ${broker.url}: ${reason}; trying again`);
    }
    this.#up = false;
    client.removeAllListeners();
    client.on('error', () => {});
    client.end(true);
    const round = Math.floor(this.#failures++ / brokers.length);
    const most = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** round);
    this.#retry = setTimeout(() => this.#connect(), most * (0.5 + Math.random() / 2));
  }
}
