/** Credentials that stand inside a flow, as some exports carry them: they belong in the store, never in a version. */
import type { RawFlow } from './types.ts';

type Found = Record<string, Record<string, string>>;

/**
 * The entries without their `credentials`, and these by node id. Input of any other shape than a list of entries
 * comes back as it is: `parseFlow` says what is wrong with it.
 */
export function takeCredentials(flow: unknown): { readonly flow: unknown; readonly credentials: Found } {
  if (!Array.isArray(flow)) return { flow, credentials: {} };
  const found: [string, Record<string, string>][] = [];
  const bare = flow.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !Object.hasOwn(entry, 'credentials')) return entry;
    const { credentials, ...rest } = entry as RawFlow[number];
    const texts = Object.entries(credentials ?? {}).filter(([, value]) => typeof value === 'string');
    if (texts.length > 0) found.push([rest.id, Object.fromEntries(texts)]);
    return rest;
  });
  return { flow: bare, credentials: Object.fromEntries(found) };
}
