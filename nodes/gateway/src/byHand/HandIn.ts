/**
 * The consumer's end of one wire by hand: finds who produces the stream, asks to be taken in, and leaves when its node is
 * deleted. Times are ms of any clock that does not go back; nothing happens between `link`, `tick` and `hear`.
 */
import {
  handLogName,
  keepsStream,
  type Notice,
  type ProducerNotice,
  startedLater,
} from '../../../../src/wire/byHand.ts';
import { type InEntry, own } from './Book.ts';
import { handError } from './errors.ts';
import type { HandContext } from './HandOut.ts';
import { ANNOUNCE_MS, ASK_MS, LEAVE_MS, REFUSED_MS, SILENT_MS } from './times.ts';

export interface HandInWire {
  readonly stream: string;
  /** The only producer it listens to; '': whoever has the stream. */
  readonly producer: string;
  readonly tab: string;
  /** Hands one message to Node-RED, synchronously. */
  readonly deliver: (msg: object) => void;
}

/**
 * `seeking`: no producer was heard yet. `asking`: it is not taken in yet. `outside`: the producer names others.
 * `taken`: another Node-RED of the same name has its place. `own`: this very Node-RED sends it, by the same `echo broker`.
 */
export type InStanding = 'seeking' | 'asking' | 'joined' | 'outside' | 'taken' | 'own';

export class HandIn {
  readonly wire: HandInWire;
  readonly #context: HandContext;
  #entry: InEntry | undefined;
  #standing: InStanding = 'seeking';
  #linked = false;
  #heardAt = 0;
  #askAt = 0;
  /** Since when it asks without being taken in. */
  #asksSince: number | undefined;
  #leavesAt = Number.POSITIVE_INFINITY;
  #left = false;
  #closed = false;

  /** What was agreed before goes on at once, also while the producer is away. */
  constructor(context: HandContext, wire: HandInWire) {
    this.#context = context;
    this.wire = wire;
    const known = context.book.in(wire.stream);
    if (known === undefined || (wire.producer !== '' && wire.producer !== known.producer.gateway)) return;
    this.#entry = known;
    this.#standing = 'joined';
    this.#open(known);
  }

  get standing(): InStanding {
    return this.#standing;
  }

  /** Name of who produces the stream; '' while it is not known. */
  get producer(): string {
    return this.#entry?.producer.gateway ?? '';
  }

  /** Name of the producer's log; undefined while none is known. */
  get log(): string | undefined {
    return this.#entry && handLogName(this.wire.stream, this.producer);
  }

  /** Its node is there. */
  get open(): boolean {
    return !this.#closed;
  }

  /** Its node was deleted, and the producer knows. */
  get left(): boolean {
    return this.#left;
  }

