/**
 * The streams of one gateway: logs and cursors under `folder`, the state machines of `src/wire`, the data connections.
 * Works without a connection; `connect` may come later, or again with other brokers.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Boot, BrokerAccess, StreamStatus } from '../../../../src/wire/control.ts';
import { windowsWithin } from '../../../../src/wire/credit.ts';
import type { Via } from '../../../../src/wire/nodes.ts';
import type { OperationResult, StreamOperation } from '../../../../src/wire/operate.ts';
import { windowOf } from '../../../../src/wire/options.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import type {
  Follower,
  Fragments,
  Gate,
  InStreamOptions,
  Lineage,
  OutStreamOptions,
  StreamPositions,
  StreamState,
  Streams,
} from '../ports.ts';
import { CursorJournal } from './CursorJournal.ts';
import type { Space } from './DataLinks.ts';
import { DeadLetters } from './DeadLetters.ts';
import { hostBoot, openDisk } from './disk.ts';
import { Exchange } from './Exchange.ts';
import { InStreams, viaOf } from './InStreams.ts';
import { type LogLimits, OutStreams } from './OutStreams.ts';
import { operate } from './operate.ts';
import { Reopening } from './Reopening.ts';
import { Tracing } from './Tracing.ts';

export interface StreamManagerOptions {
  /** `<userDir>/echo`; made when missing. */
  readonly folder: string;
  readonly follower: Pick<Follower, 'follow'>;
  readonly gate: Pick<Gate, 'holdsIncoming' | 'onChange'>;
  /** None takes checkpoints where absent. */
  readonly fragments?: Fragments;
  readonly log: { info(text: string): void; warn(text: string): void; error(text: string): void };
  readonly limits?: Partial<LogLimits>;
  /** Names this start of the operating system; '' when unknown. */
  readonly host?: string;
  /** Where its topics stand; that of the fleet when absent. */
  readonly space?: Space;
}

const DEFAULT_LIMITS: LogLimits = {
  quotaBytes: 256 * 1024 * 1024,
  segmentBytes: 4 * 1024 * 1024,
  cacheBytes: 8 * 1024 * 1024,
};
const WARN_EVERY_MS = 10_000;
const REST_POLL_MS = 5;
const NO_FRAGMENTS: Fragments = { of: () => undefined };

export class StreamManager implements Streams {
  /** Identity of this disk and number of this process start; goes into hello, heartbeats and ACKs. */
  readonly boot: Boot;
  readonly #options: StreamManagerOptions;
  readonly #cursors: CursorJournal;
  readonly #exchange: Exchange;
  readonly #outs: OutStreams;
  readonly #ins: InStreams;
  readonly #dead: DeadLetters;
  /** While a stream waits for room nothing is handed over, and no checkpoint is taken that would not know of it. */
  readonly #reopening = new Reopening((text) => this.#warn(text));
  readonly #tracing = Tracing.start(() => this.#exchange.gateway);
  readonly #stopGate: () => void;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #resting = false;
  #closed: Promise<void> | undefined;

