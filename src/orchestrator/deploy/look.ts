/** Looks at gateways through their admin API and agent, before anything is touched. */
import type { RawFlow } from '../../flow/types.ts';
import { isEchoError } from '../../wire/errors.ts';
import { gatewayError } from '../gateways/errors.ts';
import type { Fleet } from '../gateways/types.ts';
import type { Problem } from '../types.ts';

/** A gateway as it is now. */
export type Look =
  | { readonly gateway: string; readonly state: 'offline' }
  /** Online, but not fit for a deploy. */
  | { readonly gateway: string; readonly state: 'unfit'; readonly problem: Problem }
  | {
      readonly gateway: string;
      readonly state: 'ready';
      readonly rev: string;
      readonly flows: RawFlow;
      readonly types: ReadonlySet<string>;
      readonly maxBytes: number;
    };

/** Oldest Node-RED that is supported. */
const OLDEST = [4, 1] as const;

/** Never throws: whatever is wrong with the gateway is in the answer. */
export async function look(fleet: Fleet, gateway: string): Promise<Look> {
  try {
    // `get` throws for a gateway that is not enrolled (any more).
    const { nodeRedVersion } = fleet.get(gateway);
    if (!fleet.online(gateway)) return { gateway, state: 'offline' };
    assertSupported(gateway, nodeRedVersion);
    const admin = fleet.admin(gateway);
    const [{ rev, flows }, types] = await Promise.all([
      admin.flows(),
      admin.nodeTypes(),
      // An agent that does not answer could not hold deliveries either.
      fleet.control.request(gateway, { method: 'gate.status', params: { deploy: 'preflight' } }),
    ]);
    return { gateway, state: 'ready', rev, flows, types, maxBytes: fleet.apiMaxBytes(gateway) };
  } catch (error) {
    if (!isEchoError(error)) throw error;
    return { gateway, state: 'unfit', problem: problemOf(error) };
  }
}

function assertSupported(gateway: string, version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw gatewayError('ECHO_GATEWAY_UNSUPPORTED', {
    message: `Gateway '${gateway}' runs Node-RED ${version}; ${OLDEST.join('.')} is the oldest supported.`,
    where: gateway,
  });
}

/** An EchoError as it is told to a user. */
export function problemOf(error: {
  code: string;
  message: string;
  where?: string | undefined;
  remedy: string;
}): Problem {
  const { code, message, where, remedy } = error;
  return { code, message, ...(where === undefined ? {} : { where }), remedy };
}