  link(up: boolean, now: number): void {
    this.#linked = up;
    this.#heardAt = now;
    this.#asksSince = undefined;
    if (up && !this.#leaving(now)) this.#ask(now);
  }

  tick(now: number): void {
    if (this.#leaving(now) && this.#entry !== undefined) this.#retire();
    if (this.#linked && now >= this.#askAt) this.#ask(now);
  }

  hear(notice: Notice, now: number): void {
    if (notice.role !== 'producer' || notice.since === 0) return;
    if (this.#closed) {
      const { self } = this.#context;
      this.#left ||= this.#leaving(now) && own(notice.consumers, self.gateway) !== self.instance;
    } else if (notice.instance === this.#context.self.instance) this.#hearOwn();
    else if (this.#heeds(notice, now)) this.#follow(notice, now);
  }

  /** `removed`: the node is gone; unless another takes its place at once, the producer is told. */
  close(removed: boolean, now: number): Promise<void> {
    this.#closed = true;
    if (removed) {
      this.#leavesAt = now + LEAVE_MS;
      this.#askAt = this.#leavesAt;
    }
    return this.log === undefined ? Promise.resolve() : this.#context.streams.closeIn(this.log);
  }

  #leaving(now: number): boolean {
    return now >= this.#leavesAt;
  }

  /** Another producer is believed when the one it follows has lost the stream to it, or is silent. */
  #heeds(notice: ProducerNotice, now: number): boolean {
    const { producer } = this.wire;
    if (producer !== '' && notice.gateway !== producer) return false;
    const followed = this.#entry?.producer;
    if (followed === undefined || followed.instance === notice.instance) return true;
    if (followed.gateway === notice.gateway && followed.disk === notice.disk)
      return startedLater(notice, followed);
    return keepsStream(notice, followed) || now - this.#heardAt > SILENT_MS;
  }

  #follow(notice: ProducerNotice, now: number): void {
    const { self } = this.#context;
    const known = own(notice.consumers, self.gateway);
    this.#heardAt = now;
    if (known === self.instance) {
      this.#join(notice);
      return;
    }
    if (this.#standing !== 'joined' || this.producer !== notice.gateway) this.#standing = 'asking';
    this.#asksSince ??= now;
    if (now - this.#asksSince > REFUSED_MS) this.#refused(notice, known !== undefined && known !== '');
    this.#askAt = Math.min(this.#askAt, now);
  }

  #join({ gateway, disk, boot, instance, since, level, choice }: ProducerNotice): void {
    const entry: InEntry = { producer: { gateway, disk, boot, instance, since }, level, choice };
    const same = this.#standing === 'joined' && JSON.stringify(entry) === JSON.stringify(this.#entry);
    this.#asksSince = undefined;
    if (same) return;
    const former = this.log;
    if (this.producer !== gateway)
      this.#context.log.info(`${this.wire.stream}: joined; it is sent by ${gateway}`);
    this.#context.book.setIn(this.wire.stream, entry);
    this.#entry = entry;
    this.#standing = 'joined';
    if (former !== undefined && former !== this.log) void this.#context.streams.closeIn(former);
    this.#open(entry);
  }

  #hearOwn(): void {
    if (this.#entry !== undefined || this.#standing === 'own') return;
    this.#standing = 'own';
    this.#context.log.warn(
      `${this.wire.stream} is sent by this Node-RED itself: use link nodes, or another echo broker for the echo in`,
    );
  }

  #refused(notice: ProducerNotice, taken: boolean): void {
    const { log, self } = this.#context;
    const standing = taken ? 'taken' : 'outside';
    if (this.#standing === standing) return;
    this.#standing = standing;
    if (!taken) {
      log.warn(`${this.wire.stream}: ${notice.gateway} sends it to others only, not to ${self.gateway}`);
      return;
    }
    const message = `${self.gateway} is also the name of another Node-RED that takes "${this.wire.stream}"`;
    log.warn(handError('ECHO_HAND_NAME_TAKEN', { message }).message);
    // Two that acknowledge under one name would spoil it for both.
    if (this.producer === notice.gateway) this.#retire();
  }

  #retire(): void {
    const { streams, book, log } = this.#context;
    const { stream } = this.wire;
    const forgotten = this.log;
    book.setIn(stream, undefined);
    this.#entry = undefined;
    if (forgotten === undefined) return;
    streams.retire([forgotten]).catch((error: Error) => log.warn(`${stream}: ${error.message}`));
  }

  #ask(now: number): void {
    const { self, say } = this.#context;
    const settled = this.#standing === 'joined' && this.#asksSince === undefined && !this.#leaving(now);
    this.#askAt = now + (settled ? ANNOUNCE_MS : ASK_MS);
    const { stream } = this.wire;
    say({ v: 1, role: 'consumer', stream, ...self, leaves: this.#leaving(now) });
  }

  #open({ producer, level, choice }: InEntry): void {
    const { tab, deliver } = this.wire;
    const { attempts } = choice;
    this.#context.streams.openIn({
      ...{ stream: handLogName(this.wire.stream, producer.gateway), epoch: 1, level },
      ...{ producer: producer.gateway, attempts, tab, choice, deliver },
    });
  }
}
