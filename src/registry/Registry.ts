/**
 * The resource directory: items by href, with leases, kept in a store. Inside one process it is called directly;
 * `routes.ts` serves the same over HTTP.
 *
 * Invariant: what a caller sees never holds an item whose lease has ended, whether or not a timer ran.
 */
import { registryError } from './errors.ts';
import { catalogueMetadata, leaseEnd } from './item.ts';
import type { CatalogueStore, Clock } from './ports.ts';
import { families, type Test } from './search.ts';
import type { Catalogue, Item } from './types.ts';

export type CatalogueChange =
  | { readonly kind: 'put'; readonly item: Item }
  | { readonly kind: 'removed' | 'expired'; readonly href: string };

export interface RegistryOptions {
  readonly store: CatalogueStore;
  readonly description?: string;
  readonly clock?: Clock;
}

export class Registry {
  readonly #store: CatalogueStore;
  readonly #description: string;
  readonly #clock: Clock;
  readonly #items = new Map<string, Item>();
  readonly #listeners = new Set<(change: CatalogueChange) => void>();
  /** No lease ends before this time. */
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor({ store, description = 'ECHO resource directory', clock = Date.now }: RegistryOptions) {
    this.#store = store;
    this.#description = description;
    this.#clock = clock;
    for (const item of store.load()) this.#hold(item);
  }

  /** The item, or undefined. */
  get(href: string): Item | undefined {
    this.sweep();
    return this.#items.get(href);
  }

  /** Items that pass the test, in the order they came. */
  find(test: Test = () => true): Item[] {
    this.sweep();
    return [...this.#items.values()].filter(test);
  }

  catalogue(test?: Test): Catalogue {
    const searches = families.map((family) => family.name);
    return { 'catalogue-metadata': catalogueMetadata(this.#description, searches), items: this.find(test) };
  }

  /** Adds or replaces; true when it is new. */
  put(item: Item): boolean {
    this.sweep();
    const isNew = !this.#items.has(item.href);
    this.#store.put(item);
    this.#hold(item);
    this.#tell({ kind: 'put', item });
    return isNew;
  }

  /** Adds; ECHO_CATALOGUE_HREF_TAKEN when the href is there already. */
  add(item: Item): void {
    if (this.get(item.href) !== undefined) throw taken(item.href);
    this.put(item);
  }

  /** Replaces the item at `href`, which may get another href. ECHO_CATALOGUE_ITEM_UNKNOWN, ECHO_CATALOGUE_HREF_TAKEN. */
  replace(href: string, item: Item): void {
    if (this.get(href) === undefined) throw unknown(href);
    if (item.href !== href && this.get(item.href) !== undefined) throw taken(item.href);
    this.put(item);
    if (item.href !== href) this.#drop(href, 'removed');
  }

  /** ECHO_CATALOGUE_ITEM_UNKNOWN when it is not there. */
  remove(href: string): void {
    if (this.get(href) === undefined) throw unknown(href);
    this.#drop(href, 'removed');
  }

  /** Ends leases that are due. Every read and write does it too. */
  sweep(): void {
    const now = this.#clock();
    if (now < this.#nextEnd) return;
    let next = Number.POSITIVE_INFINITY;
    for (const item of [...this.#items.values()]) {
      const end = leaseEnd(item);
      if (end === undefined) continue;
      if (end <= now) this.#drop(item.href, 'expired');
      else next = Math.min(next, end);
    }
    this.#nextEnd = next;
  }

  /** Called after each change; returns what ends it. */
  onChange(listener: (change: CatalogueChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #hold(item: Item): void {
    this.#items.set(item.href, item);
    this.#nextEnd = Math.min(this.#nextEnd, leaseEnd(item) ?? Number.POSITIVE_INFINITY);
  }

  #drop(href: string, kind: 'removed' | 'expired'): void {
    this.#store.remove(href);
    this.#items.delete(href);
    this.#tell({ kind, href });
  }

  #tell(change: CatalogueChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function taken(href: string) {
  return registryError('ECHO_CATALOGUE_HREF_TAKEN', {
    message: `already in the catalogue: ${href}`,
    where: href,
  });
}

function unknown(href: string) {
  return registryError('ECHO_CATALOGUE_ITEM_UNKNOWN', {
    message: `not in the catalogue: ${href}`,
    where: href,
  });
}
