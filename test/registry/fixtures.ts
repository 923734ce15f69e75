import type { AddressInfo } from 'node:net';
import express from 'express';
import { pino } from 'pino';
import { problemHandler } from '../../src/orchestrator/api/problem.ts';
import type { CatalogueStore } from '../../src/registry/ports.ts';
import { Registry } from '../../src/registry/Registry.ts';
import { type CatalogueRoutesOptions, catalogueRoutes } from '../../src/registry/routes.ts';
import { type Item, type Pair, rels } from '../../src/registry/types.ts';
import type { Disposables } from '../kit/cleanup.ts';

/** Held to the same promises as the SQLite one by `store.contract.ts`. */
export class MemoryCatalogueStore implements CatalogueStore {
  readonly #items = new Map<string, Item>();
  load(): Item[] {
    return [...this.#items.values()];
  }
  put(item: Item): void {
    this.#items.set(item.href, item);
  }
  remove(href: string): void {
    this.#items.delete(href);
  }
}

export function item(href: string, ...pairs: readonly (readonly [string, string])[]): Item {
  const metadata: Pair[] = pairs.map(([rel, val]) => ({ rel, val }));
  return { href, 'item-metadata': [{ rel: rels.description, val: `item ${href}` }, ...metadata] };
}

/** A catalogue on a free port, as the orchestrator mounts it. */
export async function serve(
  kit: Disposables,
  options: Partial<CatalogueRoutesOptions> = {},
): Promise<{ url: string; registry: Registry }> {
  const registry = options.registry ?? new Registry({ store: new MemoryCatalogueStore() });
  const app = express();
  app.use('/cat', catalogueRoutes({ ...options, registry }));
  app.use(problemHandler(pino({ level: 'silent' })));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  kit.add(server, () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/cat`, registry };
}
