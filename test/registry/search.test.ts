import assert from 'node:assert/strict';
import fc from 'fast-check';
import { families, readQuery } from '../../src/registry/search.ts';
import { item } from './fixtures.ts';

const items = [
  item('/device/cpu/pi-1', ['urn:X-echo:rels:tier', 'edge'], ['urn:X-echo:rels:site', 'hall']),
  item('/device/cpu/pi-2', ['urn:X-echo:rels:tier', 'fog'], ['urn:X-hypercat:rels:isContentType', 'Hall']),
  item('/device/mem/pi-1', ['urn:X-echo:rels:site', 'edge']),
];

function search(query: string): string[] {
  const test = readQuery(new URLSearchParams(query));
  return items.filter(test).map(({ href }) => href);
}

const all = items.map(({ href }) => href);

describe('catalogue search', () => {
  it('declares simple and prefix search, and nothing else', () => {
    assert.deepEqual(
      families.map(({ name }) => name),
      ['urn:X-hypercat:search:simple', 'urn:X-hypercat:search:prefix'],
    );
  });

  const cases: readonly (readonly [what: string, query: string, found: readonly number[]])[] = [
    ['an exact rel', 'rel=urn:X-echo:rels:tier', [0, 1]],
    ['an encoded rel', 'rel=urn%3AX-echo%3Arels%3Atier', [0, 1]],
    ['an exact val', 'val=edge', [0, 2]],
    ['a val in another case', 'val=EDGE', []],
    ['rel and val on the same pair', 'rel=urn:X-echo:rels:tier&val=edge', [0]],
    ['rel and val on different pairs', 'rel=urn:X-echo:rels:tier&val=hall', []],
    ['an exact href', 'href=/device/mem/pi-1', [2]],
    ['an encoded href', 'href=%2Fdevice%2Fmem%2Fpi-1', [2]],
    ['an unknown href', 'href=/device/none', []],
    ['href and val together', 'href=/device/mem/pi-1&val=hall', []],
    ['a prefix of hrefs', 'prefix-href=/device/cpu', [0, 1]],
    ['a prefix by its 2.0 name', 'substring-href=/device/cpu', [0, 1]],
    ['a prefix that is only a substring', 'prefix-href=cpu', []],
    ['prefixes of rel and val on one pair', 'prefix-rel=urn:X-echo&prefix-val=ed', [0, 2]],
    ['prefixes of rel and val on different pairs', 'prefix-rel=urn:X-echo:rels:tier&prefix-val=ha', []],
    ['simple and prefix, both', 'val=edge&prefix-href=/device/cpu', [0]],
    ['a URN with a soft hyphen', 'rel=urn:X%C2%ADhypercat:rels:isContentType', [1]],
    ['a URN without a hyphen', 'prefix-rel=urn:Xhypercat:rels:isC', [1]],
    ['empty values', 'rel=&val=&prefix-href=', [0, 1, 2]],
    ['unknown parameters', 'lexrange-min=1&colour=red', [0, 1, 2]],
    ['nothing', '', [0, 1, 2]],
  ];
  for (const [what, query, found] of cases) {
    it(`by ${what} finds ${found.length}`, () => {
      assert.deepEqual(
        search(query),
        found.map((i) => all[i]),
      );
    });
  }

  it('never finds more by prefix and exact value together than by either', () => {
    const word = fc.constantFrom('', 'e', 'edge', 'hall', 'x', '/device', '/device/cpu/pi-1');
    fc.assert(
      fc.property(word, word, (val, href) => {
        const both = search(new URLSearchParams({ val, 'prefix-href': href }).toString());
        const one = new Set(search(new URLSearchParams({ val }).toString()));
        const other = new Set(search(new URLSearchParams({ 'prefix-href': href }).toString()));
        return both.every((found) => one.has(found) && other.has(found));
      }),
    );
  });
});
