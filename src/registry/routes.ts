/**
 * Hypercat over HTTP: GET, POST, PUT and DELETE on one path. Errors go to the application's error handler as
 * EchoErrors. Bodies are read as text whatever their content type says: ECHO's clients post items as `text/plain`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type ErrorRequestHandler, type Request, type RequestHandler, Router, text } from 'express';
import { isEchoError } from '../wire/errors.ts';
import { registryError } from './errors.ts';
import { normaliseUrn, readItem } from './item.ts';
import type { Registry } from './Registry.ts';
import { readQuery } from './search.ts';
import { CATALOGUE_TYPE } from './types.ts';

export interface CatalogueRoutesOptions {
  readonly registry: Registry;
  /** Asked for on every request when set. */
  readonly key?: string;
  /** Items that nobody may change over HTTP. */
  readonly readOnly?: (href: string) => boolean;
  /** Largest body, bytes. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** Mount it where the catalogue shall stand: `app.use('/cat', catalogueRoutes({…}))`. */
export function catalogueRoutes(options: CatalogueRoutesOptions): Router {
  const { registry, maxBytes = 1024 * 1024 } = options;
  const writable = (href: string): string => {
    if (options.readOnly?.(href)) throw registryError('ECHO_CATALOGUE_READ_ONLY', { where: href });
    return href;
  };
  const router = Router();
  if (options.key !== undefined) router.use(keyCheck(options.key));
  router.use(text({ type: () => true, limit: maxBytes }), bodyErrors(maxBytes));

  router.get('/', (req, res) => {
    const type = req.get('accept')?.includes(CATALOGUE_TYPE) ? CATALOGUE_TYPE : 'application/json';
    res.type(type).send(JSON.stringify(registry.catalogue(readQuery(parameters(req)))));
  });

  router.post('/', (req, res) => {
    const href = hrefOf(req);
    const item = readItem(json(req), href);
    writable(item.href);
    if (href === undefined) {
      registry.add(item);
      res.location(address(req, item.href)).json(item);
      return;
    }
    if (item.href !== href) throw mismatch(item.href, href);
    const isNew = registry.put(item);
    res.status(isNew ? 201 : 200);
    res.location(address(req, href)).json(item);
  });

  router.put('/', (req, res) => {
    const href = writable(requiredHref(req));
    const item = readItem(json(req), href);
    registry.replace(href, { ...item, href: writable(item.href) });
    res.location(address(req, item.href)).json(item);
  });

  router.delete('/', (req, res) => {
    const href = writable(requiredHref(req));
    registry.remove(href);
    res.json({ href });
  });
  return router;
}

/** The query as sent; Express's own reading would turn some names into objects. */
function parameters(req: Request): URLSearchParams {
  return new URL(req.originalUrl, 'http://catalogue').searchParams;
}

function hrefOf(req: Request): string | undefined {
  const href = parameters(req).get('href');
  if (href === '') throw registryError('ECHO_CATALOGUE_HREF_REQUIRED', { message: 'the href is empty' });
  return href === null ? undefined : normaliseUrn(href);
}

function requiredHref(req: Request): string {
  const href = hrefOf(req);
  if (href === undefined)
    throw registryError('ECHO_CATALOGUE_HREF_REQUIRED', { message: `${req.method} without ?href=` });
  return href;
}

function json(req: Request): unknown {
  if (typeof req.body === 'object') return req.body;
  try {
    return JSON.parse(String(req.body ?? ''));
  } catch (error) {
    throw registryError('ECHO_CATALOGUE_NOT_JSON', { message: (error as Error).message });
  }
}

/** Where this item is found alone. */
function address(req: Request, href: string): string {
  return `${req.baseUrl}?href=${encodeURIComponent(href)}`;
}

function mismatch(body: string, query: string) {
  return registryError('ECHO_CATALOGUE_HREF_MISMATCH', {
    message: `the body says ${body}, the query ${query}`,
    where: '/href',
  });
}

function bodyErrors(limit: number): ErrorRequestHandler {
  return (error: Error & { type?: string }, _req, _res, next) => {
    if (isEchoError(error)) return next(error);
    next(
      error.type === 'entity.too.large'
        ? registryError('ECHO_CATALOGUE_BODY_TOO_LARGE', { message: `the limit is ${limit} bytes` })
        : registryError('ECHO_CATALOGUE_NOT_JSON', { message: error.message, cause: error }),
    );
  };
}

/** HTTP Basic with the key as user name, or `x-api-key`, or a bearer token. */
function keyCheck(key: string): RequestHandler {
  const wanted = digest(key);
  return (req, res, next) => {
    const given = presentedKey(req);
    if (given !== undefined && timingSafeEqual(digest(given), wanted)) return next();
    res.set('WWW-Authenticate', 'Basic realm="catalogue"');
    next(registryError('ECHO_CATALOGUE_KEY_WRONG'));
  };
}

function presentedKey(req: Request): string | undefined {
  const header = req.get('x-api-key');
  if (header !== undefined) return header;
  const [scheme, value = ''] = (req.get('authorization') ?? '').split(' ');
  if (scheme?.toLowerCase() === 'bearer') return value;
  if (scheme?.toLowerCase() !== 'basic') return undefined;
  return Buffer.from(value, 'base64').toString('utf8').replace(/:$/, '');
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
