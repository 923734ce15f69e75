/** Turns a route's definition into the handler that express runs. */
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { parseJson } from './body.ts';
import { apiError } from './errors.ts';
import type { Operation, Operations } from './operations.ts';
import { presentable, sendProblem, toProblem } from './problem.ts';
import { type Answer, type Call, type Route, take } from './route.ts';
import { openEventStream } from './sse.ts';

type Work = (progress: Call<unknown, unknown, unknown>['progress']) => Promise<Answer | undefined>;

export function serve(route: Route, operations: Operations, log: Logger): RequestHandler {
  return async (req, res) => {
    const input = {
      params: take(route.params, req.params, 'path'),
      query: take(route.query, req.query, 'query'),
      body: bodyOf(route, req),
      req,
      res,
    };
    const work: Work = (progress) => route.handle({ ...input, progress });
    if (route.long) return serveLong(req, res, work, operations, log);
    const answer = await work(() => {});
    if (answer !== undefined) send(res, answer);
  };
}

function bodyOf(route: Route, req: Request): unknown {
  if (route.body === undefined) return undefined;
  const body = parseJson(req.body);
  if (body !== undefined) return take(route.body, body, 'body');
  if (route.bodyOptional) return take(route.body, {}, 'body');
  throw apiError('ECHO_BODY_MISSING');
}

function send(res: Response, answer: Answer): void {
  res.status(answer.status).set(answer.headers ?? {});
  if (answer.body === undefined) res.end();
  else if (answer.type !== undefined) res.type(answer.type).send(answer.body);
  else res.json(answer.body);
}

/**
 * Long work is always an operation, so that a client that went away can still ask how it ended. It is answered in
 * one of three ways: when finished; at once with 202 and where to look; or as lines of JSON while it goes on.
 */
async function serveLong(
  req: Request,
  res: Response,
  work: Work,
  operations: Operations,
  log: Logger,
): Promise<void> {
  const operation = operations.start(`${req.method} ${req.path}`);
  const address = `/api/v1/operations/${operation.id}`;
  res.set('Operation-Location', address);
  const lines = wantsLines(req) && !wantsAsync(req) ? new Lines(res) : undefined;
  const running = run(work, operation, operations, log, req, lines);
  if (!wantsAsync(req)) return finishLong(req, res, await running, lines);
  res
    .status(202)
    .location(address)
    .set('Preference-Applied', 'respond-async')
    .json(operations.get(operation.id));
}

type Ended = { readonly answer: Answer | undefined } | { readonly error: ReturnType<typeof presentable> };

async function run(
  work: Work,
  { id }: Operation,
  operations: Operations,
  log: Logger,
  req: Request,
  lines: Lines | undefined,
): Promise<Ended> {
  try {
    const answer = await work((progress) => {
      operations.progress(id, progress);
      lines?.write({ type: 'progress', progress });
    });
    operations.finish(id, { result: answer?.body ?? null });
    return { answer };
  } catch (thrown) {
    const error = presentable(thrown, log);
    operations.finish(id, { problem: toProblem(error, req.originalUrl) });
    return { error };
  }
}

function finishLong(req: Request, res: Response, ended: Ended, lines: Lines | undefined): void {
  if ('error' in ended) {
    if (lines?.begun) lines.end({ type: 'error', problem: toProblem(ended.error, req.originalUrl) });
    else sendProblem(req, res, ended.error);
    return;
  }
  const answer = ended.answer ?? { status: 204 };
  if (lines === undefined) send(res, answer);
  else lines.end({ type: 'result', status: answer.status, result: answer.body ?? null });
}

/** An answer of JSON lines; the head goes out with the first, so that an early refusal keeps its own status. */
class Lines {
  readonly #res: Response;

  constructor(res: Response) {
    this.#res = res;
  }

  get begun(): boolean {
    return this.#res.headersSent;
  }

  write(line: unknown): void {
    if (this.#res.destroyed) return;
    if (!this.begun) {
      this.#res.status(200).type('application/x-ndjson').set('Cache-Control', 'no-cache');
    }
    this.#res.write(`${JSON.stringify(line)}\n`);
  }

  end(line: unknown): void {
    this.write(line);
    this.#res.end();
  }
}

const wantsLines = (req: Request): boolean => req.get('accept')?.includes('application/x-ndjson') ?? false;

function wantsAsync(req: Request): boolean {
  const asked = req.query.async;
  return (
    /\brespond-async\b/.test(req.get('prefer') ?? '') ||
    (asked !== undefined && asked !== '0' && asked !== 'false')
  );
}

/** Progress of an operation as server-sent events, from its first step, until it ends. */
export function followOperation(req: Request, res: Response, operations: Operations, id: string): void {
  const operation = operations.get(id);
  const stream = openEventStream(req, res);
  for (const progress of operation.progress) stream.send('progress', progress);
  if (operation.status !== 'running') {
    stream.send('finished', operation);
    stream.end();
    return;
  }
  const unfollow = operations.follow(id, (event) => {
    if (event.kind === 'progress') return stream.send('progress', event.progress);
    stream.send('finished', event.operation);
    stream.end();
  });
  stream.onClose(unfollow);
}
