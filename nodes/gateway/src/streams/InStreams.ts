/** The streams this gateway consumes: one receiver and one cursor each, for all of its tasks. */
import type { Boot, InStreamStatus } from '../../../../src/wire/control.ts';
import type { Via } from '../../../../src/wire/nodes.ts';
import type { AckPositions, ReceiverCursor } from '../../../../src/wire/receiver.ts';
import type { Follower, Fragments, InStreamOptions } from '../ports.ts';
import type { CursorJournal } from './CursorJournal.ts';
import type { DeadLetters } from './DeadLetters.ts';
import { InStream } from './InStream.ts';
import type { Tracing } from './Tracing.ts';

export interface InStreamsOptions {
  readonly boot: Boot;
  readonly follower: Pick<Follower, 'follow'>;
  readonly cursors: CursorJournal;
  readonly dead: DeadLetters;
  readonly tracing: Tracing | undefined;
  readonly fragments: Fragments;
  /** Nothing is handed over into this tab now. */
  readonly held: (tab: string) => boolean;
  readonly acknowledge: (options: InStreamOptions, positions: AckPositions) => void;
  readonly warn: (text: string) => void;
}

export interface OpenIn {
  readonly stream: InStream;
  options: InStreamOptions;
  open: boolean;
}

export class InStreams {
  readonly #options: InStreamsOptions;
  readonly #streams = new Map<string, OpenIn>();

  constructor(options: InStreamsOptions) {
    this.#options = options;
  }

  get(stream: string): OpenIn | undefined {
    return this.#streams.get(stream);
  }

  [Symbol.iterator](): Iterator<[string, OpenIn]> {
    return this.#streams.entries();
  }

  get all(): OpenIn[] {
    return [...this.#streams.values()];
  }

  open(options: InStreamOptions): OpenIn {
    const { stream } = options;
    this.#forgetLaterCursor(stream, options.epoch);
    const known = this.#streams.get(stream);
    if (known !== undefined) return Object.assign(known, { options, open: true });
    const opened = { stream: this.#receiver(options), options, open: true };
    this.#streams.set(stream, opened);
    return opened;
  }

  status(): InStreamStatus[] {
    return this.all.map(({ stream }) => stream.status());
  }

  /** Forgets the cursor, open or not. */
  retire(stream: string): void {
    const known = this.#streams.get(stream);
    known?.stream.destroy();
    this.#streams.delete(stream);
    if (known !== undefined) this.#options.fragments.of(known.options.tab)?.retired();
    this.#options.cursors.set(`in ${stream}`, undefined);
  }

  close(): void {
    for (const { stream } of this.#streams.values()) stream.close();
  }

  #receiver(first: InStreamOptions): InStream {
    const { stream } = first;
    const { boot, follower, cursors, dead, tracing, held, acknowledge, warn, fragments } = this.#options;
    const current = (): OpenIn | undefined => this.#streams.get(stream);
    const fragment = () => fragments.of((current()?.options ?? first).tab);
    return new InStream({
      stream,
      boot,
      follower,
      held: () => held(current()?.options.tab ?? '') || fragment()?.holds === true,
      fragment,
      exact: () => current()?.options.level === 'effectively-once',
      target: () => (current()?.open ? current()?.options.deliver : undefined),
      cursors,
      dead,
      tracing,
      producer: () => current()?.options.producer ?? '',
      attempts: () => current()?.options.attempts ?? 0,
      acknowledge: (positions) => {
        const options = current()?.options;
        if (options !== undefined) acknowledge(options, positions);
      },
      warn,
    });
  }

  /** The fragment is the truth: a later epoch known here is of a deploy that was undone, or of another orchestrator. */
  #forgetLaterCursor(stream: string, epoch: number): void {
    const cursor = this.#options.cursors.get(`in ${stream}`) as ReceiverCursor | undefined;
    if (cursor !== undefined && cursor.incarnation.pe > epoch) this.retire(stream);
  }
}

/** The broker a stream is heard by and acknowledged through. */
export const viaOf = ({ via }: InStreamOptions): Via => via ?? 'shared';
