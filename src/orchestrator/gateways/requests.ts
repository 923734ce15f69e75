/** What agents were asked and have not answered yet: each question ends with its reply, its refusal or its time. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type ControlRequest,
  gateOpened,
  gateStatus,
  streamStatus,
  type UpEnvelope,
} from '../../wire/control.ts';
import type { EchoError } from '../../wire/errors.ts';
import { operationResults } from '../../wire/operate.ts';
import { gatewayError } from './errors.ts';

type Method = ControlRequest['method'];

interface Waiting {
  readonly gateway: string;
  readonly method: Method;
  /** The gateway went away: it is given the time of a blink. */
  readonly left: () => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: EchoError) => void;
}

const results: Record<Method, z.ZodType> = {
  'gate.close': gateStatus,
  'gate.status': gateStatus,
  'gate.open': gateOpened,
  'streams.status': z.array(streamStatus),
  ...operationResults,
  'streams.retire': z.unknown(),
  'gateway.renew': z.unknown(),
  'gateway.forget': z.unknown(),
};

/** A gateway that went away may be back after a blink of its link, and answer. */
const BLINK_MS = 2_000;

export class PendingRequests {
  readonly #timeoutMs: number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** A question that is about to be sent; its answer arrives by `reply`. */
  open(gateway: string, method: Method): { readonly id: string; readonly answered: Promise<unknown> } {
    const id = randomUUID();
    const answered = new Promise<unknown>((resolve, reject) => {
      const give = (ms: number, reason: string) =>
        setTimeout(() => this.fail(id, noReply(gateway, `no reply to ${method} ${reason}`)), ms);
      const timer = give(this.#timeoutMs, `within ${this.#timeoutMs} ms`);
      let away: NodeJS.Timeout | undefined;
      const ended =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          clearTimeout(away);
          this.#waiting.delete(id);
          how(value);
        };
      const left = () => {
        away ??= give(BLINK_MS, 'before it went offline');
      };
      this.#waiting.set(id, { gateway, method, left, resolve: ended(resolve), reject: ended(reject) });
    });
    return { id, answered };
  }

  /** A reply that is late (timed out), or to nobody's question, is dropped. */
  reply(gateway: string, reply: Extract<UpEnvelope, { type: 'reply' }>): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined || waiting.gateway !== gateway) return;
    if (reply.error !== undefined) {
      waiting.reject(refused(waiting, reply.error));
      return;
    }
    const result = results[waiting.method].safeParse(reply.result);
    if (result.success) waiting.resolve(result.data);
    else waiting.reject(unfit(waiting, result.error));
  }

  fail(id: string, error: EchoError): void {
    this.#waiting.get(id)?.reject(error);
  }

  /** The gateway went away; where it is not back in a moment, what it was asked fails. */
  left(gateway: string): void {
    for (const waiting of this.#waiting.values()) if (waiting.gateway === gateway) waiting.left();
  }

  failAll(error: EchoError): void {
    for (const id of [...this.#waiting.keys()]) this.fail(id, error);
  }
}

const noReply = (gateway: string, reason: string): EchoError =>
  gatewayError('ECHO_GATEWAY_NO_REPLY', { message: `${gateway}: ${reason}`, where: gateway });

const refused = (
  { gateway, method }: Waiting,
  { code, message, details }: NonNullable<Extract<UpEnvelope, { type: 'reply' }>['error']>,
): EchoError =>
  gatewayError('ECHO_GATEWAY_AGENT_FAILED', {
    message: `${gateway}: ${method}: ${message}`,
    where: gateway,
    details: { ...details, agentCode: code },
  });

function unfit({ gateway, method }: Waiting, { issues: [issue] }: z.ZodError): EchoError {
  return gatewayError('ECHO_GATEWAY_AGENT_FAILED', {
    message: `${gateway}: the reply to ${method} does not fit: ${issue?.path.join('/')}: ${issue?.message}`,
    where: gateway,
    remedy: 'Install the same release of the gateway package as the orchestrator, and restart that Node-RED.',
  });
}
