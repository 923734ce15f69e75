import assert from 'node:assert/strict';
import { type CatalogueChange, Registry } from '../../src/registry/Registry.ts';
import { rels } from '../../src/registry/types.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { item, MemoryCatalogueStore } from './fixtures.ts';

describe('registry', () => {
  const at = (ms: number): string => new Date(ms).toISOString();

  it('keeps its items over a restart', () => {
    const store = new MemoryCatalogueStore();
    new Registry({ store }).put(item('/a'));
    assert.deepEqual(new Registry({ store }).find(), [item('/a')]);
  });

  it('ends an item whose lease is not renewed, also in the store', () => {
    let now = 1_000;
    const store = new MemoryCatalogueStore();
    const registry = new Registry({ store, clock: () => now });
    const changes: CatalogueChange[] = [];
    registry.put(item('/leased', [rels.expires, at(5_000)]));
    registry.put(item('/forever'));
    registry.onChange((change) => changes.push(change));
    now = 4_999;
    assert.ok(registry.get('/leased'));
    now = 5_000;
    assert.equal(registry.get('/leased'), undefined);
    assert.deepEqual(changes, [{ kind: 'expired', href: '/leased' }]);
    assert.deepEqual(store.load(), [item('/forever')]);
  });

  it('keeps an item whose lease is renewed in time', () => {
    let now = 1_000;
    const registry = new Registry({ store: new MemoryCatalogueStore(), clock: () => now });
    registry.put(item('/leased', [rels.expires, at(5_000)]));
    now = 4_000;
    registry.put(item('/leased', [rels.expires, at(9_000)]));
    now = 6_000;
    assert.ok(registry.get('/leased'));
    now = 9_000;
    assert.deepEqual(registry.find(), []);
  });

  it('ends leases that ran out while it was not running', () => {
    const store = new MemoryCatalogueStore();
    store.put(item('/leased', [rels.expires, at(5_000)]));
    assert.deepEqual(new Registry({ store, clock: () => 6_000 }).find(), []);
  });

  it('lets an href be taken again after its lease ended', () => {
    let now = 1_000;
    const registry = new Registry({ store: new MemoryCatalogueStore(), clock: () => now });
    registry.put(item('/leased', [rels.expires, at(5_000)]));
    assert.throws(
      () => registry.add(item('/leased')),
      (e) => isEchoError(e, 'ECHO_CATALOGUE_HREF_TAKEN'),
    );
    now = 5_000;
    registry.add(item('/leased'));
  });

  it('renames without losing the item when the new name is taken', () => {
    const registry = new Registry({ store: new MemoryCatalogueStore() });
    registry.put(item('/a'));
    registry.put(item('/b'));
    assert.throws(
      () => registry.replace('/a', item('/b')),
      (e) => isEchoError(e, 'ECHO_CATALOGUE_HREF_TAKEN'),
    );
    registry.replace('/a', item('/c'));
    assert.deepEqual(
      registry.find().map(({ href }) => href),
      ['/b', '/c'],
    );
  });
});
