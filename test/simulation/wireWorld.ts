/**
 * A seeded world around the sender and receiver state machines: a producer with a durable log, consumers with durable
 * cursors, a network that loses, repeats, delays and reorders, a broker that goes away, and crashes between any two
 * effects. `runWire` returns what went wrong; an empty list is a pass.
 */
import type { ConsumerCursor } from '../../src/wire/consumer.ts';
import type { Boot } from '../../src/wire/control.ts';
import type { AckFrame, DataFrame, SequencedRecord } from '../../src/wire/frames.ts';
import {
  initReceiver,
  type ReceiverCursor,
  type ReceiverEffect,
  type ReceiverEvent,
  type ReceiverState,
  reduceReceiver,
} from '../../src/wire/receiver.ts';
import type { WireRecord } from '../../src/wire/records.ts';
import {
  initSender,
  reduceSender,
  type SenderEffect,
  type SenderEvent,
  type SenderState,
  senderDue,
} from '../../src/wire/sender.ts';
import { type Incarnation, NO_BOOT } from '../../src/wire/stream.ts';

/** A rule of the protocol to leave out: the world must then report something. */
export type Mutation =
  | 'dedupe'
  | 'sequence'
  | 'stable only when persisted'
  | 'ordered boots'
  | 'disk identity'
  | 'reserved numbers'
  | 'birth of a log'
  | 'probes';

export interface WireScenario {
  readonly seed: number;
  readonly without?: Mutation;
}

const FAULTS_UNTIL = 6_000;
const DEADLINE = 90_000;
const BLOCK = 16;

export function runWire(scenario: WireScenario): string[] {
  const world = new World(scenario);
  try {
    world.run();
  } catch (error) {
    world.problems.push(`exception: ${(error as Error).stack}`);
  }
  return world.problems;
}

interface Entry {
  readonly seq: number;
  readonly to: number;
  /** Identity of a message over logs and numbers; undefined for a GAP. */
  readonly value: number | undefined;
}

class World {
  readonly problems: string[] = [];
  readonly without: Mutation | undefined;
  readonly producer: Producer;
  readonly consumers: Consumer[] = [];
  now = 0;
  brokerUp = true;
  /** Values a lost disk or a lost tail took with it. */
  readonly excused = new Set<number>();
  powerLost = false;
  readonly faults: { loss: number; twice: number; slow: number; crash: number };
  #random: () => number;
  #timers: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  constructor({ seed, without }: WireScenario) {
    this.#random = mulberry32(seed);
    this.without = without;
    const harsh = this.#random();
    this.faults = {
      loss: this.pick([0, 0.02, 0.2]),
      twice: this.pick([0, 0.05]),
      slow: this.pick([2, 30, 120]),
      crash: harsh < 0.3 ? 0 : this.pick([0.001, 0.004]),
    };
    const count = 1 + Math.floor(this.#random() * 3);
    for (let i = 0; i < count + 1; i++) this.consumers.push(new Consumer(this, `c${i}`));
    this.producer = new Producer(this, this.consumers.slice(0, count));
  }

  get calm(): boolean {
    return this.now >= FAULTS_UNTIL;
  }

  random(): number {
    return this.#random();
  }

  chance(p: number): boolean {
    return this.#random() < p;
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T;
  }