  /** Reads or makes `disk.json` and counts this boot, synchronously. Throws ECHO_DISK_UNUSABLE. */
  constructor(options: StreamManagerOptions) {
    const { folder, gate, follower, log, fragments = NO_FRAGMENTS } = options;
    const warn = (text: string): void => this.#warn(text);
    this.#options = options;
    this.boot = openDisk(folder);
    this.#cursors = new CursorJournal(join(folder, 'cursors.log'), (error) =>
      log.error(`cursors cannot be written: ${error.message}`),
    );
    this.#dead = new DeadLetters({ folder: join(folder, 'dead'), warn: log.warn });
    this.#exchange = new Exchange({
      boot: this.boot,
      outs: () => this.#outs,
      ins: () => this.#ins,
      log,
      space: options.space,
      warn,
    });
    this.#outs = new OutStreams({
      folder: join(folder, 'streams'),
      host: options.host ?? hostBoot(),
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      cursors: this.#cursors,
      sends: this.#exchange,
      fragments,
      onLevel: () => this.#grantCredit(),
      warn,
    });
    this.#ins = new InStreams({
      boot: this.boot,
      follower,
      cursors: this.#cursors,
      dead: this.#dead,
      tracing: this.#tracing,
      fragments,
      held: (tab) => this.#resting || this.#reopening.waits || gate.holdsIncoming(tab),
      acknowledge: (stream, positions) => this.#exchange.acknowledge(stream, positions),
      warn,
    });
    this.#stopGate = gate.onChange(() => {
      this.#wakeAll();
      this.#forgetFormerLogs();
    });
  }

  connected(via: Via): boolean {
    return this.#exchange.connected(via);
  }

  /** Opens the data connections as `gateway`: to the shared brokers and to those of its site, each tried in turn. */
  connect(gateway: string, shared: readonly BrokerAccess[], site: readonly BrokerAccess[] = []): void {
    this.#exchange.connect(gateway, { shared, site });
  }

  openOut(options: OutStreamOptions): void {
    this.#reopening.open(options.stream, () => {
      this.#exchange.joinOut(this.#outs.open(options));
      this.#grantCredit();
      this.#wakeAll();
    });
  }

  openIn(options: InStreamOptions): void {
    const { stream } = this.#ins.open(options);
    this.#exchange.joinIn(options.stream);
    this.#grantCredit();
    stream.wake();
  }

  closeOut(stream: string): Promise<void> {
    this.#reopening.forget(stream);
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
    return [...this.#outs].some(([, { open }]) => open) || this.#ins.all.some(({ open }) => open);
  }

  append(stream: string, msg: object, cause: Lineage | undefined): Promise<void> {
    if (this.#closed !== undefined) {
      const message = `the streams of this gateway are closed`;
      return Promise.reject(wireError('ECHO_STREAM_NOT_OPEN', { message, where: stream }));
    }
    const hop = this.#tracing?.sending(stream, msg, cause);
    if (hop === undefined) return this.#outs.append(stream, msg, cause);
    const appended = this.#outs.append(stream, hop.msg, cause);
    appended.then(() => hop.end(), hop.end);
    return appended;
  }

  state(stream: string): StreamState {
    const { logged } = this.#outs.get(stream) ?? {};
    const connected = this.#exchange.brokersOf(stream).every((via) => this.#exchange.connected(via));
    if (logged !== undefined) {
      const { waiting, passed, full, lost } = logged;
      return { connected, waiting, passed, full, lost };
    }
    const { waiting = 0, passed = 0, lost = 0, unfollowed = 0 } = this.#ins.get(stream)?.stream ?? {};
    return { connected, waiting, passed, full: this.#reopening.has(stream), lost, unfollowed };
  }

  status(): StreamStatus[] {
    return [...this.#outs.status(), ...this.#ins.status()];
  }

  quiet(tabs: ReadonlySet<string>): boolean {
    if (this.#reopening.waits) return false;
    return this.#ins.all.every(({ stream, options }) => !tabs.has(options.tab) || stream.quiet);
  }

  positions(tabs: ReadonlySet<string>): StreamPositions {
    const ins = this.#ins.all.filter(({ options }) => tabs.has(options.tab));
    const outs = [...this.#outs].filter(([, { tab, logged }]) => tabs.has(tab) && logged?.exact);
    const wires = [...ins.map(({ options }) => options), ...outs.map(([, out]) => out)];
    return {
      durably: wires.some(({ choice }) => choice?.durability === 'fsync'),
      ins: new Map(ins.map(({ stream, options }) => [options.stream, stream.position()])),
      outs: new Map(outs.map(([name, { epoch, logged }]) => [name, { epoch, released: logged!.position() }])),
    };
  }

  synced({ outs }: StreamPositions): Promise<void> | undefined {
    const fsync = [...outs.keys()].filter((name) => this.#outs.get(name)?.choice.durability === 'fsync');
    if (fsync.length === 0) return undefined;
    return Promise.all(fsync.map((name) => this.#outs.get(name)?.logged?.sync())).then(() => {});
  }

  committed({ ins, outs }: StreamPositions): void {
    for (const [name, cursor] of ins) this.#ins.get(name)?.stream.committed(cursor);
    for (const [name, { epoch, released }] of outs) {
      const out = this.#outs.get(name);
      if (out?.epoch === epoch) out.logged?.release(released);
    }
  }

  keepAlone(tabs: ReadonlySet<string>): void {
    for (const { stream, options } of this.#ins.all) if (tabs.has(options.tab)) stream.keepAlone();
    this.#cursors.flush(true);
  }

  wake(tabs: ReadonlySet<string>): void {
    for (const { stream, options } of this.#ins.all) if (tabs.has(options.tab)) stream.wake();
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
      this.#reopening.forget(stream);
      await this.#outs.retire(stream);
      this.#ins.retire(stream);
    }
    this.#grantCredit();
  }

  /** Hands nothing over any more, and waits until all that was is processed, at most so long. */
  async rest(limitMs: number): Promise<void> {
    this.#resting = true;
    const end = performance.now() + limitMs;
    const working = () => this.#ins.all.some(({ stream }) => !stream.quiet);
    while (working() && performance.now() < end) await delay(REST_POLL_MS);
  }

  /** Writes what is pending, marks the logs cleanly closed and disconnects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopGate();
    this.#reopening.close();
    this.#ins.close();
    this.#cursors.flush();
    await this.#outs.close();
    this.#cursors.flush();
    await this.#exchange.close();
  }

  #wakeAll(): void {
    for (const { stream } of this.#ins.all) stream.wake();
  }

  /** Where the gate is open and this gateway consumes what it used to produce, the deploy that turned it is committed. */
  #forgetFormerLogs(): void {
    for (const [stream, { options, open }] of this.#ins) {
      const out = this.#outs.get(stream);
      if (out === undefined || out.open || !open || this.#options.gate.holdsIncoming(options.tab)) continue;
      this.#outs.drop(stream);
    }
  }

  /** The streams a broker carries to this gateway share its queue. A tab whose log is nearly full takes in no more. */
  #grantCredit(): void {
    const full = new Set<string>();
    for (const [, { logged, tab, open }] of this.#outs) if (open && logged?.nearlyFull) full.add(tab);
    for (const via of ['shared', 'site'] as const) {
      const ins = this.#ins.all.filter(({ options }) => viaOf(options) === via);
      const shares = windowsWithin(ins.map(({ options }) => windowOf(options.choice ?? {})));
      for (const [i, { options, stream }] of ins.entries()) stream.grant(!full.has(options.tab), shares[i]!);
    }
  }

  #warn(text: string): void {
    const now = performance.now();
    if (now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    this.#options.log.warn(text);
  }
}
