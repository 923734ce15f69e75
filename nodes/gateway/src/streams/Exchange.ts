/**
 * Frames of all streams of a gateway over its data connections: which topics are heard, by which broker a gateway at the
 * other end is reached, and who sends first. A topic once heard stays heard: there are few, one for each gateway at the
 * other end.
 */
import type { Boot, BrokerAccess } from '../../../../src/wire/control.ts';
import { decodeAck, decodeData, encodeAck } from '../../../../src/wire/frames.ts';
import type { Via } from '../../../../src/wire/nodes.ts';
import type { AckPositions } from '../../../../src/wire/receiver.ts';
import { parseTopic, topics } from '../../../../src/wire/topics.ts';
import type { InStreamOptions } from '../ports.ts';
import { DataLinks, type DataLinksOptions, type Space } from './DataLinks.ts';
import { type InStreams, viaOf } from './InStreams.ts';
import type { OpenOut, OutStreams, Sends } from './OutStreams.ts';
import { SendQueue } from './SendQueue.ts';

export interface ExchangeOptions {
  readonly boot: Boot;
  readonly outs: () => OutStreams;
  readonly ins: () => InStreams;
  readonly log: DataLinksOptions['log'];
  readonly space?: Space | undefined;
  readonly warn: (text: string) => void;
}

export class Exchange implements Sends {
  readonly #options: ExchangeOptions;
  readonly #links: DataLinks;
  readonly #turns = {
    shared: new SendQueue(() => this.#links.congested('shared')),
    site: new SendQueue(() => this.#links.congested('site')),
  };
  #gateway = '';

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#links = new DataLinks({
      onMessage: (topic, payload) => this.#onMessage(topic, payload),
      onSubscribed: (via, topic) => this.#onSubscribed(via, topic),
      onDown: (via) => this.#onDown(via),
      onDrain: (via) => this.#turns[via].drain(),
      log: options.log,
      space: options.space,
    });
  }

  /** Id of the gateway; '' before the first `connect`. */
  get gateway(): string {
    return this.#gateway;
  }

  connected(via: Via): boolean {
    return this.#links.connected(via);
  }

  connect(gateway: string, brokers: Readonly<Record<Via, readonly BrokerAccess[]>>): void {
    this.#gateway = gateway;
    this.#links.connect(gateway, brokers);
    this.#listen();
  }

  close(): Promise<void> {
    return this.#links.close();
  }

  /** What is heard already needs no new subscription: the stream begins at once. */
  joinOut(out: OpenOut): void {
    this.#listen();
    if (this.#reaches(out)) out.logged?.link(true);
  }

  joinIn(stream: string): void {
    this.#listen();
    const known = this.#options.ins().get(stream);
    if (known === undefined) return;
    const heard = this.#links.hears(viaOf(known.options), topics.data(this.#gateway, known.options.producer));
    if (heard) known.stream.link(true);
  }

  send(stream: string, consumer: string, frame: Buffer): boolean {
    const via = this.#viaTo(stream, consumer);
    if (!this.#links.connected(via)) return false;
    this.#links.publish(via, topics.data(consumer, this.#gateway), frame);
    return true;
  }

  turn(stream: string, consumer: string, priority: number, send: () => void): void {
    this.#turns[this.#viaTo(stream, consumer)].send(`${consumer} ${stream}`, priority, send);
  }

  acknowledge(options: InStreamOptions, positions: AckPositions): void {
    const { stream, producer } = options;
    const { boot } = this.#options;
    const frame = encodeAck({ stream, consumer: this.#gateway, ce: 0, boot, ...positions });
    this.#links.publish(viaOf(options), topics.ack(producer, this.#gateway), frame);
  }

  /** The brokers a stream takes, in or out. */
  brokersOf(stream: string): Via[] {
    const out = this.#options.outs().get(stream);
    const known = this.#options.ins().get(stream);
    if (out === undefined) return [known === undefined ? 'shared' : viaOf(known.options)];
    return out.via.size === 0 ? ['shared'] : [...out.via.values()];
  }

  #onMessage(topic: string, payload: Buffer): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'data') this.#onData(topic, parsed.producer, payload);
    else if (parsed?.kind === 'ack') this.#onAck(topic, parsed.consumer, payload);
  }

  #onData(topic: string, producer: string, payload: Buffer): void {
    const data = decodeData(payload);
    const known = data.ok ? this.#options.ins().get(data.frame.stream) : undefined;
    if (!data.ok) this.#reject(topic, data.reason);
    else if (known?.options.producer === producer && known.options.epoch === data.frame.incarnation.pe)
      known.stream.onData(data.frame);
  }

  #onAck(topic: string, consumer: string, payload: Buffer): void {
    const ack = decodeAck(payload);
    if (!ack.ok) this.#reject(topic, ack.reason);
    else if (ack.frame.consumer !== consumer) this.#reject(topic, 'it names another consumer');
    else this.#options.outs().get(ack.frame.stream)?.logged?.onAck(ack.frame);
  }

  #reject(topic: string, reason: string): void {
    this.#options.warn(`a frame on ${topic} was rejected: ${reason}`);
  }

  #viaTo(stream: string, consumer: string): Via {
    return this.#options.outs().get(stream)?.via.get(consumer) ?? 'shared';
  }

  /** Some consumer can be heard. */
  #reaches({ logged, via }: OpenOut): boolean {
    const ack = (consumer: string) => topics.ack(this.#gateway, consumer);
    return logged?.consumers.some((c) => this.#links.hears(via.get(c) ?? 'shared', ack(c))) ?? false;
  }

  #listen(): void {
    for (const [stream, { logged }] of this.#options.outs())
      for (const consumer of logged?.consumers ?? [])
        this.#links.subscribe(this.#viaTo(stream, consumer), topics.ack(this.#gateway, consumer));
    for (const [, { options }] of this.#options.ins())
      this.#links.subscribe(viaOf(options), topics.data(this.#gateway, options.producer));
  }

  #onSubscribed(via: Via, topic: string): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'ack') {
      for (const [stream, { logged }] of this.#options.outs())
        if (logged?.consumers.includes(parsed.consumer) && this.#viaTo(stream, parsed.consumer) === via)
          logged.link(true);
    } else if (parsed?.kind === 'data') {
      for (const [, { options, stream }] of this.#options.ins())
        if (options.producer === parsed.producer && viaOf(options) === via) stream.link(true);
    }
  }

  /** What is sent to a consumer whose broker alone is away is dropped, and sent again when it is back. */
  #onDown(via: Via): void {
    this.#turns[via].clear();
    for (const [, out] of this.#options.outs()) if (!this.#reaches(out)) out.logged?.link(false);
    for (const [, { options, stream }] of this.#options.ins()) if (viaOf(options) === via) stream.link(false);
  }
}
