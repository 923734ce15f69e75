import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readCatalogue, readItem } from '../../src/registry/item.ts';
import { rels } from '../../src/registry/types.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { item } from './fixtures.ts';

const description = { rel: rels.description, val: 'a thing' };
const good = { href: '/a', 'item-metadata': [description] };

describe('Hypercat item', () => {
  const bad: readonly (readonly [string, unknown])[] = [
    ['null', null],
    ['a list', []],
    ['a text', 'x'],
    ['no href', { 'item-metadata': [description] }],
    ['an empty href', { ...good, href: '' }],
    ['an href that is a number', { ...good, href: 7 }],
    ['no metadata', { href: '/a' }],
    ['metadata that is no list', { href: '/a', 'item-metadata': {} }],
    ['no description', { href: '/a', 'item-metadata': [] }],
    ['an empty description', { href: '/a', 'item-metadata': [{ ...description, val: '' }] }],
    ['a pair that is no object', { href: '/a', 'item-metadata': [description, 'x'] }],
    ['a pair without rel', { href: '/a', 'item-metadata': [description, { val: 'x' }] }],
    ['a pair without val', { href: '/a', 'item-metadata': [description, { rel: 'x' }] }],
    ['a val that is a number', { href: '/a', 'item-metadata': [description, { rel: 'x', val: 5 }] }],
    [
      'a lease that is no time',
      { href: '/a', 'item-metadata': [description, { rel: rels.expires, val: 'soon' }] },
    ],
  ];
  for (const [what, value] of bad) {
    it(`with ${what} is refused with a reason`, () => {
      assert.throws(
        () => readItem(value),
        (e) => isEchoError(e, 'ECHO_CATALOGUE_ITEM_INVALID') && e.status === 400 && e.message.length > 5,
      );
    });
  }

  it('names the offending pair', () => {
    assert.throws(
      () => readItem({ href: '/a', 'item-metadata': [description, { rel: 'x', val: 5 }] }),
      (e) => isEchoError(e) && e.where === '/item-metadata/1/val',
    );
  });

  it('of 1.x is read, and URNs get their one spelling', () => {
    const old = {
      href: '/a',
      'i-object-metadata': [{ rel: 'urn:X\u00ADhypercat:rels:hasDescription:en', val: 'urn:Xhypercat:x' }],
    };
    assert.deepEqual(readItem(old), {
      href: '/a',
      'item-metadata': [{ rel: rels.description, val: 'urn:X-hypercat:x' }],
    });
  });

  it('is refused or read, never anything else, whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          return readItem(value).href !== '';
        } catch (error) {
          return isEchoError(error, 'ECHO_CATALOGUE_ITEM_INVALID');
        }
      }),
    );
  });
});

describe('Hypercat catalogue of another server', () => {
  it('is read as 3.0', () => {
    const catalogue = { 'catalogue-metadata': [description], items: [good] };
    assert.deepEqual(readCatalogue(catalogue), { 'catalogue-metadata': [description], items: [good] });
  });

  it('is read as 1.x', () => {
    const old = {
      'item-metadata': [description],
      items: [{ href: '/a', 'i-object-metadata': [description] }],
    };
    assert.deepEqual(readCatalogue(old).items, [good]);
  });

  const bad: readonly (readonly [string, unknown])[] = [
    ['no metadata', { items: [] }],
    ['no items', { 'catalogue-metadata': [] }],
    ['items that are no list', { 'catalogue-metadata': [], items: {} }],
    ['a text', 'x'],
    ['one href twice', { 'catalogue-metadata': [], items: [item('/a'), item('/a')] }],
  ];
  for (const [what, value] of bad) {
    it(`with ${what} is refused`, () => {
      assert.throws(
        () => readCatalogue(value),
        (e) => isEchoError(e, 'ECHO_CATALOGUE_INVALID'),
      );
    });
  }
});
