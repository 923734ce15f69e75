/** One seeded run: gateways, the routes between them, the broker, virtual time and the faults. */
import { Clock } from './Clock.ts';
import { type FaultCounts, noFaults, scheduleFaults } from './faults.ts';
import { Gateway } from './Gateway.ts';
import { Network } from './Network.ts';
import { Random } from './Random.ts';
import { drawShape } from './shapes.ts';
import type { Witness } from './Witness.ts';

/** Where a stream comes from and goes to. Replaced as a whole when it changes. */
export interface Stream {
  readonly name: string;
  readonly producer: string;
  /** Grows each time the producer changes. */
  readonly epoch: number;
  readonly consumers: readonly string[];
  /** Streams whose messages are turned into messages of this one; none: it comes from a source. */
  readonly fedBy: readonly string[];
  readonly quota: number;
  /** When the log is full, its oldest records make room; else the newest are refused. */
  readonly dropsOldest: boolean;
  /** Where a new consumer starts. */
  readonly start: 'now' | 'earliest';
  /** Records a consumer takes in advance. */
  readonly window: number;
  /** Effectively-once; else at-least-once. */
  readonly exact: boolean;
  /** Its consumers join several messages to one. */
  readonly joins: boolean;
}

const UNSTEADY_MS = 250;
export const FAULTS_UNTIL = 3_000;
/** Everything has drained by then. */
const DEADLINE = 300_000;

export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly faults: FaultCounts = noFaults();
  readonly witness: Witness;
  readonly gateways: Gateway[] = [];
  readonly network: Network;
  readonly taskMs: number;
  /** Logs and checkpoints survive a power cut. */
  readonly fsync: boolean;
  /** Tasks have a state that is kept. */
  readonly stateful: boolean;
  /** How long work may wait for a checkpoint. */
  readonly checkpointMs: number;
  readonly #failingWrites: boolean;
  /** Gateways go down again soon after they have started. */
  readonly #unsteady: boolean;
  /** The faults are over. */
  calm = false;
  streams: readonly Stream[];
  /** Streams whose source is stopped. */
  readonly stopped = new Set<string>();
  readonly trace: ((line: string) => void) | undefined;
  #crashIn: number;
  readonly #crashEvery: number;
  /** A gateway hears of a change of its routes within this time. */
  readonly #routeMs: number;
  readonly #places = new Map<string, number>();
  /** Number of changes of the routes. */
  routes = 0;
  #ids = 0;
  #value = 0;
  #toAppend: number;
  readonly #burst: number;

  constructor(seed: number, witness: Witness, trace?: (line: string) => void) {
    this.random = new Random(seed);
    this.trace = trace;
    this.witness = witness;
    this.network = new Network(this);
    this.taskMs = this.random.pick([0, 5, 60, 250]);
    this.fsync = this.random.chance(0.4);
    this.stateful = this.random.chance(0.3);
    this.checkpointMs = this.random.pick([1, 20, 200]);
    this.#failingWrites = this.random.chance(0.2);
    this.#unsteady = this.random.chance(0.3);
    this.#routeMs = this.random.pick([300, 1_500]);
    this.#crashEvery = this.random.pick([0, 0, 150, 600]);
    this.#crashIn = this.#nextCrash();
    const { gateways, streams } = drawShape(this.random);
    this.streams = streams;
    for (const stream of streams) this.#notePlaces(stream);
    this.#toAppend = this.random.pick([20, 40, 80]);
    this.#burst = this.random.pick([5, 5, 20, 20, 300]);
    for (const name of gateways) this.gateways.push(new Gateway(this, name));
  }

  get now(): number {
    return this.clock.now;
  }

  gateway(name: string): Gateway {
    return this.gateways.find((g) => g.name === name)!;
  }

  nextId(): number {
    return ++this.#ids;
  }

  note(line: () => string): void {
    this.trace?.(`${this.now.toFixed(1).padStart(9)} ${line()}`);
  }

  /** Asked between any two effects of a state machine. */
  crashesNow(): boolean {
    if (this.#crashEvery === 0 || this.calm || --this.#crashIn > 0) return false;
    this.#crashIn = this.#nextCrash();
    return true;
  }

  /** A gateway has started. */
  started(gateway: Gateway): void {
    const { random } = this;
    if (!this.#unsteady || this.now === 0 || this.calm || random.chance(0.4)) return;
    const kind = this.fsync && random.chance(0.5) ? 'power' : 'kill';
    this.clock.later(random.below(UNSTEADY_MS), () => this.calm || gateway.crash(kind));
  }

  /** Asked for each checkpoint. */
  writeFails(): boolean {
    if (!this.#failingWrites || this.calm || !this.random.chance(0.1)) return false;
    this.faults.unwritten++;
    return true;
  }

  /** Every gateway has heard of the last change. */
  get settled(): boolean {
    return this.gateways.every((g) => g.configured === this.routes);
  }

  /** Changes a route; the gateways hear of it in their own time, or when they start. */
  reroute(stream: Stream): void {
    this.routes++;
    this.streams = this.streams.map((s) => (s.name === stream.name ? stream : s));
    this.#notePlaces(stream);
    this.note(() => `route ${JSON.stringify(stream)}`);
    for (const gateway of this.gateways)
      gateway.later(this.random.below(this.#routeMs), () => gateway.configure());
  }

  run(): void {
    for (const gateway of this.gateways) gateway.start();
    for (const { name, fedBy } of this.streams) if (fedBy.length === 0) this.#source(name);
    scheduleFaults(this);
    this.clock.later(FAULTS_UNTIL, () => this.#calmDown());
    while (!this.witness.failed && this.clock.step(DEADLINE)) {
      if (this.calm && this.#drained) break;
    }
    const stuck = this.#drained ? undefined : JSON.stringify(this.describe());
    for (const { fragment } of this.gateways) fragment.observe(true);
    this.witness.ended({ stuck });
  }

  describe(): unknown {
    return this.gateways.map((g) => ({
      gateway: g.name,
      up: g.up,
      fragment: g.fragment.describe(),
      outs: [...g.outs.values()].map((out) => out.describe()),
      ins: [...g.ins.values()].map((input) => input.describe()),
    }));
  }

  get #drained(): boolean {
    return this.gateways.every((g) => g.up && [...g.outs.values()].every((out) => out.drained));
  }

  #calmDown(): void {
    this.calm = true;
    this.note(() => 'the faults are over');
    this.network.heal();
  }

  /** Appends messages now and then, in bursts at times, wherever the stream is produced. */
  #source(name: string): void {
    if (this.calm || this.#toAppend <= 0) return;
    const stream = this.streams.find((s) => s.name === name)!;
    const gateway = this.gateway(stream.producer);
    const out = gateway.outs.get(name);
    if (out !== undefined && !this.stopped.has(name)) {
      const count = this.random.chance(0.05) ? this.#burst : 1;
      gateway.awake(() => {
        for (let i = 0; i < count && gateway.up; i++) out.append(++this.#value * 64, undefined, () => {});
      });
      this.#toAppend -= count;
    }
    this.clock.later(this.random.below(80), () => this.#source(name));
  }

  /** Which of the stream's places the gateway has, or once had. */
  placeOf(stream: string, gateway: string): number | undefined {
    return this.#places.get(`${stream} ${gateway}`);
  }

  #notePlaces({ name, consumers }: Stream): void {
    for (const [place, gateway] of consumers.entries()) this.#places.set(`${name} ${gateway}`, place);
  }

  #nextCrash(): number {
    return 1 + Math.floor(-Math.log(1 - this.random.next()) * this.#crashEvery);
  }
}
