/**
 * The producer's end of one wire by hand: claims the stream's name, keeps it against others, and takes in consumers.
 * Times are ms of any clock that does not go back; nothing happens between `link`, `tick` and `hear`.
 */
import {
  type ConsumerNotice,
  type HandLevel,
  handLogName,
  keepsStream,
  type ProducerNotice,
  type Speaker,
  startedLater,
} from '../../../../src/wire/byHand.ts';
import { inChoice, outChoice, type WireChoice } from '../../../../src/wire/options.ts';
import type { Lineage, Streams } from '../ports.ts';
import { type Book, type OutEntry, own } from './Book.ts';
import { handError } from './errors.ts';
import { ANNOUNCE_MS, ANSWER_MS, CLAIM_MS, SILENT_MS } from './times.ts';

export interface HandOutWire {
  readonly stream: string;
  readonly level: HandLevel;
  readonly choice: WireChoice;
  /** Names of those who get the stream; empty: whoever joins. */
  readonly receivers: readonly string[];
  readonly tab: string;
}

/** What both ends of a wire need around them. */
export interface HandContext {
  readonly self: Speaker;
  readonly streams: Pick<Streams, 'openOut' | 'openIn' | 'closeOut' | 'closeIn' | 'append' | 'retire'>;
  readonly book: Book;
  readonly log: { info(text: string): void; warn(text: string): void };
  readonly say: (notice: ProducerNotice | ConsumerNotice) => void;
}

/** `claiming`: it waits whether another objects. `refused`: another has the stream. */
export type OutStanding = 'claiming' | 'granted' | 'refused';

export class HandOut {
  readonly wire: HandOutWire;
  /** Name of the log. */
  readonly log: string;
  readonly #context: HandContext;
  #entry: OutEntry;
  #standing: OutStanding;
  #rival = '';
  #linked = false;
  /** When nobody has objected for long enough. */
  #grantedAt = Number.POSITIVE_INFINITY;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #announceAt = 0;
  readonly #heardAt = new Map<string, number>();
  #linkedAt = 0;
  #unheard = 0;

  constructor(context: HandContext, wire: HandOutWire) {
    const { book, self } = context;
    this.#context = context;
    this.wire = wire;
    this.log = handLogName(wire.stream, self.gateway);
    this.#entry = book.out(wire.stream);
    this.#standing = this.#entry.since > 0 ? 'granted' : 'claiming';
    if (wire.receivers.length > 0) this.#admitOnly(wire.receivers);
    this.#open();
  }

  get standing(): OutStanding {
    return this.#standing;
  }

  /** Who has the stream instead. */
  get rival(): string {
    return this.#rival;
  }

