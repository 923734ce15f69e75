/**
 * The streams of one gateway: opens logs and cursors under `folder`, drives the state machines of `src/wire` and the
 * data connections. Works without a connection; `connect` may come later, or again with other brokers.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Boot, BrokerAccess, StreamStatus } from '../../../../src/wire/control.ts';
import { shareCredit } from '../../../../src/wire/credit.ts';
import { decodeAck, decodeData, encodeAck } from '../../../../src/wire/frames.ts';
import type { DeliveryLevel, Via } from '../../../../src/wire/nodes.ts';
import type { OperationResult, StreamOperation } from '../../../../src/wire/operate.ts';
import { defaultOf, type OutChoice, quotaBytesOf, windowOf } from '../../../../src/wire/options.ts';
import type { AckPositions, ReceiverCursor } from '../../../../src/wire/receiver.ts';
import { parseTopic, topics } from '../../../../src/wire/topics.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import type {
  Follower,
  Gate,
  InStreamOptions,
  Lineage,
  OutStreamOptions,
  StreamState,
  Streams,
} from '../ports.ts';
import { CursorJournal } from './CursorJournal.ts';
import { DataLinks } from './DataLinks.ts';
import { DeadLetters } from './DeadLetters.ts';
import { folderName, hostBoot, openDisk } from './disk.ts';
import { InStream } from './InStream.ts';
import type { LogPolicy } from './Intake.ts';
import { cursorsOf, OutStream } from './OutStream.ts';
import { operate } from './operate.ts';
import { SendQueue } from './SendQueue.ts';
import { Tracing } from './Tracing.ts';
import { UnloggedOut } from './UnloggedOut.ts';

export interface StreamManagerOptions {
  /** `<userDir>/echo`; made when missing. */
  readonly folder: string;
  readonly follower: Pick<Follower, 'follow'>;
  readonly gate: Pick<Gate, 'holdsIncoming' | 'onChange'>;
  readonly log: { info(text: string): void; warn(text: string): void; error(text: string): void };
  readonly limits?: Partial<StreamLimits>;
  /** Names this start of the operating system; '' when unknown. */
  readonly host?: string;
}

export interface StreamLimits {
  /** Most bytes one log takes on disk. */
  readonly quotaBytes: number;
  readonly segmentBytes: number;
  /** Most bytes of one log kept in memory. */
  readonly cacheBytes: number;
}

const DEFAULT_LIMITS: StreamLimits = {
  quotaBytes: 256 * 1024 * 1024,
  segmentBytes: 4 * 1024 * 1024,
  cacheBytes: 4 * 1024 * 1024,
};
const WARN_EVERY_MS = 10_000;
const REST_POLL_MS = 5;

interface OpenOut {
  readonly epoch: number;
  /** Stays and empties after a change to at-most-once. */
  logged: OutStream | undefined;
  unlogged: UnloggedOut | undefined;
  level: DeliveryLevel;
  tab: string;
  /** Brokers of the consumers that are not reached by the shared one. */
  via: ReadonlyMap<string, Via>;
  choice: OutChoice;
  /** False once its node is gone: the log is still sent, nothing is appended. */
  open: boolean;
}

interface OpenIn {
  readonly stream: InStream;
  options: InStreamOptions;
  open: boolean;
}

