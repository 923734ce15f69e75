/** Gateways in the registry: one item each, read back as records, its lease renewed by the orchestrator. */
import type { Registry } from '../../registry/Registry.ts';
import type { Item } from '../../registry/types.ts';
import type { GatewayFacts } from '../../wire/control.ts';
import {
  fromItem,
  type GatewayRecord,
  type GatewayState,
  gatewayHref,
  isGatewayItem,
  toItem,
} from './gatewayItem.ts';

/** An item that the orchestrator does not renew ends after this time. */
export const LEASE_MS = 15 * 60_000;

export class GatewayDirectory {
  readonly #registry: Registry;
  readonly #clock: () => number;
  /** Items are never changed in place, so what was read of one stays true. */
  readonly #read = new WeakMap<Item, GatewayRecord>();

  constructor(registry: Registry, clock: () => number) {
    this.#registry = registry;
    this.#clock = clock;
  }

  get(id: string): GatewayRecord | undefined {
    const item = this.#registry.get(gatewayHref(id));
    return item && this.#record(item);
  }

  /** In the order they enrolled. */
  list(): GatewayRecord[] {
    return this.#registry.find(isGatewayItem).map((item) => this.#record(item));
  }

  publish(id: string, facts: GatewayFacts, state: Omit<GatewayState, 'expires'>): void {
    this.#registry.put(toItem(id, facts, { ...state, expires: this.#clock() + LEASE_MS }));
  }

  remove(id: string): void {
    this.#registry.remove(gatewayHref(id));
  }

  /** How long ago it was published, ms. */
  age(record: GatewayRecord): number {
    return this.#clock() - (record.expires - LEASE_MS);
  }

  #record(item: Item): GatewayRecord {
    const known = this.#read.get(item) ?? fromItem(item);
    this.#read.set(item, known);
    return known;
  }
}
