/** Hypercat 3.0 shapes, and the names (rels) that ECHO reads and writes in them. */

/** One fact about an item or a catalogue. Rels may repeat; every val is a string. */
export interface Pair {
  readonly rel: string;
  readonly val: string;
}

export interface Item {
  readonly href: string;
  readonly 'item-metadata': readonly Pair[];
}

export interface Catalogue {
  readonly 'catalogue-metadata': readonly Pair[];
  readonly items: readonly Item[];
}

export const CATALOGUE_TYPE = 'application/vnd.hypercat.catalogue+json';

export const rels = {
  contentType: 'urn:X-hypercat:rels:isContentType',
  description: 'urn:X-hypercat:rels:hasDescription:en',
  homepage: 'urn:X-hypercat:rels:hasHomepage',
  lastUpdated: 'urn:X-hypercat:rels:lastUpdated',
  supportsSearch: 'urn:X-hypercat:rels:supportsSearch',
  lat: 'http://www.w3.org/2003/01/geo/wgs84_pos#lat',
  long: 'http://www.w3.org/2003/01/geo/wgs84_pos#long',
  /** End of the item's lease: RFC 3339, UTC. Any client may set it; an item without it stays until deleted. */
  expires: 'urn:X-echo:rels:expires',
} as const;

/** First value of a rel. */
export function firstValue(pairs: readonly Pair[], rel: string): string | undefined {
  return pairs.find((pair) => pair.rel === rel)?.val;
}

/** Every value of a rel, in order. */
export function allValues(pairs: readonly Pair[], rel: string): string[] {
  return pairs.filter((pair) => pair.rel === rel).map((pair) => pair.val);
}
