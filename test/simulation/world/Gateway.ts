/** A simulated gateway: a disk, a process that crashes and pauses, its streams, and tasks between them. */
import type { Boot } from '../../../src/wire/control.ts';
import type { AckFrame, DataFrame } from '../../../src/wire/frames.ts';
import { CheckpointFile } from './Checkpoints.ts';
import { Fragment } from './Fragment.ts';
import { InStream } from './InStream.ts';
import { Journal, JournalFile } from './Journal.ts';
import { type LogFile, losePower } from './Log.ts';
import { OutStream } from './OutStream.ts';
import type { Stream, World } from './World.ts';

/** How a gateway goes down: the process is killed; the machine loses power; its disk is lost. */
export type CrashKind = 'kill' | 'power' | 'wipe';

interface Disk {
  readonly id: string;
  boots: number;
  readonly journal: JournalFile;
  readonly checkpoints: CheckpointFile;
  readonly logs: Map<string, LogFile>;
}

const MOST_DOWN_MS = 500;
const CONNECT_MS = 100;
const JOURNAL_MS = 50;

export class Gateway {
  readonly name: string;
  readonly world: World;
  up = false;
  /** Which state of the routes it has. */
  configured = 0;
  journal: Journal;
  fragment: Fragment;
  /** ms the wall clock is off. */
  clockOffset = 0;
  readonly outs = new Map<string, OutStream>();
  readonly ins = new Map<string, InStream>();
  #disk: Disk;
  #disks = 0;
  #life = 0;
  #pausedUntil = 0;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.#disk = this.#newDisk();
    this.journal = new Journal(this.#disk.journal, () => {});
    this.fragment = new Fragment(this, this.#disk.checkpoints);
  }

  get boot(): Boot {
    return { disk: this.#disk.id, count: this.#disk.boots };
  }

  get diskId(): string {
    return this.#disk.id;
  }

  /** ms since some day long ago, as this gateway sees it. */
  get wallClock(): number {
    return 100_000_000 + Math.floor(this.world.now) + this.clockOffset;
  }

  start(): void {
    this.up = true;
    this.#disk.boots++;
    this.journal = new Journal(this.#disk.journal, (run) =>
      this.later(this.world.random.below(JOURNAL_MS), run),
    );
    this.fragment = new Fragment(this, this.#disk.checkpoints);
    this.world.note(() => `${this.name} starts, boot ${this.boot.disk}:${this.boot.count}`);
    this.configure();
    this.world.started(this);
  }

  crash(kind: CrashKind): void {
    if (!this.up) return;
    const { world } = this;
    world.faults[kind]++;
    world.note(() => `${this.name} goes down: ${kind}`);
    this.up = false;
    this.#life++;
    for (const part of [...this.outs.values(), ...this.ins.values(), this.fragment]) part.stop();
    this.outs.clear();
    this.ins.clear();
    if (kind === 'power') this.#losePower();
    if (kind === 'wipe') this.#loseDisk();
    world.clock.later(world.random.below(MOST_DOWN_MS), () => this.start());
  }

  /** The process stops for a while, and everything that was to happen happens after. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.world.now + ms);
  }

  /** The broker was found or lost. */
  link(up: boolean): void {
    if (!this.up) return;
    if (up) this.later(this.world.random.below(CONNECT_MS), () => this.#link(this.world.network.up));
    else this.#link(false);
  }

  /** Opens the streams that the routes give to this gateway, and retires the others. */
  configure(): void {
    this.fragment.configure(this.exact);
    for (const stream of this.world.streams) {
      if (!this.up) return;
      if (stream.producer === this.name) this.#openOut(stream);
      else this.#retireOut(stream);
      if (stream.consumers.includes(this.name)) this.#openIn(stream);
      else this.#retireIn(stream);
    }
    if (!this.up) return;
    this.configured = this.world.routes;
    this.link(true);
  }

  /** Whether its checkpoints are of a quiet fragment only; undefined: it takes none. */
  get exact(): boolean | undefined {
    const wires = this.world.streams.filter(
      (s) => s.producer === this.name || s.consumers.includes(this.name),
    );
    if (wires.some((s) => s.exact)) return true;
    return this.world.stateful ? false : undefined;
  }

  /** Hears whoever sends: the routes reach gateways in any order, and only the epoch tells who is the producer. */
  onData(frame: DataFrame): void {
    this.ins.get(frame.stream)?.onData(frame);
  }

  onAck(ack: AckFrame): void {
    this.outs.get(ack.stream)?.onAck(ack);
  }

  /** The streams that this one's messages are turned into messages of. */
  fedBy({ name }: Stream): OutStream[] {
    return [...this.outs.values()].filter((out) => out.stream.fedBy.includes(name));
  }

  /** Streams into a gateway whose log is nearly full get no credit. */
  grantCredit(): void {
    for (const input of this.ins.values()) {
      input.grant(!this.fedBy(input.stream).some((out) => out.nearlyFull));
    }
  }

  /** Runs unless the process has ended meanwhile; later while it is paused. */
  later(ms: number, run: () => void): void {
    if (!this.up) return;
    const life = this.#life;
    this.world.clock.later(ms, () => {
      if (life === this.#life) this.awake(run);
    });
  }

  awake(run: () => void): void {
    const wait = this.#pausedUntil - this.world.now;
    if (wait > 0 && !this.world.calm) this.later(wait, run);
    else run();
  }

  logFile(stream: Stream): LogFile {
    const known = this.#disk.logs.get(stream.name);
    if (known?.incarnation.pe === stream.epoch) return known;
    if (known !== undefined) this.world.witness.gone({ log: known.id });
    const file: LogFile = {
      id: this.world.nextId(),
      incarnation: { pe: stream.epoch, born: this.wallClock },
      reserved: 0,
      entries: [],
      synced: 0,
      heldSince: undefined,
      unsure: false,
      accepted: 0,
    };
    this.#disk.logs.set(stream.name, file);
    return file;
  }

  #link(up: boolean): void {
    for (const stream of [...this.outs.values(), ...this.ins.values()]) stream.link(up);
  }

  #openOut(stream: Stream): void {
    const known = this.outs.get(stream.name);
    if (known !== undefined && known.stream.epoch !== stream.epoch) this.#retireOut(known.stream);
    const out = this.outs.get(stream.name) ?? new OutStream(this, stream);
    out.stream = stream;
    this.outs.set(stream.name, out);
    const { head } = out;
    out.setConsumers(stream.consumers);
    if (!this.up) return;
    const { name, producer, consumers, exact, fedBy } = stream;
    this.world.witness.routed({ stream: name, producer, log: out.logId, head, consumers, exact, fedBy });
  }

  #openIn(stream: Stream): void {
    const input = this.ins.get(stream.name) ?? new InStream(this, stream);
    input.stream = stream;
    this.ins.set(stream.name, input);
  }

  #retireOut(stream: Stream): void {
    this.outs.get(stream.name)?.stop();
    this.outs.delete(stream.name);
    const known = this.#disk.logs.get(stream.name);
    if (known === undefined) return;
    this.world.witness.gone({ log: known.id });
    this.#disk.logs.delete(stream.name);
    for (const [key] of this.journal.entries(`out ${stream.name} `))
      this.journal.set(key, undefined, () => {});
  }

  #retireIn(stream: Stream): void {
    const key = `in ${stream.name}`;
    this.ins.get(stream.name)?.stop();
    const forgotten = { stream: stream.name, consumer: this.name, disk: this.diskId, cursor: undefined };
    if (this.ins.delete(stream.name) || this.fragment.cursorOf(stream.name) !== undefined) {
      this.fragment.forget(stream.name);
      this.world.witness.consumerStored(forgotten);
    }
    if (this.journal.get(key) === undefined) return;
    this.journal.set(key, undefined, () => this.world.witness.consumerStored(forgotten));
  }

  #losePower(): void {
    const { random, witness } = this.world;
    for (const file of this.#disk.logs.values()) losePower(file, random.next());
    this.#disk.journal.loseWrites(random.index(4));
    this.#disk.checkpoints.loseWrites(random.next());
    witness.powerCut({ gateway: this.name, disk: this.#disk.id, fsync: this.world.fsync });
  }

  #loseDisk(): void {
    for (const file of this.#disk.logs.values()) this.world.witness.gone({ log: file.id });
    this.world.witness.stateLost({ gateway: this.name });
    this.#disk = this.#newDisk();
  }

  #newDisk(): Disk {
    this.#disks++;
    return {
      id: `${this.name}-${this.#disks}`,
      boots: 0,
      journal: new JournalFile(),
      checkpoints: new CheckpointFile(),
      logs: new Map(),
    };
  }
}
