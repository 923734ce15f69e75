/** Enrolment over HTTP: a token the first time, the secret it earned at every later start. */
import {
  type AdminAccess,
  type EnrolReply,
  type EnrolRequest,
  enrolReply,
  type GatewayFacts,
} from '../../../../src/wire/control.ts';
import { PROTOCOL_VERSION } from '../../../../src/wire/topics.ts';
import { agentError } from '../errors.ts';
import type { AgentConfig } from './config.ts';
import type { Identity } from './identity.ts';

const TIMEOUT_MS = 15_000;

/**
 * Asks the orchestrator once. Throws ECHO_ENROL_UNREACHABLE (worth trying again) or ECHO_ENROL_REFUSED (it is not).
 * A secret that is no longer good is tried again with the token, if there is one: the gateway was taken out of the
 * fleet and has been invited anew.
 */
export async function enrol(
  config: AgentConfig,
  identity: Identity | undefined,
  disk: string,
  facts: GatewayFacts,
  admin: AdminAccess | undefined,
): Promise<EnrolReply> {
  const common = { v: PROTOCOL_VERSION, facts, ...(admin === undefined ? {} : { admin }) } as const;
  if (identity !== undefined) {
    const renewal = { ...common, gateway: identity.gateway, secret: identity.secret };
    const answer = await ask(config.orchestrator, renewal);
    if (answer.ok) return answer.reply;
    if (config.token === undefined) throw refused(config, answer);
  }
  if (config.token === undefined) {
    throw agentError('ECHO_GATEWAY_SETTINGS_INVALID', {
      message: 'echo.token is missing: a gateway that is not enrolled yet needs one',
      remedy:
        'Make a token (`echoctl gateway token`), put it into echo.token or ECHO_TOKEN and restart Node-RED.',
    });
  }
  const first = {
    ...common,
    token: config.token,
    disk,
    ...(config.name === undefined ? {} : { name: config.name }),
  };
  const answer = await ask(config.orchestrator, first);
  if (answer.ok) return answer.reply;
  throw refused(config, answer);
}

type Answer =
  | { readonly ok: true; readonly reply: EnrolReply }
  | { readonly ok: false; readonly status: number; readonly problem: Problem };

/** The members of an RFC 9457 problem document that ECHO's orchestrator sends. */
interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly remedy?: string;
}

async function ask(orchestrator: string, request: EnrolRequest): Promise<Answer> {
  const url = `${orchestrator}/api/v1/enrol`;
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    body = text === '' ? {} : JSON.parse(text);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw agentError('ECHO_ENROL_UNREACHABLE', { message: `${url}: ${reason}`, where: url, cause: error });
  }
  if (response.status >= 500 || response.status === 429) {
    throw agentError('ECHO_ENROL_UNREACHABLE', { message: `${url} answered ${response.status}`, where: url });
  }
  if (!response.ok) return { ok: false, status: response.status, problem: body as Problem };
  const parsed = enrolReply.safeParse(body);
  if (parsed.success) return { ok: true, reply: parsed.data };
  return {
    ok: false,
    status: response.status,
    problem: { detail: 'its answer is not one of an orchestrator' },
  };
}

function refused(config: AgentConfig, { status, problem }: Extract<Answer, { ok: false }>): Error {
  const said = [problem.code, problem.detail ?? problem.title].filter(Boolean).join(': ') || `HTTP ${status}`;
  return agentError('ECHO_ENROL_REFUSED', {
    message: `${config.orchestrator} refused this gateway: ${said}`,
    where: config.orchestrator,
    ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
  });
}
