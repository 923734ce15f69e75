/**
 * Who may speak to the orchestrator. Pure checks on a request's headers, used for HTTP and for WebSocket upgrades.
 *
 * - On loopback without a key, any program of this machine may; a web page of another site may not (Origin), nor a
 *   foreign name that was made to resolve to loopback (Host).
 * - With a key, every request must carry it: Bearer, X-API-Key, or Basic with the key as password or name.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { EchoError } from '../../wire/errors.ts';
import { apiError } from './errors.ts';

/** The part of `Settings` that decides. */
export interface GuardSettings {
  readonly host: string;
  readonly publicUrl?: string | undefined;
  readonly apiKey?: string | undefined;
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** Why the request is refused, or undefined. `open`: this route proves its caller by other means. */
export function refusal(req: IncomingMessage, settings: GuardSettings, open = false): EchoError | undefined {
  return (
    refusedHost(req, settings) ??
    refusedOrigin(req, settings) ??
    (open ? undefined : refusedKey(req, settings))
  );
}

function refusedHost(req: IncomingMessage, settings: GuardSettings): EchoError | undefined {
  if (!LOOPBACK.has(settings.host)) return undefined;
  const name = hostname(req.headers.host);
  if (name !== undefined && (LOOPBACK.has(name) || name === publicHost(settings)?.hostname)) return undefined;
  return apiError('ECHO_HOST_REFUSED', {
    message: `The request is for host "${req.headers.host ?? ''}", and this orchestrator serves this machine only.`,
    where: 'header Host',
  });
}

function refusedOrigin(req: IncomingMessage, settings: GuardSettings): EchoError | undefined {
  const origin = req.headers.origin;
  if (origin === undefined) return undefined;
  const from = parseUrl(origin)?.host;
  if (from !== undefined && (from === req.headers.host || from === publicHost(settings)?.host))
    return undefined;
  return apiError('ECHO_ORIGIN_REFUSED', {
    message: `A page of ${origin} may not use this orchestrator.`,
    where: 'header Origin',
  });
}

function refusedKey(req: IncomingMessage, settings: GuardSettings): EchoError | undefined {
  if (settings.apiKey === undefined) return undefined;
  const { apiKey } = settings;
  const given = keysOf(req);
  if (given.some((key) => same(key, apiKey))) return undefined;
  return apiError('ECHO_UNAUTHORIZED', {
    message: given.length === 0 ? 'The request carries no API key.' : 'The API key of the request is wrong.',
  });
}

/** Browsers send the key as Basic password, Hypercat clients as Basic user name. */
function keysOf(req: IncomingMessage): string[] {
  const header = req.headers['x-api-key'];
  if (typeof header === 'string') return [header];
  const [scheme = '', value = ''] = (req.headers.authorization ?? '').split(' ', 2);
  if (scheme.toLowerCase() === 'bearer') return [value];
  if (scheme.toLowerCase() !== 'basic') return [];
  const [user = '', ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
  return [password.join(':'), user];
}

/** Hashes first, so that neither content nor length shows in the time taken. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

const hostname = (host: string | undefined): string | undefined =>
  host === undefined ? undefined : parseUrl(`http://${host}`)?.hostname;

const publicHost = (settings: GuardSettings): URL | undefined =>
  settings.publicUrl === undefined ? undefined : parseUrl(settings.publicUrl);

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