  /** Names of those who are owed what is sent. */
  get consumers(): string[] {
    return Object.keys(this.#entry.consumers);
  }

  /** Messages since the start of this node that nobody was there for. */
  get unheard(): number {
    return this.#unheard;
  }

  /** Rejects with ECHO_HAND_STREAM_TAKEN, and with what a stream rejects with. */
  append(msg: object, cause: Lineage | undefined): Promise<void> {
    if (this.#standing === 'refused') return Promise.reject(this.#taken());
    const kept = this.wire.choice.start === 'earliest' || this.consumers.length > 0;
    if (kept) return this.#context.streams.append(this.log, msg, cause);
    this.#unheard++;
    return Promise.resolve();
  }

  link(up: boolean, now: number): void {
    this.#linked = up;
    this.#grantedAt = up ? now + CLAIM_MS : Number.POSITIVE_INFINITY;
    if (!up || this.#standing === 'refused') return;
    this.#linkedAt = now;
    this.#announce(now);
  }

  tick(now: number): void {
    if (!this.#linked || this.#standing === 'refused') return;
    if (this.#standing === 'claiming' && now >= this.#grantedAt) this.#grant(now);
    if (now >= this.#announceAt) this.#announce(now);
  }

  hear(notice: ProducerNotice | ConsumerNotice, now: number): void {
    if (notice.instance === this.#context.self.instance || this.#standing === 'refused') return;
    if (notice.role === 'producer') this.#hearRival(notice, now);
    else this.#hearConsumer(notice, now);
  }

  /** Nothing more is owed to it. False when nothing was. */
  forget(consumer: string, now: number): boolean {
    const { [consumer]: gone, ...consumers } = this.#entry.consumers;
    if (gone === undefined) return false;
    this.#context.log.info(`${this.wire.stream}: ${consumer} gets no more messages`);
    this.#agree({ ...this.#entry, consumers });
    this.#announceSoon(now);
    return true;
  }

  /** `removed`: the node is gone, and the name of the stream free for others. */
  close(removed: boolean): Promise<void> {
    const { book, streams } = this.#context;
    this.#linked = false;
    if (removed) book.setOut(this.wire.stream, { ...this.#entry, since: 0 });
    return streams.closeOut(this.log);
  }

  #hearRival(rival: ProducerNotice, now: number): void {
    const own = { ...this.#context.self, since: this.#entry.since };
    if (keepsStream(own, rival)) {
      this.#announceSoon(now);
      return;
    }
    this.#standing = 'refused';
    this.#rival = rival.gateway;
    this.#context.log.warn(`${this.wire.stream}: ${this.#taken().message}`);
  }

  #hearConsumer(consumer: ConsumerNotice, now: number): void {
    const { gateway, disk, boot, instance, leaves } = consumer;
    if (this.#standing !== 'granted') return;
    const known = own(this.#entry.consumers, gateway);
    if (leaves) {
      if (known?.instance === instance) this.forget(gateway, now);
      else this.#announceSoon(now);
    } else if (known?.instance === instance) {
      this.#heardAt.set(gateway, now);
    } else {
      if (this.#admits(consumer, now)) {
        if (known === undefined) this.#context.log.info(`${this.wire.stream}: ${gateway} has joined`);
        this.#heardAt.set(gateway, now);
        const consumers = { ...this.#entry.consumers, [gateway]: { disk, boot, instance } };
        this.#agree({ ...this.#entry, consumers });
      }
      this.#announceSoon(now);
    }
  }

  /** Not one who is not among those named, and not a second one of the same name while the first is heard. */
  #admits(consumer: ConsumerNotice, now: number): boolean {
    const known = own(this.#entry.consumers, consumer.gateway);
    if (known === undefined) return this.wire.receivers.length === 0;
    if (known.disk === '') return true;
    if (known.disk === consumer.disk) return startedLater(consumer, { ...known, gateway: consumer.gateway });
    return now - (this.#heardAt.get(consumer.gateway) ?? this.#linkedAt) > SILENT_MS;
  }

  #admitOnly(receivers: readonly string[]): void {
    const consumers: OutEntry['consumers'] = {};
    for (const name of receivers)
      consumers[name] = own(this.#entry.consumers, name) ?? { disk: '', boot: 0, instance: '' };
    this.#entry = { ...this.#entry, consumers };
    this.#context.book.setOut(this.wire.stream, this.#entry);
  }

  #grant(now: number): void {
    this.#standing = 'granted';
    this.#entry = { ...this.#entry, since: Date.now() };
    this.#context.book.setOut(this.wire.stream, this.#entry);
    this.#announce(now);
  }

  /** Written down before anything is owed under it. */
  #agree(entry: OutEntry): void {
    this.#context.book.setOut(this.wire.stream, entry);
    this.#entry = entry;
    this.#open();
  }

  #open(): void {
    const { level, choice, tab } = this.wire;
    const { consumers } = this;
    const { start } = choice;
    this.#context.streams.openOut({
      ...{ stream: this.log, epoch: 1, level, consumers, start, tab },
      choice: outChoice(choice),
    });
  }

  /** Several answers in a row are one. */
  #announceSoon(now: number): void {
    if (now - this.#announcedAt >= ANSWER_MS) this.#announce(now);
    else this.#announceAt = Math.min(this.#announceAt, this.#announcedAt + ANSWER_MS);
  }

  #announce(now: number): void {
    this.#announcedAt = now;
    this.#announceAt = now + ANNOUNCE_MS;
    const { stream, level, choice } = this.wire;
    const { since, consumers } = this.#entry;
    this.#context.say({
      ...{ v: 1, role: 'producer', stream, ...this.#context.self, since, level },
      choice: inChoice(choice),
      consumers: Object.fromEntries(Object.entries(consumers).map(([id, { instance }]) => [id, instance])),
    });
  }

  #taken(): Error {
    const { stream } = this.wire;
    return handError('ECHO_HAND_STREAM_TAKEN', {
      message: `"${stream}" is sent by ${this.#rival}`,
      where: stream,
    });
  }
}
