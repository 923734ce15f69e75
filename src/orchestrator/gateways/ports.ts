/** What the gateway machinery asks of the store: synchronous, durable when a call returns. Times are ms since the epoch. */
import type { GatewayFacts } from '../../wire/control.ts';

/** An enrolled gateway. Secrets are kept as hashes or sealed, never in the clear. */
export interface Enrolment {
  readonly id: string;
  /** SHA-256 of its secret, hex. */
  readonly secretHash: string;
  /** `AdminAccess` as JSON, sealed by the `Vault`. */
  readonly adminSealed?: string;
  /** What it said of itself last, so that a restarted orchestrator knows its fleet before the first hello. */
  readonly facts: GatewayFacts;
  readonly enrolledAt: number;
  /** When it was last heard of, at a walking pace. */
  readonly lastSeenAt: number;
}

export interface EnrolmentStore {
  list(): Enrolment[];
  get(id: string): Enrolment | undefined;
  /** Inserts or replaces. */
  put(enrolment: Enrolment): void;
  remove(id: string): void;
}

export interface Token {
  /** SHA-256 of the token, hex. */
  readonly hash: string;
  /** The only gateway name it may enrol. */
  readonly name?: string;
  readonly expiresAt: number;
}

export interface TokenStore {
  put(token: Token): void;
  /** Takes the token out, so that it can be used once: the second call finds nothing. */
  take(hash: string): Token | undefined;
  /** Forgets tokens that ended before `now`. */
  prune(now: number): void;
}

/** Encryption at rest with the orchestrator's own key. */
export interface Vault {
  seal(plain: string): string;
  /** Throws when it was not sealed by this key. */
  open(sealed: string): string;
  /** A secret made of the key and a purpose: always the same, and telling nothing of the key. */
  derive(purpose: string): string;
}
