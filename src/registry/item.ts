/** Reading what others send: validation, and the spellings of old and careless clients made one. Pure. */
import { registryError } from './errors.ts';
import { CATALOGUE_TYPE, type Catalogue, firstValue, type Item, type Pair, rels } from './types.ts';

/** Both seen in the wild instead of `urn:X-hypercat`: with a soft hyphen, and without any. */
const WRONG_PREFIX = /^urn:X\u00AD?hypercat(?=:|$)/;

/** One spelling of the Hypercat URN prefix; anything else is left as it is. */
export function normaliseUrn(text: string): string {
  return text.replace(WRONG_PREFIX, 'urn:X-hypercat');
}

/**
 * An item from JSON of any origin: 3.0, or 1.x with `i-object-metadata`.
 * `href`: used when the body names none. Throws ECHO_CATALOGUE_ITEM_INVALID with a path.
 */
export function readItem(value: unknown, href?: string): Item {
  const item = readLooseItem(value, '', href);
  const pairs = item['item-metadata'];
  const description = firstValue(pairs, rels.description);
  if (description === undefined || description === '')
    throw invalid('/item-metadata', `${item.href}: no ${rels.description}`);
  const expires = firstValue(pairs, rels.expires);
  if (expires !== undefined && Number.isNaN(Date.parse(expires)))
    throw invalid('/item-metadata', `${rels.expires} is not an RFC 3339 time: ${expires}`);
  return item;
}

/** A catalogue of another server, 3.0 or 1.x/2.0. Items without a description pass: servers differ there. */
export function readCatalogue(value: unknown): Catalogue {
  if (!isObject(value))
    throw registryError('ECHO_CATALOGUE_INVALID', { message: 'not an object', where: '/' });
  const metadata = value['catalogue-metadata'] ?? value['item-metadata'];
  const pairs = readPairs(metadata, '/catalogue-metadata', catalogueInvalid);
  if (!Array.isArray(value.items)) throw catalogueInvalid('/items', 'not a list');
  const items = value.items.map((item, i) => readLooseItem(item, `/items/${i}`));
  const seen = new Set<string>();
  for (const { href } of items) {
    if (seen.has(href)) throw catalogueInvalid('/items', `href twice: ${href}`);
    seen.add(href);
  }
  return { 'catalogue-metadata': pairs, items };
}

/** The catalogue's own metadata. `searches`: names of the search families on offer. */
export function catalogueMetadata(description: string, searches: readonly string[]): Pair[] {
  return [
    { rel: rels.contentType, val: CATALOGUE_TYPE },
    { rel: rels.description, val: description },
    ...searches.map((name) => ({ rel: rels.supportsSearch, val: name })),
  ];
}

/** End of an item's lease, ms since the epoch; undefined when it has none. */
export function leaseEnd(item: Item): number | undefined {
  const expires = firstValue(item['item-metadata'], rels.expires);
  return expires === undefined ? undefined : Date.parse(expires);
}

function readLooseItem(value: unknown, where: string, fallbackHref?: string): Item {
  if (!isObject(value)) throw invalid(where, 'not an object');
  const href = value.href ?? fallbackHref;
  if (typeof href !== 'string' || href === '') throw invalid(`${where}/href`, 'not a non-empty string');
  const metadata = value['item-metadata'] ?? value['i-object-metadata'];
  return { href, 'item-metadata': readPairs(metadata, `${where}/item-metadata`, invalid) };
}

function readPairs(value: unknown, where: string, fail: typeof invalid): Pair[] {
  if (!Array.isArray(value)) throw fail(where, 'not a list of rel/val pairs');
  return value.map((pair, i) => {
    if (!isObject(pair)) throw fail(`${where}/${i}`, 'not an object');
    const { rel, val } = pair;
    if (typeof rel !== 'string' || rel === '') throw fail(`${where}/${i}/rel`, 'not a non-empty string');
    if (typeof val !== 'string') throw fail(`${where}/${i}/val`, 'not a string');
    return { rel: normaliseUrn(rel), val: normaliseUrn(val) };
  });
}

function invalid(where: string, message: string) {
  return registryError('ECHO_CATALOGUE_ITEM_INVALID', { message: `${where || '/'}: ${message}`, where });
}

function catalogueInvalid(where: string, message: string) {
  return registryError('ECHO_CATALOGUE_INVALID', { message: `${where}: ${message}`, where });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
