/**
 * Search families of Hypercat. Pure. A family is a name to declare and a reader that turns its own query parameters
 * into a test of one item; families in one query are ANDed, parameters nobody knows and empty values ask for nothing.
 */
import { normaliseUrn } from './item.ts';
import type { Item, Pair } from './types.ts';

export type Test = (item: Item) => boolean;

export interface SearchFamily {
  /** Declared in the catalogue with `supportsSearch`. */
  readonly name: string;
  /** The test these parameters ask for; undefined when they ask nothing of this family. */
  read(query: URLSearchParams): Test | undefined;
}

type Match = (value: string, wanted: string) => boolean;

/** `rel`, `val` and `href` compared by `match`, ANDed; `rel` and `val` must hold on the same pair. */
function fields(match: Match, rel?: string, val?: string, href?: string): Test | undefined {
  if (rel === undefined && val === undefined && href === undefined) return undefined;
  const pairFits = (pair: Pair): boolean =>
    (rel === undefined || match(pair.rel, rel)) && (val === undefined || match(pair.val, val));
  return (item) =>
    (href === undefined || match(item.href, href)) &&
    ((rel === undefined && val === undefined) || item['item-metadata'].some(pairFits));
}

/** The first of these parameters that has a value. */
function parameter(query: URLSearchParams, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = query.get(name);
    if (value !== null && value !== '') return normaliseUrn(value);
  }
  return undefined;
}

export const simpleSearch: SearchFamily = {
  name: 'urn:X-hypercat:search:simple',
  read: (query) =>
    fields(
      (value, wanted) => value === wanted,
      parameter(query, 'rel'),
      parameter(query, 'val'),
      parameter(query, 'href'),
    ),
};

/** `substring-*` is what 2.0 called it; it meant starts-with there too. */
export const prefixSearch: SearchFamily = {
  name: 'urn:X-hypercat:search:prefix',
  read: (query) =>
    fields(
      (value, wanted) => value.startsWith(wanted),
      parameter(query, 'prefix-rel', 'substring-rel'),
      parameter(query, 'prefix-val', 'substring-val'),
      parameter(query, 'prefix-href', 'substring-href'),
    ),
};

/** What this registry declares and answers. */
export const families: readonly SearchFamily[] = [simpleSearch, prefixSearch];

/** The test a whole query asks for. */
export function readQuery(query: URLSearchParams): Test {
  const tests = families.map((family) => family.read(query)).filter((test) => test !== undefined);
  return (item) => tests.every((test) => test(item));
}
