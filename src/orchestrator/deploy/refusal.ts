/** Refusals as errors. */
import { flowError } from '../../flow/errors.ts';
import { placementError } from '../../placement/errors.ts';
import { EchoError, type ErrorCatalogue, isEchoError } from '../../wire/errors.ts';
import { gatewayError } from '../gateways/errors.ts';
import { storeError } from '../store/errors.ts';
import type { Plan } from '../types.ts';
import { deployError } from './errors.ts';

const known: ErrorCatalogue = {
  ...flowError.catalogue,
  ...placementError.catalogue,
  ...gatewayError.catalogue,
  ...storeError.catalogue,
  ...deployError.catalogue,
};

/** Throws the first blocker as an error; `details` holds them all, and the records that wait. */
export function refuseBlocked({ blockers, stranded }: Plan): void {
  const [first] = blockers;
  if (first === undefined) return;
  const { code, message, remedy, where } = first;
  const entry = known[code] ?? { status: 409, title: message, remedy };
  const more = blockers.length > 1 ? ` (and ${blockers.length - 1} more)` : '';
  throw new EchoError(code, entry, {
    message: `${message}${more}`,
    remedy,
    ...(where === undefined ? {} : { where }),
    details: { blockers, stranded },
  });
}

/** What a deploy failed with; one that ran out of time while records wait says which. */
export function failureOf(error: unknown, { stranded }: Plan): unknown {
  if (!isEchoError(error, 'ECHO_DRAIN_TIMEOUT') || stranded.length === 0) return error;
  const { code, message, where, remedy, details } = error;
  return new EchoError(code, error, {
    message,
    remedy,
    ...(where === undefined ? {} : { where }),
    details: { ...details, stranded },
    cause: error,
  });
}

/** `stuck`: why each application cannot do without the gateway. */
export const inUse = (gateway: string, stuck: ReadonlyMap<string, EchoError>): EchoError =>
  deployError('ECHO_GATEWAY_IN_USE', {
    message: `Gateway '${gateway}' is needed by ${[...stuck].map(([id, why]) => `${id} (${why.message})`).join('; ')}`,
    where: gateway,
    details: { applications: [...stuck.keys()] },
  });

export const awayWith = (gateway: string): EchoError =>
  deployError('ECHO_GATEWAY_OFFLINE', {
    message: `Gateway '${gateway}' is offline: what ECHO put there cannot be taken off.`,
    where: gateway,
    remedy: 'Bring it back first, or take it out with --force and clean it by hand.',
  });
