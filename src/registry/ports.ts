/** What the registry asks of the outside: where items are kept, and the time. */
import type { Item } from './types.ts';

/** Keeps catalogue items over restarts. Calls are synchronous and durable when they return. */
export interface CatalogueStore {
  /** Every item, in the order they were first put. */
  load(): Item[];
  /** Inserts, or replaces the item with the same href (keeping its place in the order). */
  put(item: Item): void;
  /** Forgets the item; an unknown href is no error. */
  remove(href: string): void;
}

/** Milliseconds since the epoch. */
export type Clock = () => number;
