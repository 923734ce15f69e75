/**
 * The data connection of a gateway: QoS 0 on exact topics, no delay, clean session, brokers tried in turn for ever.
 * What is published while it is down is dropped; the streams see to it that nothing is lost.
 */
import mqtt, { type MqttClient } from 'mqtt';
import type { BrokerAccess } from '../../../../src/wire/control.ts';
import { reconnectDelay } from '../../../../src/wire/retry.ts';

export interface DataLinkOptions {
  readonly clientId: string;
  readonly brokers: readonly BrokerAccess[];
  readonly onMessage: (topic: string, payload: Buffer) => void;
  /** The topic can be heard from now on. Also after each reconnect, for every topic. */
  readonly onSubscribed: (topic: string) => void;
  readonly onDown: () => void;
  /** The connection takes more after it was `congested`. */
  readonly onDrain: () => void;
  readonly log: { info(text: string): void; warn(text: string): void };
  /**
   * A broker that answers no subscription for so long is left for the next, and a subscription it refused is tried again:
   * a cluster that forms anew does both. Default: 5,000 ms.
   */
  readonly patienceMs?: number;
}

/** A cluster that has lost a node takes more than 8 s to let a client in. */
const CONNECT_TIMEOUT_MS = 10_000;
const PATIENCE_MS = 5_000;
const KEEPALIVE_S = 10;
/** Bytes that wait for the socket from which on what is not urgent had better wait in its log. */
const CONGESTED_BYTES = 256 * 1024;

export class DataLink {
  readonly #options: DataLinkOptions;
  readonly #topics = new Set<string>();
  /** Topics that were refused last, so that it is said once. */
  readonly #refused = new Set<string>();
  readonly #patience: number;
  #client: MqttClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #attempt = 0;
  #broker = 0;
  #up = false;
  #closed = false;
  #congested = false;

  constructor(options: DataLinkOptions) {
    this.#options = options;
    this.#patience = options.patienceMs ?? PATIENCE_MS;
    this.#connect();
  }

  get connected(): boolean {
    return this.#up;
  }

  /** More waits for the socket than it takes at once. */
  get congested(): boolean {
    return this.#congested;
  }

  publish(topic: string, payload: Buffer): void {
    const client = this.#client;
    if (!this.#up || client === undefined) return;
    client.publish(topic, payload, { qos: 0 });
    if (this.#congested || client.stream.writableLength < CONGESTED_BYTES) return;
    this.#congested = true;
    client.stream.once('drain', () => this.#onDrain(client));
  }

  #onDrain(client: MqttClient): void {
    if (client !== this.#client) return;
    this.#congested = false;
    this.#options.onDrain();
  }

  subscribe(topic: string): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    if (this.#up) this.#subscribe(topic);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#down();
    if (client !== undefined) await client.endAsync(!client.connected);
  }

  #connect(): void {
    const { url, username, password } = this.#options.brokers[this.#broker]!;
    const client = mqtt.connect(url, {
      clientId: this.#options.clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      protocolVersion: 4,
      clean: true,
      resubscribe: false,
      queueQoSZero: false,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEPALIVE_S,
    });
    this.#client = client;
    client.on('connect', () => this.#onConnect(client, url));
    client.on('message', (topic, payload) => this.#options.onMessage(topic, payload));
    client.on('error', (error) => this.#warnOnce(`data connection to ${safeUrl(url)}: ${error.message}`));
    client.on('close', () => this.#onClose(client));
  }

  #onConnect(client: MqttClient, url: string): void {
    const socket = client.stream as { setNoDelay?: (on: boolean) => void };
    socket.setNoDelay?.(true);
    this.#up = true;
    this.#options.log.info(`data connection to ${safeUrl(url)} is up`);
    for (const topic of this.#topics) this.#subscribe(topic);
  }

  #subscribe(topic: string): void {
    const client = this.#client;
    if (client === undefined) return;
    const limit = setTimeout(() => client.end(true), this.#patience);
    client.subscribe(topic, { qos: 0 }, (error, granted) => {
      clearTimeout(limit);
      if (client !== this.#client) return;
      if (error || granted?.some((g) => g.qos === 128)) this.#onRefused(client, topic);
      else {
        this.#attempt = 0;
        this.#refused.delete(topic);
        this.#options.onSubscribed(topic);
      }
    });
  }

  #onRefused(client: MqttClient, topic: string): void {
    if (!this.#up) return;
    if (!this.#refused.has(topic)) this.#options.log.warn(`the broker refuses a subscription to ${topic}`);
    this.#refused.add(topic);
    setTimeout(() => client === this.#client && this.#subscribe(topic), this.#patience).unref();
  }

  #onClose(client: MqttClient): void {
    if (client !== this.#client || this.#closed) return;
    if (this.#up) this.#warnOnce('data connection lost; records stay in their logs until it is back');
    this.#down();
    client.end(true);
    this.#timer = setTimeout(() => this.#connect(), reconnectDelay(this.#attempt, Math.random()));
    this.#attempt++;
    this.#broker = (this.#broker + 1) % this.#options.brokers.length;
  }

  #down(): void {
    const was = this.#up;
    this.#up = false;
    this.#congested = false;
    this.#client = undefined;
    if (was) this.#options.onDown();
  }

  /** Said at the first failure of an outage only. */
  #warnOnce(text: string): void {
    if (this.#attempt === 0 && !this.#closed) this.#options.log.warn(text);
  }
}

/** Without user and password. */
function safeUrl(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return 'the broker';
  }
}
