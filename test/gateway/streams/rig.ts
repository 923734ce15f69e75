/** Two or more stream managers on one broker, with a gate that can be held and a follower that can be slow. */
import type { Lineage, Outcome } from '../../../nodes/gateway/src/ports.ts';
import type { LogLimits } from '../../../nodes/gateway/src/streams/OutStreams.ts';
import { StreamManager } from '../../../nodes/gateway/src/streams/StreamManager.ts';
import type { InStreamStatus, OutStreamStatus } from '../../../src/wire/control.ts';
import type { Via } from '../../../src/wire/nodes.ts';
import type { WireChoice } from '../../../src/wire/options.ts';
import type { Disposables } from '../../kit/cleanup.ts';

export const STREAM = 'app/task:0';

export interface Arrival {
  readonly msg: { n: number; [key: string]: unknown };
  readonly cause: Lineage;
  settle(): void;
}

/** One gateway without Node-RED: what arrives is collected, and settled at once unless `slow`. */
export class Rig {
  readonly folder: string;
  readonly arrivals: Arrival[] = [];
  readonly warnings: string[] = [];
  readonly gateway: string;
  streams: StreamManager;
  slow = false;
  /** Options of the wire at either end, for what is opened from now on. */
  choice: WireChoice = {};
  /** The error a message ends with, if any. */
  failing: (n: number) => string | undefined = () => undefined;
  /** What is delivered is given up by the follower. */
  unfollowed = false;
  /** Deliveries before a message that fails is set aside; set before `openIn`. */
  attempts: number | undefined;
  /** The broker its in-stream takes; set before `openIn`. */
  via: Via | undefined;
  #held = false;
  #onChange: (() => void) | undefined;
  readonly #limits: Partial<LogLimits>;
  readonly #urls: string[];

  constructor(
    kit: Disposables,
    gateway: string,
    url: string,
    limits: Partial<LogLimits> = {},
    otherUrls: string[] = [],
  ) {
    this.gateway = gateway;
    this.folder = kit.folder(`echo-streams-${gateway}-`);
    this.#limits = limits;
    this.#urls = [url, ...otherUrls];
    this.streams = this.#start();
    kit.add(this, () => this.streams.close());
  }

  get numbers(): number[] {
    return this.arrivals.map((a) => a.msg.n);
  }

  /** Ends as Node-RED does and starts again on the same folder. */
  async restart(host?: string): Promise<void> {
    await this.streams.close();
    this.streams = this.#start(host);
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#onChange?.();
  }

  openOut(consumers: string[], level: 'at-least-once' | 'at-most-once' = 'at-least-once', epoch = 1): void {
    this.streams.openOut({ stream: STREAM, epoch, level, consumers, tab: 'tab', choice: this.choice });
  }

  openIn(
    producer: string,
    level: 'at-least-once' | 'at-most-once' = 'at-least-once',
    stream = STREAM,
    epoch = 1,
  ): void {
    let cause: Lineage | undefined;
    this.#follow = (given, emit, settled) => {
      cause = given;
      let error: string | undefined;
      let settle = () => {
        if (error !== undefined) settled({ kind: 'error', message: error });
        else settled(this.unfollowed ? { kind: 'unfollowed', nodes: ['n'] } : { kind: 'done' });
      };
      this.#next = (msg) => {
        const arrival = { msg: msg as Arrival['msg'], cause: cause!, settle: () => settle() };
        this.arrivals.push(arrival);
        error = this.failing(arrival.msg.n);
      };
      emit();
      if (!this.slow) {
        settle();
        settle = () => {};
      }
    };
    const { attempts, choice } = this;
    const deliver = (msg: object) => this.#next(msg);
    this.streams.openIn({
      stream,
      epoch,
      level,
      producer,
      tab: 'tab',
      attempts,
      via: this.via,
      choice,
      deliver,
    });
  }

  /** Appends messages `{n}` for n from `from` to `to - 1`. */
  async append(from: number, to: number, pad = ''): Promise<void> {
    for (let n = from; n < to; ) {
      const batch: Promise<void>[] = [];
      for (let i = 0; i < 100 && n < to; i++, n++)
        batch.push(this.streams.append(STREAM, { _msgid: `m${n}`, n, payload: pad }, undefined));
      await Promise.all(batch);
    }
  }

  out(): OutStreamStatus {
    return this.streams.status().find((s) => s.role === 'out') as OutStreamStatus;
  }

  in(): InStreamStatus {
    return this.streams.status().find((s) => s.role === 'in') as InStreamStatus;
  }

  #follow: (cause: Lineage, emit: () => void, settled: (outcome: Outcome) => void) => void = () => {};
  #next: (msg: object) => void = () => {};

  #start(host?: string): StreamManager {
    const streams = new StreamManager({
      folder: this.folder,
      follower: {
        follow: (...args) => {
          this.#follow(...args);
          return { parked: false };
        },
      },
      gate: {
        holdsIncoming: () => this.#held,
        onChange: (listener) => {
          this.#onChange = listener;
          return () => {};
        },
      },
      log: {
        info: () => {},
        warn: (text) => this.warnings.push(text),
        error: (text) => this.warnings.push(text),
      },
      limits: this.#limits,
      ...(host === undefined ? {} : { host }),
    });
    streams.connect(
      this.gateway,
      this.#urls.map((url) => ({ url })),
    );
    return streams;
  }
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);