  later(ms: number, run: () => void): void {
    const timer = { at: this.now + ms, order: this.#order++, run };
    let i = this.#timers.length;
    while (i > 0 && isLater(this.#timers[i - 1]!, timer)) i--;
    this.#timers.splice(i, 0, timer);
  }

  /** A packet: lost, doubled or late while there are faults; in order afterwards. */
  send(deliver: () => void): void {
    if (!this.brokerUp) return;
    if (this.calm) this.later(1, deliver);
    if (this.calm || this.chance(this.faults.loss)) return;
    for (let i = this.chance(this.faults.twice) ? 2 : 1; i > 0; i--)
      this.later(this.#random() * this.faults.slow, () => this.brokerUp && deliver());
  }

  problem(text: string): void {
    if (this.problems.length < 10) this.problems.push(`at ${Math.round(this.now)} ms: ${text}`);
  }

  run(): void {
    for (const consumer of this.consumers) consumer.start();
    this.producer.start();
    this.#scheduleFaults();
    while (this.problems.length === 0) {
      const timer = this.#timers.shift();
      if (timer === undefined || timer.at > DEADLINE) break;
      this.now = timer.at;
      timer.run();
      if (this.calm && this.producer.drained) break;
    }
    if (this.problems.length > 0) return;
    if (!this.producer.drained) this.problem(`not drained: ${this.producer.describe()}`);
    this.#checkCompleteness();
  }

  #scheduleFaults(): void {
    const faults: (() => void)[] = [
      () => this.producer.crash(),
      () => this.producer.crash('power'),
      () => this.producer.crash('wiped'),
      () => this.pick(this.consumers).crash(),
      () => this.pick(this.consumers).crash('wiped'),
      () => this.producer.replaceConsumer(),
      () => this.#outage(),
    ];
    const enabled = faults.filter(() => this.chance(0.5));
    if (enabled.length === 0) return;
    const strike = (): void => {
      if (this.calm) return;
      this.pick(enabled)();
      this.later(this.#random() * 2_500, strike);
    };
    this.later(this.#random() * 2_500, strike);
    this.later(FAULTS_UNTIL, () => {
      if (!this.brokerUp) this.#broker(true);
    });
  }

  #outage(): void {
    if (!this.brokerUp) return;
    this.#broker(false);
    this.later(this.#random() * 1_500, () => this.#broker(true));
  }

  #broker(up: boolean): void {
    if (this.brokerUp === up) return;
    this.brokerUp = up;
    for (const node of [this.producer, ...this.consumers]) {
      if (up) this.later(this.#random() * 100, () => node.link(true));
      else node.link(false);
    }
  }

  #checkCompleteness(): void {
    this.producer.slots.forEach((slot, index) => {
      for (const value of this.producer.accepted) {
        const completed = [...slot.owners].some((owner) => owner.completed.has(value));
        if (!completed && !this.excused.has(value))
          this.problem(`message ${value} was never completed at place ${index}`);
      }
    });
  }
}

/** One place among the consumers, held by one gateway after another; a gateway keeps to one place. */
interface Slot {
  owner: Consumer;
  readonly owners: Set<Consumer>;
}

class Producer {
  readonly slots: Slot[];
  readonly accepted = new Set<number>();
  readonly #world: World;
  #state: SenderState | undefined;
  #boot = 0;
  #disk = { log: [] as Entry[], born: 1_000, reserved: 0, cursors: new Map<string, ConsumerCursor>() };
  #nextValue = 1;

  constructor(world: World, consumers: Consumer[]) {
    this.#world = world;
    this.slots = consumers.map((owner) => ({ owner, owners: new Set([owner]) }));
  }

  get drained(): boolean {
    const state = this.#state;
    if (state === undefined) return false;
    return Object.values(state.consumers).every((c) => c.stable === state.head);
  }

  describe(): string {
    return JSON.stringify({ sender: this.#state, receivers: this.slots.map((s) => s.owner.describe()) });
  }

  start(): void {
    this.#boot++;
    const { log, born, cursors } = this.#disk;
    const extent = { head: this.#head, base: log[0]?.seq ?? this.#head + 1 };
    this.#state = initSender({ pe: 0, born }, extent, Object.fromEntries(cursors));
    this.#dispatch({ type: 'consumers', ids: this.slots.map((s) => s.owner.id), at: this.#world.now });
    this.#alive(() => this.link(this.#world.brokerUp), this.#world.random() * 100);
    this.#alive(() => this.#work(), 1);
    this.#tick();
  }

  crash(how?: 'power' | 'wiped'): void {
    const world = this.#world;
    if (this.#state === undefined) return;
    this.#state = undefined;
    this.#boot++;
    if (how === 'power') this.#loseTail();
    if (how === 'wiped') this.#loseDisk();
    world.later(world.random() * 500, () => this.start());
  }

  link(up: boolean): void {
    if (this.#state !== undefined) this.#dispatch({ type: 'link', up, at: this.#world.now });
  }

  replaceConsumer(): void {
    const world = this.#world;
    const slot = world.pick(this.slots);
    const others = this.slots.filter((s) => s !== slot);
    const free = world.consumers.filter((c) => c !== slot.owner && !others.some((s) => s.owners.has(c)));
    if (free.length === 0 || this.#state === undefined) return;
    slot.owner = world.pick(free);
    slot.owners.add(slot.owner);
    this.#dispatch({ type: 'consumers', ids: this.slots.map((s) => s.owner.id), at: world.now });
  }

  ack(ack: AckFrame): void {
    if (this.#state !== undefined) this.#dispatch({ type: 'ack', ack, at: this.#world.now });
  }

  get #head(): number {
    return this.#disk.log.at(-1)?.to ?? this.#disk.reserved;
  }

  /** Written to the operating system only; the machine restarts, and numbers up to the reserved one are burnt. */
  #loseTail(): void {
    const disk = this.#disk;
    const keep = Math.max(1, Math.floor(disk.log.length * (0.5 + this.#world.random() / 2)));
    const after = this.#head;
    for (const entry of disk.log.splice(keep))
      if (entry.value !== undefined) this.#world.excused.add(entry.value);
    if (this.#head === after) return;
    this.#world.powerLost = true;
    if (this.#world.without === 'reserved numbers') return;
    disk.log.push({ seq: this.#head + 1, to: disk.reserved, value: undefined });
  }

  #loseDisk(): void {
    for (const value of this.accepted) this.#world.excused.add(value);
    const clock = (this.#world.chance(0.7) ? 100 : -100) * this.#world.random();
    const born = this.#disk.born + (this.#world.without === 'birth of a log' ? 0 : clock);
    this.#disk = { log: [], born, reserved: 0, cursors: new Map() };
  }

  #work(): void {
    const world = this.#world;
    const burst = world.chance(0.05) ? 60 : 1;
    for (let i = 0; i < burst && this.#state !== undefined && !world.calm; i++) this.#append();
    if (!world.calm) this.#alive(() => this.#work(), world.random() * 40);
  }

  #append(): void {
    const seq = this.#head + 1;
    const value = this.#nextValue++;
    if (seq > this.#disk.reserved) this.#disk.reserved = seq + BLOCK;
    this.#disk.log.push({ seq, to: seq, value });
    this.accepted.add(value);
    this.#dispatch({ type: 'appended', head: seq, at: this.#world.now });
  }

  #tick(): void {
    const due = this.#state === undefined ? undefined : senderDue(this.#state);
    if (due !== undefined && due <= this.#world.now && this.#world.without !== 'probes')
      this.#dispatch({ type: 'tick', at: this.#world.now });
    this.#alive(() => this.#tick(), 20);
  }

  #dispatch(event: SenderEvent): void {
    if (this.#state === undefined) return;
    const { state, effects } = reduceSender(this.#state, event);
    this.#state = state;
    const boot = this.#boot;
    for (const effect of effects) {
      if (!this.#world.calm && this.#world.chance(this.#world.faults.crash)) this.crash();
      if (boot !== this.#boot) return;
      this.#perform(effect);
    }
  }

  #perform(effect: SenderEffect): void {
    switch (effect.type) {
      case 'send':
        this.#send(effect);
        return;
      case 'probe':
        this.#frame(effect.consumer, this.#state?.consumers[effect.consumer]?.next ?? 1, []);
        return;
      case 'trim':
        this.#disk.log = this.#disk.log.filter((e, i, log) => e.to > effect.upTo || i === log.length - 1);
        return;
      case 'persist':
        if (effect.cursor === undefined) this.#disk.cursors.delete(effect.consumer);
        else this.#disk.cursors.set(effect.consumer, effect.cursor);
        return;
      case 'outborn':
        if (this.#world.without === 'birth of a log') return;
        this.#disk.born = effect.by.born + 1;
        this.#dispatch({
          type: 'reborn',
          incarnation: { pe: 0, born: this.#disk.born },
          at: this.#world.now,
        });
    }
  }

  #send({ consumer, from, to }: Extract<SenderEffect, { type: 'send' }>): void {
    const most = this.#world.pick([1, 8, 64]);
    const found = this.#disk.log.filter((e) => e.to >= from && e.seq <= to).slice(0, most);
    const last = found.at(-1);
    if (last === undefined) {
      this.#world.problem(`nothing in the log from ${from} to ${to}: trimmed too early`);
      return;
    }
    this.#frame(consumer, found[0]!.seq, found);
    this.#dispatch({ type: 'sent', consumer, from, to: last.to, bytes: found.length, at: this.#world.now });
  }

  #frame(id: string, first: number, entries: readonly Entry[]): void {
    const state = this.#state;
    const consumer = state?.consumers[id];
    if (state === undefined || consumer === undefined) return;
    const frame: DataFrame = {
      type: 'data',
      stream: 's',
      incarnation: state.incarnation,
      boot: consumer.boot ?? NO_BOOT,
      start: consumer.start,
      base: consumer.stable + 1,
      redeliveredTo: consumer.redeliveredTo,
      first,
      unlogged: false,
      records: entries.map((e): SequencedRecord => ({ seq: e.seq, to: e.to, record: toRecord(e) })),
    };
    const target = this.#world.consumers.find((c) => c.id === id);
    this.#world.send(() => target?.data(frame));
  }

  /** Runs unless the producer has crashed meanwhile. */
  #alive(run: () => void, ms: number): void {
    const boot = this.#boot;
    this.#world.later(ms, () => boot === this.#boot && run());
  }
}

class Consumer {
  readonly id: string;
  readonly completed = new Set<number>();
  readonly #world: World;
  #state: ReceiverState | undefined;
  #boot: Boot;
  #life = 0;
  #cursor: ReceiverCursor | undefined;
  #writtenAt = 0;
  /** Numbers handed over by this boot, and values by any boot. */
  #lastOfBoot: { born: number; seq: number } = { born: 0, seq: 0 };
  readonly #everDelivered = new Set<number>();

  constructor(world: World, id: string) {
    this.#world = world;
    this.id = id;
    this.#boot = { disk: `${id}-0`, count: 0 };
  }

  describe(): unknown {
    return { id: this.id, state: this.#state };
  }

  start(): void {
    this.#life++;
    if (this.#world.without !== 'ordered boots')
      this.#boot = { disk: this.#boot.disk, count: this.#boot.count + 1 };
    this.#state = initReceiver(this.#boot, this.#cursor);
    this.#lastOfBoot = { born: 0, seq: 0 };
    this.#alive(() => this.link(this.#world.brokerUp), this.#world.random() * 100);
    this.#tick();
  }

  crash(how?: 'wiped'): void {
    if (this.#state === undefined) return;
    this.#state = undefined;
    this.#life++;
    if (how === 'wiped') {
      this.#cursor = undefined;
      const disk = `${this.id}-${Number(this.#boot.disk.split('-')[1]) + 1}`;
      this.#boot = { disk: this.#world.without === 'disk identity' ? this.#boot.disk : disk, count: 0 };
    }
    this.#world.later(this.#world.random() * 500, () => this.start());
  }

  link(up: boolean): void {
    this.#dispatch({ type: 'link', up, at: this.#world.now });
  }

  data(frame: DataFrame): void {
    const { without } = this.#world;
    if (this.#state !== undefined && frame.records.length > 0) {
      const before = frame.first - 1;
      const same = this.#state.incarnation.born === frame.incarnation.born;
      if (without === 'dedupe' && same && before < this.#state.received)
        this.#state = { ...this.#state, received: before };
      if (without === 'sequence' && same && before > this.#state.received)
        this.#state = { ...this.#state, received: before };
    }
    this.#dispatch({ type: 'data', frame, at: this.#world.now });
  }

  #tick(): void {
    const due = this.#state?.ackAt;
    if (due !== undefined && due <= this.#world.now) this.#dispatch({ type: 'tick', at: this.#world.now });
    this.#alive(() => this.#tick(), 10);
  }

  #dispatch(event: ReceiverEvent): void {
    if (this.#state === undefined) return;
    const { state, effects } = reduceReceiver(this.#state, event);
    this.#state = state;
    const life = this.#life;
    for (const effect of effects) {
      if (!this.#world.calm && this.#world.chance(this.#world.faults.crash)) this.crash();
      if (life !== this.#life) return;
      this.#perform(effect, state.incarnation);
    }
  }

  #perform(effect: ReceiverEffect, incarnation: Incarnation): void {
    const world = this.#world;
    switch (effect.type) {
      case 'deliver':
        for (const record of effect.records) this.#deliver(record, incarnation, effect.redeliveredTo);
        return;
      case 'persist':
        this.#persist(effect.cursor);
        return;
      case 'ack': {
        const boot = this.#boot;
        const ack: AckFrame = {
          type: 'ack',
          stream: 's',
          consumer: this.id,
          ce: 0,
          boot,
          ...effect.positions,
        };
        world.send(() => world.producer.ack(ack));
        return;
      }
      case 'loss':
        if (!world.powerLost)
          world.problem(`${this.id} declared ${effect.from}–${effect.to} lost (${effect.reason})`);
    }
  }

  #deliver({ seq, record }: SequencedRecord, incarnation: Incarnation, redeliveredTo: number): void {
    const world = this.#world;
    const value = record.ts;
    const { born } = incarnation;
    if (born < this.#lastOfBoot.born || (born === this.#lastOfBoot.born && seq <= this.#lastOfBoot.seq))
      world.problem(`${this.id} was given ${seq} after ${this.#lastOfBoot.seq}`);
    const cursor = this.#cursor;
    if (cursor?.incarnation.born === born && seq <= cursor.stable)
      world.problem(`${this.id} was given ${seq}, at or below its stored cursor ${cursor.stable}`);
    if (this.#everDelivered.has(value) && seq > redeliveredTo)
      world.problem(`${this.id} was given message ${value} again, unmarked`);
    this.#lastOfBoot = { born, seq };
    this.#everDelivered.add(value);
    this.#alive(() => this.#complete(value, incarnation, seq), world.random() * 60);
  }

  #complete(value: number, incarnation: Incarnation, seq: number): void {
    this.completed.add(value);
    this.#dispatch({ type: 'settled', incarnation, seqs: [seq], at: this.#world.now });
  }

  #persist(cursor: ReceiverCursor): void {
    const persisted = (): void => this.#dispatch({ type: 'persisted', cursor, at: this.#world.now });
    if (this.#world.without === 'stable only when persisted') persisted();
    // Writes take time and keep their order.
    this.#writtenAt = Math.max(this.#writtenAt, this.#world.now + this.#world.random() * 80);
    this.#alive(() => {
      this.#cursor = cursor;
      persisted();
    }, this.#writtenAt - this.#world.now);
  }

  #alive(run: () => void, ms: number): void {
    const life = this.#life;
    this.#world.later(ms, () => life === this.#life && run());
  }
}

function toRecord(entry: Entry): WireRecord {
  if (entry.value === undefined) return { kind: 'gap', ts: 0, to: entry.to, reason: 'lost-tail' };
  return { kind: 'message', ts: entry.value, codec: 0, body: new Uint8Array(0) };
}

const isLater = (a: { at: number; order: number }, b: { at: number; order: number }): boolean =>
  a.at > b.at || (a.at === b.at && a.order > b.order);

function mulberry32(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
