/** Errors as RFC 9457 problem documents. */
import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import { type EchoError, isEchoError } from '../../wire/errors.ts';
import { apiError } from './errors.ts';

/** `application/problem+json`. `type` leads to the code's page in the catalogue. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly remedy: string;
  readonly where?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function toProblem(error: EchoError, instance: string): ProblemDocument {
  return {
    type: `/api/v1/errors/${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    instance,
    code: error.code,
    remedy: error.remedy,
    ...(error.where === undefined ? {} : { where: error.where }),
    ...(error.details === undefined ? {} : { details: error.details }),
  };
}

/**
 * Any thrown value as an error a client may see. What ECHO did not raise itself is logged whole under an id, and
 * only the id leaves the house.
 */
export function presentable(error: unknown, log: Logger): EchoError {
  if (isEchoError(error)) return error;
  const known = fromExpress(error);
  if (known !== undefined) return known;
  const id = randomUUID();
  log.error({ err: error, id }, 'unexpected error');
  return apiError('ECHO_INTERNAL', {
    message: `An unexpected error; its id in the orchestrator's log is ${id}.`,
    details: { id },
  });
}

/** Express and its body reader raise http-errors: those of the 4xx kind are the client's. */
function fromExpress(error: unknown): EchoError | undefined {
  const e = error as { status?: unknown; type?: unknown; message?: unknown; limit?: unknown } | null;
  if (typeof e?.status !== 'number' || e.status < 400 || e.status > 499) return undefined;
  const detail = { message: String(e.message), cause: error };
  if (e.type === 'entity.too.large') {
    return apiError('ECHO_BODY_TOO_LARGE', {
      ...detail,
      message: `The body is larger than ${String(e.limit)} bytes.`,
    });
  }
  return apiError('ECHO_REQUEST_INVALID', detail);
}

export function sendProblem(req: Request, res: Response, error: EchoError): void {
  if (error.code === 'ECHO_UNAUTHORIZED') res.set('WWW-Authenticate', challenge(req));
  res
    .status(error.status)
    .type('application/problem+json')
    .send(JSON.stringify(toProblem(error, req.originalUrl)));
}

/** A browser that opens a page asks its user for the key; a program is told the scheme. */
function challenge(req: Request): string {
  return req.get('accept')?.includes('text/html')
    ? 'Basic realm="ECHO: any name, the API key as password"'
    : 'Bearer realm="ECHO"';
}

export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error, req, res, next) => {
    const presented = presentable(error, log);
    // The answer is under way: only closing the connection still says that it failed.
    if (res.headersSent) return next(error);
    sendProblem(req, res, presented);
  };
}
