/**
 * The one error class of ECHO, and how an area declares its codes.
 *
 * Every error a user can meet has a stable `code`; the catalogue of an area is a plain object made with
 * `defineErrors`, and `src/orchestrator/api/errors.ts` joins them all (tested against `docs/errors.md`).
 * Bundles hold their own copy of this class: compare `error.code`, never `instanceof`, across packages.
 */

export interface ErrorEntry {
  /** HTTP status a REST answer carries for it. */
  readonly status: number;
  /** One sentence: what kind of thing went wrong. */
  readonly title: string;
  /** One sentence in the imperative: what the user can do. */
  readonly remedy: string;
}

export type ErrorCatalogue = Readonly<Record<string, ErrorEntry>>;

export interface ErrorDetail {
  /** What exactly was wrong, naming ids. Falls back to the entry's title. */
  readonly message?: string;
  /** Where: a JSON path (`/3/wires/0/1`), a node, a gateway, a topic. */
  readonly where?: string;
  /** Overrides the entry's remedy when a better one is known here. */
  readonly remedy?: string;
  /** Machine-readable extras; never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class EchoError extends Error {
  override readonly name = 'EchoError';
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
  readonly where: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: string, entry: ErrorEntry, detail: ErrorDetail = {}) {
    super(detail.message ?? entry.title, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.status = entry.status;
    this.title = entry.title;
    this.remedy = detail.remedy ?? entry.remedy;
    this.where = detail.where;
    this.details = detail.details;
  }
}

/** Makes an area's catalogue callable: `const raise = defineErrors({...}); throw raise('ECHO_X', {...})`. */
export function defineErrors<const C extends ErrorCatalogue>(catalogue: C) {
  const make = (code: keyof C & string, detail?: ErrorDetail): EchoError =>
    new EchoError(code, catalogue[code] as ErrorEntry, detail);
  return Object.assign(make, { catalogue: Object.freeze(catalogue) as C });
}

export function isEchoError(error: unknown, code?: string): error is EchoError {
  const e = error as { name?: unknown; code?: unknown } | null;
  return e?.name === 'EchoError' && (code === undefined || e.code === code);
}
