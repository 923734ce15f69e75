/**
 * Who belongs to the fleet. A gateway comes in once with a one-time token and gets a secret; from then on it proves
 * itself by id and secret. The orchestrator keeps hashes of both, and the gateway's admin access sealed.
 */
import { createHash, randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto';
import {
  type AdminAccess,
  adminAccess,
  type EnrolReply,
  type EnrolRequest,
  type GatewayFacts,
} from '../../wire/control.ts';
import { PROTOCOL_VERSION } from '../../wire/topics.ts';
import type { EnrolToken } from '../types.ts';
import type { Brokers } from './brokers.ts';
import { gatewayError } from './errors.ts';
import type { Enrolment, EnrolmentStore, Token, TokenStore, Vault } from './ports.ts';
import { checkSupported } from './support.ts';

export interface EnrolmentOptions {
  readonly enrolments: EnrolmentStore;
  readonly tokens: TokenStore;
  readonly vault: Vault;
  /** Says which brokers a gateway may use, and with what. */
  readonly brokers: Pick<Brokers, 'note' | 'forget' | 'grant'>;
  readonly heartbeatMs: number;
  readonly clock?: () => number;
}

export const DEFAULT_TOKEN_TTL_SECONDS = 24 * 60 * 60;
/** How long a gateway whose answer was lost may use its token again. */
const AGAIN_MS = 10 * 60_000;

export class EnrolmentDesk {
  readonly #options: EnrolmentOptions;
  readonly #clock: () => number;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    for (const enrolment of options.enrolments.list()) options.brokers.note(enrolment);
  }

  /**
   * A token that enrols one gateway within `ttlSeconds`; with `name`, only that one, which may be enrolled already:
   * it then gets a new secret and the old one ends.
   */
  createToken({
    name,
    ttlSeconds = DEFAULT_TOKEN_TTL_SECONDS,
  }: {
    name?: string;
    ttlSeconds?: number;
  } = {}): EnrolToken {
    const now = this.#clock();
    this.#options.tokens.prune(now);
    const token = `echo_${randomBytes(24).toString('base64url')}`;
    const expiresAt = now + ttlSeconds * 1000;
    const bound = name === undefined ? {} : { name };
    this.#options.tokens.put({ hash: hash(token), expiresAt, ...bound });
    return { token, expires: new Date(expiresAt).toISOString(), ...bound };
  }

  /**
   * Lets a gateway in, or in again; `GatewayFleet.enrol` does this and takes it into the fleet. Throws
   * ECHO_TOKEN_INVALID, ECHO_GATEWAY_NAME_TAKEN, ECHO_GATEWAY_UNSUPPORTED; a refused gateway keeps its token for the next attempt.
   */
  admit(request: EnrolRequest): EnrolReply {
    checkSupported(request.facts);
    checkCertificate(request.admin);
    return request.secret === undefined ? this.#first(request) : this.#renew(request, request.secret);
  }

  /** Is this the gateway's secret? */
  authenticate(gateway: string, secret: string): boolean {
    const enrolment = this.#options.enrolments.get(gateway);
    return enrolment !== undefined && sameHash(hash(secret), enrolment.secretHash);
  }

  list(): Enrolment[] {
    return this.#options.enrolments.list();
  }

  get(gateway: string): Enrolment | undefined {
    return this.#options.enrolments.get(gateway);
  }

  /** How the admin API of an enrolled gateway is used. Never log it. */
  adminAccess(gateway: string): AdminAccess {
    const sealed = this.#options.enrolments.get(gateway)?.adminSealed;
    return sealed === undefined ? {} : adminAccess.parse(JSON.parse(this.#options.vault.open(sealed)));
  }

  /** Keeps what the gateway said of itself in a hello, and when it was heard of. */
  record(gateway: string, news: { readonly facts?: GatewayFacts; readonly lastSeenAt: number }): void {
    const enrolment = this.#options.enrolments.get(gateway);
    if (enrolment !== undefined) this.#put({ ...enrolment, ...news });
  }

  remove(gateway: string): void {
    this.#options.enrolments.remove(gateway);
    this.#options.brokers.forget(gateway);
  }

  #first(request: EnrolRequest): EnrolReply {
    const { token } = request;
    if (token === undefined)
      throw gatewayError('ECHO_TOKEN_INVALID', {
        message: 'the request carries neither a token nor a secret',
      });
    const taken = this.#options.tokens.take(hash(token)) ?? this.#takeAgain(request, token);
    if (taken === undefined || taken.expiresAt <= this.#clock())
      throw gatewayError('ECHO_TOKEN_INVALID', {
        message: taken === undefined ? 'the token is unknown or was used already' : 'the token has expired',
      });
    try {
      const id = this.#nameFor(request, taken.name);
      const reply = this.#issue(id, request);
      if (request.disk !== undefined) {
        const again = { hash: hash(`${token} ${request.disk}`), name: id };
        this.#options.tokens.put({ ...again, expiresAt: this.#clock() + AGAIN_MS });
      }
      return reply;
    } catch (error) {
      this.#options.tokens.put(taken);
      throw error;
    }
  }

  /** Used already, and by the same disk: its answer was lost, or it died before it had kept it. */
  #takeAgain({ disk }: EnrolRequest, token: string): Token | undefined {
    const { tokens, enrolments } = this.#options;
    const taken = disk === undefined ? undefined : tokens.take(hash(`${token} ${disk}`));
    // One that was taken out of the fleet meanwhile stays out.
    return taken?.name !== undefined && enrolments.get(taken.name) !== undefined ? taken : undefined;
  }

  #nameFor(request: EnrolRequest, bound: string | undefined): string {
    const asked = request.name ?? request.gateway;
    if (bound !== undefined && asked !== undefined && asked !== bound)
      throw gatewayError('ECHO_TOKEN_INVALID', {
        message: `the token is for a gateway named ${bound}, not ${asked}`,
        remedy: `Name the gateway ${bound} in its settings, or make a token for ${asked}.`,
      });
    const id = bound ?? asked ?? `${request.facts.tier}-${randomBytes(3).toString('hex')}`;
    // A token made for a name that is taken is the operator's word that this gateway comes back without its secret.
    if (bound === undefined && this.#options.enrolments.get(id) !== undefined)
      throw gatewayError('ECHO_GATEWAY_NAME_TAKEN', {
        message: `a gateway named ${id} is enrolled already`,
        where: id,
      });
    return id;
  }

  #issue(id: string, request: EnrolRequest): EnrolReply {
    const secret = randomBytes(32).toString('base64url');
    const now = this.#clock();
    this.#put({
      id,
      secretHash: hash(secret),
      ...this.#seal(request.admin),
      facts: request.facts,
      enrolledAt: now,
      lastSeenAt: now,
    });
    return this.#reply(id, secret);
  }

  #renew(request: EnrolRequest, secret: string): EnrolReply {
    const id = request.gateway;
    if (id === undefined || !this.authenticate(id, secret))
      throw gatewayError('ECHO_TOKEN_INVALID', {
        message: id === undefined ? 'a secret without a gateway id' : `the secret of ${id} is not valid`,
        ...(id === undefined ? {} : { where: id }),
      });
    const known = this.#options.enrolments.get(id) as Enrolment;
    this.#put({
      ...known,
      ...this.#seal(request.admin),
      facts: request.facts,
      lastSeenAt: this.#clock(),
    });
    return this.#reply(id, secret);
  }

  #put(enrolment: Enrolment): void {
    this.#options.enrolments.put(enrolment);
    this.#options.brokers.note(enrolment);
  }

  #seal(admin: AdminAccess | undefined): { adminSealed?: string } {
    return admin === undefined ? {} : { adminSealed: this.#options.vault.seal(JSON.stringify(admin)) };
  }

  #reply(id: string, secret: string): EnrolReply {
    return {
      v: PROTOCOL_VERSION,
      gateway: id,
      secret,
      ...this.#options.brokers.grant(id, secret),
      heartbeatMs: this.#options.heartbeatMs,
    };
  }
}

function checkCertificate(admin: AdminAccess | undefined): void {
  if (admin?.certificate === undefined) return;
  try {
    new X509Certificate(admin.certificate);
  } catch (cause) {
    throw gatewayError('ECHO_GATEWAY_UNSUPPORTED', {
      message: 'the certificate of its admin API is not a PEM certificate',
      remedy: 'Give the certificate file of the gateway (-----BEGIN CERTIFICATE-----) in its settings.',
      cause,
    });
  }
}

/** Tokens and secrets are random and long: a plain hash is enough to keep them. */
function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}