export class StreamManager implements Streams {
  /** Identity of this disk and number of this process start; goes into hello, heartbeats and ACKs. */
  readonly boot: Boot;
  readonly #options: StreamManagerOptions;
  readonly #limits: StreamLimits;
  readonly #host: string;
  readonly #cursors: CursorJournal;
  readonly #outs = new Map<string, OpenOut>();
  readonly #ins = new Map<string, OpenIn>();
  readonly #stopGate: () => void;
  readonly #links: DataLinks;
  readonly #turns = {
    shared: new SendQueue(() => this.#links.congested('shared')),
    site: new SendQueue(() => this.#links.congested('site')),
  };
  readonly #dead: DeadLetters;
  readonly #tracing = Tracing.start(() => this.#gateway);
  #gateway = '';
  #warnedAt = Number.NEGATIVE_INFINITY;
  #resting = false;
  #closed: Promise<void> | undefined;

  /** Reads or makes `disk.json` and counts this boot, synchronously. Throws ECHO_DISK_UNUSABLE. */
  constructor(options: StreamManagerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#host = options.host ?? hostBoot();
    this.boot = openDisk(options.folder);
    this.#cursors = new CursorJournal(join(options.folder, 'cursors.log'), (error) =>
      options.log.error(`cursors cannot be written: ${error.message}`),
    );
    this.#dead = new DeadLetters({ folder: join(options.folder, 'dead'), warn: options.log.warn });
    this.#links = new DataLinks({
      onMessage: (topic, payload) => this.#onMessage(topic, payload),
      onSubscribed: (via, topic) => this.#onSubscribed(via, topic),
      onDown: (via) => this.#onDown(via),
      onDrain: (via) => this.#turns[via].drain(),
      log: options.log,
    });
    this.#stopGate = options.gate.onChange(() => {
      for (const { stream } of this.#ins.values()) stream.wake();
      this.#forgetFormerLogs();
    });
  }

  connected(via: Via): boolean {
    return this.#links.connected(via);
  }

  /** Opens the data connections as `gateway`: to the shared brokers and to those of its site, each tried in turn. */
  connect(gateway: string, shared: readonly BrokerAccess[], site: readonly BrokerAccess[] = []): void {
    this.#gateway = gateway;
    this.#links.connect(gateway, { shared, site });
    this.#listen();
  }

  /**
   * A gateway that goes on producing a stream keeps its epoch. So a log of another epoch here belongs to a route that
   * is over or to a deploy that was undone, and goes.
   */
  openOut(options: OutStreamOptions): void {
    const { stream, epoch, level, consumers, start, tab, via = new Map(), choice = {} } = options;
    if (this.#outs.get(stream)?.epoch !== epoch) this.#forgetOtherEpochs(stream, epoch);
    const known = this.#outs.get(stream);
    const out: OpenOut = known ?? {
      epoch,
      logged: undefined,
      unlogged: undefined,
      level,
      tab,
      via,
      choice,
      open: true,
    };
    Object.assign(out, { level, tab, via, choice, open: true });
    if (level === 'at-least-once') out.logged ??= this.#openLogged(stream, epoch, choice);
    else out.unlogged ??= this.#openUnlogged(stream, epoch);
    out.logged?.setPolicy(this.#policyOf(choice));
    this.#outs.set(stream, out);
    out.logged?.setConsumers(consumers, start);
    out.unlogged?.setConsumers(consumers);
    this.#listen();
    // What is heard already needs no new subscription: begin at once.
    if (this.#linked(out)) out.logged?.link(true);
    this.#grantCredit();
  }

  openIn(options: InStreamOptions): void {
    const { stream } = options;
    this.#forgetLaterCursor(stream, options.epoch);
    const known = this.#ins.get(stream);
    if (known !== undefined) {
      known.options = options;
      known.open = true;
    } else {
      this.#ins.set(stream, { stream: this.#openReceiver(stream), options, open: true });
    }
    this.#listen();
    const opened = this.#ins.get(stream)!.stream;
    if (this.#links.hears(viaOf(options), topics.data(this.#gateway, options.producer))) opened.link(true);
    this.#grantCredit();
    opened.wake();
  }

  closeOut(stream: string): Promise<void> {
    const out = this.#outs.get(stream);
    if (out !== undefined) out.open = false;
    this.#grantCredit();
    return this.#kept();
  }

  closeIn(stream: string): Promise<void> {
    const known = this.#ins.get(stream);
    if (known !== undefined) known.open = false;
    return this.#kept();
  }

  /** Node-RED ends its process when its nodes are closed: the last of them waits until all is on disk. */
  async #kept(): Promise<void> {
    if (!this.#resting || this.#open) return;
    await this.close();
  }

  get #open(): boolean {
    return [...this.#outs.values(), ...this.#ins.values()].some(({ open }) => open);
  }

  append(stream: string, msg: object, cause: Lineage | undefined): Promise<void> {
    const out = this.#outs.get(stream);
    if (out === undefined || this.#closed !== undefined) {
      const message = `no stream ${stream} is open on this gateway`;
      return Promise.reject(wireError('ECHO_STREAM_NOT_OPEN', { message, where: stream }));
    }
    const log = (out.level === 'at-least-once' ? out.logged : out.unlogged)!;
    const hop = this.#tracing?.sending(stream, msg, cause);
    if (hop === undefined) return log.append(msg, cause);
    const appended = log.append(hop.msg, cause);
    appended.then(() => hop.end(), hop.end);
    return appended;
  }

  state(stream: string): StreamState {
    const out = this.#outs.get(stream);
    const { logged } = out ?? {};
    const connected = this.#brokersOf(stream).every((via) => this.#links.connected(via));
    if (logged !== undefined) {
      const { waiting, passed, full, lost } = logged;
      return { connected, waiting, passed, full, lost };
    }
    const { waiting = 0, passed = 0, lost = 0 } = this.#ins.get(stream)?.stream ?? {};
    return { connected, waiting, passed, full: false, lost };
  }

  status(): StreamStatus[] {
    const outs = [...this.#outs.values()].map(({ level, logged, unlogged }) =>
      (level === 'at-least-once' ? logged : unlogged)!.status(),
    );
    const ins = [...this.#ins.values()].map(({ stream }) => stream.status());
    return [...outs, ...ins];
  }

  /** What an operator asks. Rejects with ECHO_STREAM_NOT_OPEN, ECHO_DEAD_LETTER_UNKNOWN. */
  operate(operation: StreamOperation): Promise<OperationResult<StreamOperation['method']>> {
    const out = (stream: string) => this.#outs.get(stream)?.logged;
    const into = (stream: string) => this.#ins.get(stream)?.stream;
    return operate({ out, in: into, dead: this.#dead }, operation);
  }

  /** Forgets logs and cursors, open or not. */
  async retire(streams: readonly string[]): Promise<void> {
    for (const stream of streams) {
      const out = this.#outs.get(stream);
      this.#outs.delete(stream);
      await out?.logged?.destroy();
      rmSync(this.#folderOf(stream), { recursive: true, force: true });
      for (const [key] of this.#cursors.entries(cursorsOf(stream))) this.#cursors.set(key, undefined);
      this.#forgetIn(stream);
    }
    this.#grantCredit();
  }

  /** Hands nothing over any more, and waits until all that was is processed, at most so long. */
  async rest(limitMs: number): Promise<void> {
    this.#resting = true;
    const end = performance.now() + limitMs;
    const working = () => [...this.#ins.values()].some(({ stream }) => stream.working);
    while (working() && performance.now() < end) await delay(REST_POLL_MS);
  }

  /** Writes what is pending, marks the logs cleanly closed and disconnects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopGate();
    for (const { stream } of this.#ins.values()) stream.close();
    this.#cursors.flush();
    for (const { logged } of this.#outs.values()) await logged?.close();
    this.#cursors.flush();
    await this.#links.close();
  }

  /** The log of each epoch has a folder and cursors of its own: nothing of a former one can pass for a new one's. */
  #openLogged(stream: string, epoch: number, choice: OutChoice): OutStream {
    return new OutStream({
      stream,
      epoch,
      log: {
        folder: join(this.#folderOf(stream), String(epoch)),
        host: this.#host,
        segmentBytes: this.#limits.segmentBytes,
        cacheBytes: this.#limits.cacheBytes,
        now: Date.now,
      },
      policy: this.#policyOf(choice),
      cursors: this.#cursors,
      send: (consumer, frame) =>
        this.#links.publish(this.#viaTo(stream, consumer), topics.data(consumer, this.#gateway), frame),
      turn: (consumer, send) => this.#takeTurn(stream, consumer, send),
      onLevel: () => this.#grantCredit(),
      warn: (text) => this.#warn(text),
    });
  }

  #policyOf(choice: OutChoice): LogPolicy {
    const { durability = defaultOf('durability'), whenFull = defaultOf('whenFull') } = choice;
    const said = quotaBytesOf(choice);
    const quotaBytes = choice.quotaMB === undefined ? Math.min(said, this.#limits.quotaBytes) : said;
    return { durability, whenFull, quotaBytes };
  }

  #takeTurn(stream: string, consumer: string, send: () => void): void {
    const { priority = defaultOf('priority') } = this.#outs.get(stream)?.choice ?? {};
    this.#turns[this.#viaTo(stream, consumer)].send(`${consumer} ${stream}`, priority, send);
  }

  #openUnlogged(stream: string, epoch: number): UnloggedOut {
    return new UnloggedOut({
      stream,
      epoch,
      born: Date.now(),
      send: (consumer, frame) => {
        const via = this.#viaTo(stream, consumer);
        if (!this.#links.connected(via)) return false;
        this.#links.publish(via, topics.data(consumer, this.#gateway), frame);
        return true;
      },
    });
  }

  #openReceiver(stream: string): InStream {
    const current = (): OpenIn | undefined => this.#ins.get(stream);
    return new InStream({
      stream,
      boot: this.boot,
      follower: this.#options.follower,
      held: () => this.#resting || this.#options.gate.holdsIncoming(current()?.options.tab ?? ''),
      target: () => (current()?.open ? current()?.options.deliver : undefined),
      cursors: this.#cursors,
      dead: this.#dead,
      tracing: this.#tracing,
      producer: () => current()?.options.producer ?? '',
      attempts: () => current()?.options.attempts ?? 0,
      acknowledge: (positions) => this.#acknowledge(current()?.options, positions),
      warn: (text) => this.#warn(text),
    });
  }

  #forgetOtherEpochs(stream: string, epoch: number): void {
    const folder = this.#folderOf(stream);
    const kept = [String(epoch)];
    const open = this.#outs.get(stream);
    if (open !== undefined) {
      kept.push(String(open.epoch));
      this.#forgetOut(stream, open);
    }
    for (const [key] of this.#cursors.entries(cursorsOf(stream)))
      if (!key.startsWith(cursorsOf(stream, epoch))) this.#cursors.set(key, undefined);
    for (const name of existsSync(folder) ? readdirSync(folder) : [])
      if (!kept.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }

  /** Where the gate is open and this gateway consumes what it used to produce, the deploy that turned it is committed. */
  #forgetFormerLogs(): void {
    for (const [stream, { options, open }] of this.#ins) {
      const out = this.#outs.get(stream);
      if (out === undefined || out.open || !open || this.#options.gate.holdsIncoming(options.tab)) continue;
      this.#forgetOut(stream, out);
    }
  }

  #forgetOut(stream: string, { logged }: OpenOut): void {
    this.#outs.delete(stream);
    logged?.destroy().catch((error: Error) => this.#warn(`a log of ${stream} stays: ${error.message}`));
  }

  /** The fragment is the truth: a later epoch known here is of a deploy that was undone, or of another orchestrator. */
  #forgetLaterCursor(stream: string, epoch: number): void {
    const cursor = this.#cursors.get(`in ${stream}`) as ReceiverCursor | undefined;
    if (cursor !== undefined && cursor.incarnation.pe > epoch) this.#forgetIn(stream);
  }

  #forgetIn(stream: string): void {
    this.#ins.get(stream)?.stream.destroy();
    this.#ins.delete(stream);
    this.#cursors.set(`in ${stream}`, undefined);
  }

  #acknowledge(options: InStreamOptions | undefined, positions: AckPositions): void {
    if (options === undefined) return;
    const { stream, producer } = options;
    const frame = encodeAck({ stream, consumer: this.#gateway, ce: 0, boot: this.boot, ...positions });
    this.#links.publish(viaOf(options), topics.ack(producer, this.#gateway), frame);
  }

  #onMessage(topic: string, payload: Buffer): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'data') this.#onData(topic, parsed.producer, payload);
    else if (parsed?.kind === 'ack') this.#onAck(topic, parsed.consumer, payload);
  }

  #onData(topic: string, producer: string, payload: Buffer): void {
    const data = decodeData(payload);
    const known = data.ok ? this.#ins.get(data.frame.stream) : undefined;
    if (!data.ok) this.#reject(topic, data.reason);
    else if (known?.options.producer === producer && known.options.epoch === data.frame.incarnation.pe)
      known.stream.onData(data.frame);
  }

  #onAck(topic: string, consumer: string, payload: Buffer): void {
    const ack = decodeAck(payload);
    if (!ack.ok) this.#reject(topic, ack.reason);
    else if (ack.frame.consumer !== consumer) this.#reject(topic, 'it names another consumer');
    else this.#outs.get(ack.frame.stream)?.logged?.onAck(ack.frame);
  }

  #reject(topic: string, reason: string): void {
    this.#warn(`a frame on ${topic} was rejected: ${reason}`);
  }

  /** The broker a stream of ours takes to a consumer. */
  #viaTo(stream: string, consumer: string): Via {
    return this.#outs.get(stream)?.via.get(consumer) ?? 'shared';
  }

  /** The brokers a stream of ours takes, in or out. */
  #brokersOf(stream: string): Via[] {
    const out = this.#outs.get(stream);
    const known = this.#ins.get(stream);
    if (out === undefined) return [known === undefined ? 'shared' : viaOf(known.options)];
    return out.via.size === 0 ? ['shared'] : [...out.via.values()];
  }

  /** Some consumer can be heard. */
  #linked({ logged, via }: OpenOut): boolean {
    const ack = (consumer: string) => topics.ack(this.#gateway, consumer);
    return logged?.consumers.some((c) => this.#links.hears(via.get(c) ?? 'shared', ack(c))) ?? false;
  }

  /** A topic once heard stays heard: there are few, one for each gateway at the other end. */
  #listen(): void {
    for (const [stream, { logged }] of this.#outs)
      for (const consumer of logged?.consumers ?? [])
        this.#links.subscribe(this.#viaTo(stream, consumer), topics.ack(this.#gateway, consumer));
    for (const { options } of this.#ins.values())
      this.#links.subscribe(viaOf(options), topics.data(this.#gateway, options.producer));
  }

  #onSubscribed(via: Via, topic: string): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'ack') {
      for (const [stream, { logged }] of this.#outs)
        if (logged?.consumers.includes(parsed.consumer) && this.#viaTo(stream, parsed.consumer) === via)
          logged.link(true);
    } else if (parsed?.kind === 'data') {
      for (const { options, stream } of this.#ins.values())
        if (options.producer === parsed.producer && viaOf(options) === via) stream.link(true);
    }
  }

  /** What is sent to a consumer whose broker alone is away is dropped, and sent again when it is back. */
  #onDown(via: Via): void {
    this.#turns[via].clear();
    for (const out of this.#outs.values()) if (!this.#linked(out)) out.logged?.link(false);
    for (const { options, stream } of this.#ins.values()) if (viaOf(options) === via) stream.link(false);
  }

  /** The streams a broker carries to this gateway share its queue. A tab whose log is nearly full takes in no more. */
  #grantCredit(): void {
    const full = new Set<string>();
    for (const { logged, tab, open } of this.#outs.values()) if (open && logged?.nearlyFull) full.add(tab);
    for (const via of ['shared', 'site'] as const) {
      const ins = [...this.#ins.values()].filter(({ options }) => viaOf(options) === via);
      const shares = shareCredit(ins.map(({ options }) => windowOf(options.choice ?? {})));
      for (const [i, { options, stream }] of ins.entries()) stream.grant(!full.has(options.tab), shares[i]!);
    }
  }

  #folderOf(stream: string): string {
    return join(this.#options.folder, 'streams', folderName(stream));
  }

  #warn(text: string): void {
    const now = performance.now();
    if (now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    this.#options.log.warn(text);
  }
}

const viaOf = ({ via }: InStreamOptions): Via => via ?? 'shared';
