/** The producer's side of an at-most-once stream: sent once, if the connection is up. */
import type { OutStreamStatus } from '../../../../src/wire/control.ts';
import { encodeData } from '../../../../src/wire/frames.ts';
import type { Lineage } from '../../../../src/wire/lineage.ts';
import { NO_BOOT } from '../../../../src/wire/stream.ts';
import { Encoder } from './Encoder.ts';

export interface UnloggedOutOptions {
  readonly stream: string;
  readonly epoch: number;
  /** When this process began to send, ms since 1970: tells its numbers from an earlier one's. */
  readonly born: number;
  /** False when the connection is down. */
  readonly send: (consumer: string, frame: Buffer) => boolean;
}

export class UnloggedOut {
  readonly #options: UnloggedOutOptions;
  readonly #encoder: Encoder;
  #consumers: readonly string[] = [];
  #pending: Buffer[] = [];
  #flushed: Promise<void> | undefined;
  #head = 0;
  #sent = 0;
  #lost = 0;

  constructor(options: UnloggedOutOptions) {
    this.#options = options;
    this.#encoder = new Encoder(options.stream);
  }

  get consumers(): readonly string[] {
    return this.#consumers;
  }

  setConsumers(ids: readonly string[]): void {
    this.#consumers = ids;
  }

  /** Encodes now; resolves once it was handed to the connection or given up. */
  append(msg: object, cause: Lineage | undefined): Promise<void> {
    try {
      this.#pending.push(this.#encoder.encode(msg, cause));
    } catch (error) {
      return Promise.reject(error);
    }
    this.#flushed ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#flush();
        resolve();
      }),
    );
    return this.#flushed;
  }

  status(): OutStreamStatus {
    return {
      stream: this.#options.stream,
      role: 'out',
      pe: this.#options.epoch,
      head: this.#head,
      base: this.#head + 1,
      bytes: 0,
      consumers: {},
      appended: this.#head,
      sent: this.#sent,
      retransmitted: 0,
      lost: this.#lost,
    };
  }

  #flush(): void {
    const payloads = this.#pending;
    const first = this.#head + 1;
    this.#pending = [];
    this.#flushed = undefined;
    this.#head += payloads.length;
    const frame = encodeData(
      {
        stream: this.#options.stream,
        incarnation: { pe: this.#options.epoch, born: this.#options.born },
        boot: NO_BOOT,
        start: 1,
        base: 1,
        redeliveredTo: 0,
        first,
        unlogged: true,
      },
      payloads,
    );
    for (const consumer of this.#consumers) {
      if (this.#options.send(consumer, frame)) this.#sent += payloads.length;
      else this.#lost += payloads.length;
    }
  }
}
