/**
 * One `echo broker`: the wires by hand that go over it. Streams, logs and cursors are those of any wire, in a folder and
 * on connections of their own; a further connection carries the notices by which the ends find each other.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { BY_HAND_ROOT, decodeNotice, encodeNotice, noticesTopic } from '../../../../src/wire/byHand.ts';
import type { BrokerAccess } from '../../../../src/wire/control.ts';
import type { Follower, Gate } from '../ports.ts';
import { DataLink } from '../streams/DataLink.ts';
import { StreamManager } from '../streams/StreamManager.ts';
import { Book } from './Book.ts';
import { handError } from './errors.ts';
import { HandIn, type HandInWire } from './HandIn.ts';
import { type HandContext, HandOut, type HandOutWire } from './HandOut.ts';
import { defaultName } from './identity.ts';
import { TICK_MS } from './times.ts';

export interface HandBrokerOptions {
  /** Made when missing. */
  readonly folder: string;
  readonly follower: Pick<Follower, 'follow'>;
  readonly gate: Pick<Gate, 'holdsIncoming' | 'onChange'>;
  readonly log: { info(text: string): void; warn(text: string): void; error(text: string): void };
}

/** As an `echo broker` says it. */
export interface HandAccess {
  /** What this Node-RED is called here; '' for a name of the machine's. */
  readonly gateway: string;
  /** Nodes of one cluster, tried in turn. */
  readonly brokers: readonly BrokerAccess[];
}

export class HandBroker {
  readonly streams: StreamManager;
  readonly #options: HandBrokerOptions;
  readonly #book: Book;
  /** Names this process among those that may have the same folder, or a copy of it. */
  readonly #instance = randomBytes(6).toString('base64url');
  readonly #outs = new Map<string, HandOut>();
  readonly #ins = new Map<string, HandIn>();
  /** Streams whose notices are heard now. */
  readonly #heard = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #given = '';
  #gateway = '';
  #notices: DataLink | undefined;

  /** Throws ECHO_DISK_UNUSABLE. */
  constructor(options: HandBrokerOptions) {
    const { folder, follower, gate, log } = options;
    this.#options = options;
    this.streams = new StreamManager({
      ...{ folder, follower, gate, log },
      space: { root: BY_HAND_ROOT, client: `echo-hand-${this.#instance}` },
    });
    this.#book = new Book(folder);
    this.#timer = setInterval(() => this.#each((end) => end.tick(performance.now())), TICK_MS).unref();
  }

  /** What this Node-RED is called on these wires. */
  get gateway(): string {
    return this.#gateway;
  }

  get connected(): boolean {
    return this.streams.connected('shared') && (this.#notices?.connected ?? false);
  }

  get outs(): readonly HandOut[] {
    return [...this.#outs.values()];
  }

  get ins(): readonly HandIn[] {
    return [...this.#ins.values()];
  }

  out(stream: string): HandOut | undefined {
    return this.#outs.get(stream);
  }

  in(stream: string): HandIn | undefined {
    return this.#ins.get(stream);
  }

  /** Messages of this log that were set aside here. */
  deadOf(log: string | undefined): number {
    const status = this.streams.status().find((s) => s.role === 'in' && s.stream === log);
    return (status?.role === 'in' && status.dead) || 0;
  }

  /** Before wires are opened, and again when the settings have changed; the same ones change nothing. */
  connect({ gateway, brokers }: HandAccess): void {
    const given = JSON.stringify([gateway, brokers]);
    if (given === this.#given) return;
    this.#given = given;
    this.#gateway = gateway === '' ? defaultName(hostname(), this.streams.boot.disk) : gateway;
    this.streams.connect(this.#gateway, brokers);
    void this.#notices?.close();
    this.#onDown();
    this.#notices = new DataLink({
      clientId: `echo-hand-${this.#instance}-notices`,
      brokers,
      onMessage: (topic, payload) => this.#onNotice(topic, payload),
      onSubscribed: (topic) => this.#onSubscribed(topic),
      onDown: () => this.#onDown(),
      onDrain: () => {},
      // The data connection goes to the same brokers and says what there is to say.
      log: { info: () => {}, warn: () => {} },
    });
    for (const stream of [...this.#outs.keys(), ...this.#ins.keys()])
      this.#notices.subscribe(noticesTopic(stream));
  }

  /** Throws ECHO_HAND_NODE_TWICE. */
  openOut(wire: HandOutWire): HandOut {
    const { stream } = wire;
    if (this.#outs.has(stream)) throw twice('echo out', stream);
    const out = new HandOut(this.#context, wire);
    this.#outs.set(stream, out);
    this.#listen(stream, out);
    return out;
  }

  /** Throws ECHO_HAND_NODE_TWICE. */
  openIn(wire: HandInWire): HandIn {
    const { stream } = wire;
    const known = this.#ins.get(stream);
    if (known?.open) throw twice('echo in', stream);
    const into = new HandIn(this.#context, wire);
    this.#ins.set(stream, into);
    this.#listen(stream, into);
    return into;
  }

  closeOut(out: HandOut, removed: boolean): Promise<void> {
    if (this.#outs.get(out.wire.stream) === out) this.#outs.delete(out.wire.stream);
    return out.close(removed);
  }

  /** One that was deleted stays until its producer knows. */
  closeIn(into: HandIn, removed: boolean): Promise<void> {
    if (!removed && this.#ins.get(into.wire.stream) === into) this.#ins.delete(into.wire.stream);
    return into.close(removed, performance.now());
  }

  /** Ends the connections; what is on disk stays. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#notices?.close(), this.streams.close()]);
  }

  get #context(): HandContext {
    const { disk, count } = this.streams.boot;
    return {
      self: { gateway: this.#gateway, disk, boot: count, instance: this.#instance },
      streams: this.streams,
      book: this.#book,
      log: this.#options.log,
      say: (notice) => this.#notices?.publish(noticesTopic(notice.stream), encodeNotice(notice)),
    };
  }

  #listen(stream: string, end: HandOut | HandIn): void {
    if (this.#heard.has(stream)) end.link(true, performance.now());
    else this.#notices?.subscribe(noticesTopic(stream));
  }

  #onSubscribed(topic: string): void {
    for (const [end, stream] of this.#ends()) {
      if (noticesTopic(stream) !== topic) continue;
      this.#heard.add(stream);
      this.#guard(() => end.link(true, performance.now()));
    }
  }

  #onDown(): void {
    this.#heard.clear();
    this.#each((end) => end.link(false, performance.now()));
  }

  #onNotice(topic: string, payload: Buffer): void {
    const notice = decodeNotice(payload);
    if (notice === undefined || noticesTopic(notice.stream) !== topic) return;
    for (const end of [this.#outs.get(notice.stream), this.#ins.get(notice.stream)])
      this.#guard(() => end?.hear(notice, performance.now()));
  }

  #each(visit: (end: HandOut | HandIn) => void): void {
    for (const [end, stream] of this.#ends()) {
      this.#guard(() => visit(end));
      if (end instanceof HandIn && end.left) this.#ins.delete(stream);
    }
  }

  #ends(): (readonly [HandOut | HandIn, string])[] {
    return [...this.outs, ...this.ins].map((end) => [end, end.wire.stream] as const);
  }

  /** What cannot be written down is not agreed; the other end asks again. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.log.error(`wires by hand: ${(error as Error).message}`);
    }
  }
}

const twice = (type: string, stream: string): Error =>
  handError('ECHO_HAND_NODE_TWICE', {
    message: `a second ${type} names the stream "${stream}"`,
    where: stream,
  });
