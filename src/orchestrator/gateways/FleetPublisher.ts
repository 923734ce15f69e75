/**
 * What the registry is told of the fleet, and when: who is there and what they can do at once, load and last sightings
 * at a walking pace, and every lease before it ends.
 */
import type { BrokerReach, GatewayFacts, Heartbeat } from '../../wire/control.ts';
import type { Liveness } from '../health/liveness.ts';
import { type GatewayDirectory, LEASE_MS } from './directory.ts';

export interface PublisherOptions {
  readonly directory: GatewayDirectory;
  readonly liveness: (gateway: string) => Liveness;
  readonly heartbeat: (gateway: string) => Heartbeat | undefined;
  /** One transaction of the store around many writes. */
  readonly inBatch?: <T>(work: () => T) => T;
}

/** How often load and last sightings of one gateway reach the registry; each gateway in its own turn. */
const PACE_MS = 10_000;
const TURN_MS = 1_000;

export class FleetPublisher {
  readonly #options: PublisherOptions;
  /** To be published when it is their turn. */
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#publishDue(PACE_MS), TURN_MS);
    this.#timer.unref();
  }

  /** Publishes what is still to be told. */
  stop(): void {
    clearInterval(this.#timer);
    this.#publishDue(0);
  }

  batch<T>(work: () => T): T {
    const { inBatch } = this.#options;
    return inBatch === undefined ? work() : inBatch(work);
  }

  publish(id: string, facts: GatewayFacts, lastSeen: number): void {
    const { directory, liveness, heartbeat } = this.#options;
    const beat = heartbeat(id);
    directory.publish(id, facts, {
      health: liveness(id).health,
      lastSeen,
      ...(beat === undefined ? {} : { cpuPct: beat.cpuPct, memFreeMB: beat.memFreeMB }),
      ...(beat?.brokers === undefined ? {} : { reaches: reachedOf(beat.brokers, facts.site) }),
    });
  }

  /** Something about it is worth telling in its turn. */
  changed(id: string): void {
    this.#changed.add(id);
  }

  forget(id: string): void {
    this.#changed.delete(id);
  }

  /** Those published this long ago or longer that have changed, and those whose lease is half over. */
  #publishDue(ageMs: number): void {
    const { directory, liveness } = this.#options;
    const due = directory.list().filter((record) => {
      const age = directory.age(record);
      return age > LEASE_MS / 2 || (age >= ageMs && this.#changed.has(record.id));
    });
    if (due.length === 0) return;
    this.batch(() => {
      for (const { id, facts, lastSeen } of due) {
        this.publish(id, facts, liveness(id).heardAt ?? lastSeen);
        this.#changed.delete(id);
      }
    });
  }
}

/** Names in the reachability map of the brokers a gateway says it reaches. */
const reachedOf = (brokers: readonly BrokerReach[], site: string | undefined): string[] => [
  ...new Set(
    brokers.flatMap(({ role, reachable }) =>
      reachable ? [role === 'site' ? `site/${site ?? ''}` : role] : [],
    ),
  ),
];
