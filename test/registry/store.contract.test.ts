import assert from 'node:assert/strict';
import { openStore } from '../../src/orchestrator/store/Store.ts';
import type { CatalogueStore } from '../../src/registry/ports.ts';
import { disposables } from '../kit/cleanup.ts';
import { item, MemoryCatalogueStore } from './fixtures.ts';

const kit = disposables();
const makers: Record<string, () => CatalogueStore> = {
  'in memory': () => new MemoryCatalogueStore(),
  SQLite: () => {
    const store = openStore(kit.folder());
    kit.add(store, () => store.close());
    return store.catalogue;
  },
};

for (const [name, make] of Object.entries(makers)) {
  describe(`catalogue store, ${name}`, () => {
    it('gives back what was put, in the order of first putting', () => {
      const store = make();
      for (const href of ['/b', '/a', '/c']) store.put(item(href));
      store.put(item('/a', ['x', 'changed']));
      assert.deepEqual(store.load(), [item('/b'), item('/a', ['x', 'changed']), item('/c')]);
    });

    it('forgets what was removed, and takes the removal of nothing', () => {
      const store = make();
      store.put(item('/a'));
      store.remove('/a');
      store.remove('/nothing');
      assert.deepEqual(store.load(), []);
    });

    it('keeps every character', () => {
      const store = make();
      const odd = item('/ä\u{1F600}?&#"\'', ['urn:x', 'line\nbreak \u0000 end']);
      store.put(odd);
      assert.deepEqual(store.load(), [odd]);
    });
  });
}
