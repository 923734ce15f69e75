/**
 * One definition a route: its address, what it takes, what it answers. The server is mounted from it and the
 * OpenAPI document is generated from it, so that neither can drift from the other.
 */
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Progress } from '../types.ts';
import { apiError } from './errors.ts';
import type { SchemaName } from './schemas.ts';

export interface Answer {
  readonly status: number;
  /** Absent for 204. A `Buffer` or string goes out as it is under `type`; anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type?: string;
}

/** What a handler gets: parsed and validated input. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly req: Request;
  readonly res: Response;
  /** Reports a step of long work. Goes nowhere on a route that is not `long`. */
  readonly progress: (progress: Progress) => void;
}

export interface AnswerDoc {
  readonly description: string;
  readonly schema?: SchemaName;
  /** The answer is an array of `schema`. */
  readonly list?: boolean;
  /** Media type where it is not JSON. */
  readonly type?: string;
}

interface Described {
  readonly method: 'get' | 'post' | 'delete';
  /** Express form: `/api/v1/apps/:id`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Name of the body's schema in the document. */
  readonly bodySchema?: SchemaName;
  readonly bodyOptional?: boolean;
  readonly answers: Readonly<Record<number, AnswerDoc>>;
  /** Codes worth naming in the document, beside those every route may answer. */
  readonly errors?: readonly string[];
  /** May take seconds: also answers 202 at once (`Prefer: respond-async`) or as a stream of progress lines. */
  readonly long?: boolean;
  /** No API key: the route proves its caller itself, or tells nothing. */
  readonly open?: boolean;
}

export interface Definition<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>
  extends Described {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Returns undefined when it has written the answer itself. */
  readonly handle: (
    call: Call<z.output<P>, z.output<Q>, z.output<B>>,
  ) => Promise<Answer | undefined> | Answer | undefined;
}

export interface Route extends Described {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly handle: (call: Call<unknown, unknown, unknown>) => Promise<Answer | undefined>;
}

type Nothing = z.ZodObject<Record<never, never>>;

/** Types a definition by its schemas, then forgets them: the table of routes is uniform. */
export function route<
  P extends z.ZodObject = Nothing,
  Q extends z.ZodObject = Nothing,
  B extends z.ZodType = z.ZodUndefined,
>(definition: Definition<P, Q, B>): Route {
  const handle = async (call: Call<unknown, unknown, unknown>) =>
    definition.handle(call as Call<z.output<P>, z.output<Q>, z.output<B>>);
  return { ...definition, handle };
}

/** Reads one part of a request with its schema. Throws ECHO_REQUEST_INVALID naming the place. */
export function take<T>(schema: z.ZodType<T> | undefined, value: unknown, part: string): T {
  if (schema === undefined) return undefined as T;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = `${part}${(issue?.path ?? []).map((step) => `/${String(step)}`).join('')}`;
  throw apiError('ECHO_REQUEST_INVALID', {
    message: `${where}: ${issue === undefined ? 'does not fit' : reasonOf(issue)}`,
    where,
    details: { issues: result.error.issues.map((i) => ({ path: i.path.map(String), message: reasonOf(i) })) },
  });
}

const reasonOf = ({ code, message }: z.core.$ZodIssue): string =>
  code === 'invalid_type' && message.endsWith('received undefined') ? 'is missing' : message;
