/** Carries out what the orchestrator asks of this gateway. */
import { type ControlRequest, type DownEnvelope, parseDown } from '../../../../src/wire/control.ts';
import { isEchoError } from '../../../../src/wire/errors.ts';
import { agentError, logLine } from '../errors.ts';
import type { FlowIndex } from '../flowIndex.ts';
import type { Gate, Streams } from '../ports.ts';

/** Answers kept for a request that arrives twice. */
const REMEMBERED = 64;
/** How long a gate waits, before it opens, for a deploy to have started its nodes, ms. */
const STARTING_MS = 15_000;

export interface Reply {
  readonly id: string;
  readonly result?: unknown;
  readonly error?: { code: string; message: string };
}

export interface RequestsOptions {
  readonly gate: Gate;
  readonly streams: Streams;
  readonly flows: Pick<FlowIndex, 'running' | 'onChange'>;
  /** Asked to enrol again. */
  readonly onRenew: () => void;
  /** Called after the reply to `gateway.forget` has been given. */
  readonly onForget: () => void;
  readonly reply: (reply: Reply) => void;
  readonly warn: (text: string) => void;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #answers = new Map<string, Promise<Reply>>();
  /** Packets that were no request. */
  malformed = 0;
  #warned = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Takes one packet of the down topic; answers through `reply`. Never throws. */
  take(payload: Uint8Array): void {
    const parsed = parseDown(payload);
    if (!parsed.ok) {
      this.#refuse(payload, parsed.reason);
      return;
    }
    const envelope = parsed.value;
    let answer = this.#answers.get(envelope.id);
    if (answer === undefined) {
      answer = this.#answer(envelope);
      this.#answers.set(envelope.id, answer);
      if (this.#answers.size > REMEMBERED) this.#answers.delete(this.#answers.keys().next().value!);
    }
    void answer.then((reply) => {
      this.#options.reply(reply);
      if (envelope.request.method === 'gateway.forget') this.#options.onForget();
    });
  }

  async #answer({ id, request }: DownEnvelope): Promise<Reply> {
    try {
      return { id, result: (await this.#perform(request)) ?? null };
    } catch (error) {
      const known = isEchoError(error) ? error : agentError('ECHO_GATEWAY_FAULT', { cause: error });
      if (!isEchoError(error)) this.#options.warn(`${request.method}: ${(error as Error).stack}`);
      return { id, error: { code: known.code, message: known.message } };
    }
  }

  async #perform(request: ControlRequest): Promise<unknown> {
    const { gate, streams } = this.#options;
    switch (request.method) {
      case 'gate.close': {
        const { deploy, ...options } = request.params;
        return gate.close(deploy, options);
      }
      case 'gate.status':
        return gate.status(request.params.deploy);
      case 'gate.open':
        await this.#flowsRun();
        return gate.open(request.params.deploy, request.params.orphans);
      case 'streams.status':
        return streams.status();
      case 'streams.inspect':
      case 'streams.purge':
      case 'streams.skip':
      case 'dead.list':
      case 'dead.show':
      case 'dead.replay':
      case 'dead.drop':
        return streams.operate(request);
      case 'streams.retire':
        return streams.retire(request.params.streams);
      case 'gateway.renew':
        this.#options.onRenew();
        return;
      case 'gateway.forget':
        for (const deploy of gate.openDeploys()) gate.open(deploy, 'drop');
        return streams.retire(streams.status().map(({ stream }) => stream));
    }
  }

  /** The admin API answers a deploy before its nodes have started; what a gate holds is for those. */
  #flowsRun(): Promise<void> {
    const { flows } = this.#options;
    if (flows.running) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        stop();
        reject(agentError('ECHO_FLOWS_NOT_RUNNING'));
      }, STARTING_MS);
      const stop = flows.onChange(() => {
        if (!flows.running) return;
        clearTimeout(limit);
        stop();
        resolve();
      });
    });
  }

  #refuse(payload: Uint8Array, reason: string): void {
    this.malformed++;
    const now = Date.now();
    if (now - this.#warned > 60_000) {
      this.#warned = now;
      const message = `a control packet was ignored (${reason})`;
      this.#options.warn(logLine(agentError('ECHO_CONTROL_INVALID', { message })));
    }
    const id = requestId(payload);
    if (id === undefined) return;
    this.#options.reply({ id, error: { code: 'ECHO_CONTROL_INVALID', message: reason } });
  }
}

/** The id of something that at least looks like a request, so that its sender need not wait in vain. */
function requestId(payload: Uint8Array): string | undefined {
  if (payload.length > 65_536) return undefined;
  try {
    const { type, id } = JSON.parse(Buffer.from(payload).toString('utf8')) as {
      type?: unknown;
      id?: unknown;
    };
    return type === 'request' && typeof id === 'string' && id.length <= 64 ? id : undefined;
  } catch {
    return undefined;
  }
}
