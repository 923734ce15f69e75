/** The broker between gateways: a relay that loses, doubles and delays packets, and goes away. */
import type { Gateway } from './Gateway.ts';
import type { World } from './World.ts';

export class Network {
  up = true;
  readonly #world: World;
  readonly #loss: number;
  readonly #twice: number;
  readonly #slow: number;
  /** Gateways whose packets do not reach the broker, and those the broker's packets do not reach. */
  readonly #mute = new Set<string>();
  readonly #deaf = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    const { random } = world;
    this.#loss = random.pick([0, 0.02, 0.2]);
    this.#twice = random.pick([0, 0.05]);
    this.#slow = random.pick([2, 30, 120]);
  }

  send(from: Gateway, to: string, deliver: (gateway: Gateway) => void): void {
    const world = this.#world;
    if (!this.up) return;
    if (world.calm) {
      world.clock.later(1, () => this.#arrive(to, deliver));
      return;
    }
    const { random, faults } = world;
    if (this.#mute.has(from.name)) {
      faults.cut++;
      return;
    }
    if (random.chance(this.#loss)) {
      faults.lost++;
      return;
    }
    if (this.#slow > 2) faults.late++;
    world.clock.later(random.below(this.#slow), () => this.#arrive(to, deliver));
    if (!random.chance(this.#twice)) return;
    faults.doubled++;
    world.clock.later(random.below(2 * this.#slow), () => this.#arrive(to, deliver));
  }

  /** For a while nothing passes in one direction, and neither end is told. */
  partition(gateway: string, ms: number): void {
    const closed = this.#world.random.chance(0.5) ? this.#mute : this.#deaf;
    closed.add(gateway);
    this.#world.clock.later(ms, () => closed.delete(gateway));
  }

  outage(ms: number): void {
    if (!this.up) return;
    this.#set(false);
    this.#world.clock.later(ms, () => this.#set(true));
  }

  /** The faults are over. */
  heal(): void {
    this.#mute.clear();
    this.#deaf.clear();
    if (!this.up) this.#set(true);
  }

  #set(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    for (const gateway of this.#world.gateways) gateway.link(up);
  }

  #arrive(to: string, deliver: (gateway: Gateway) => void): void {
    if (!this.up) return;
    if (this.#deaf.has(to)) {
      this.#world.faults.cut++;
      return;
    }
    const gateway = this.#world.gateway(to);
    if (gateway.up) gateway.awake(() => deliver(gateway));
  }
}
