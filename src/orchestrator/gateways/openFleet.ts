/** Joins broker, enrolment and fleet as the settings say; the composition root and the tests both start here. */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Settings } from '../../../settings.ts';
import type { Registry } from '../../registry/Registry.ts';
import { ORCHESTRATOR_USER } from '../../wire/access.ts';
import { type EchoError, isEchoError } from '../../wire/errors.ts';
import { type EmbeddedBroker, startBroker } from '../broker/EmbeddedBroker.ts';
import { accessOf, Brokers, type DeclaredBroker, withoutUser } from './brokers.ts';
import { EnrolmentDesk } from './enrolment.ts';
import { GatewayFleet } from './GatewayFleet.ts';
import type { EnrolmentStore, TokenStore, Vault } from './ports.ts';

export interface OpenFleetOptions {
  readonly settings: Pick<Settings, 'host' | 'publicUrl' | 'broker' | 'gateways' | 'sites'>;
  readonly store: {
    readonly enrolments: EnrolmentStore;
    readonly tokens: TokenStore;
    readonly vault: Vault;
    transaction<T>(work: () => T): T;
  };
  readonly registry: Registry;
  readonly log: Logger;
}

export interface OpenFleet {
  readonly fleet: GatewayFleet;
  readonly desk: EnrolmentDesk;
  /** Where gateways find the broker, several nodes separated by commas; without user and password. */
  readonly brokerUrl: string;
  close(): Promise<void>;
}

/**
 * A broker of one's own that is down is waited for, as it is when it goes down later: until then no gateway is online.
 * Throws ECHO_BROKER_PORT_IN_USE, ECHO_BROKER_FAILED, and ECHO_BROKER_UNREACHABLE when the broker refuses the
 * orchestrator; nothing is left running then.
 */
export async function openFleet(options: OpenFleetOptions): Promise<OpenFleet> {
  const { settings, store, registry, log } = options;
  const { broker, gateways } = settings;
  const password = randomBytes(24).toString('base64url');
  let embedded: EmbeddedBroker | undefined;
  let desk: EnrolmentDesk | undefined;
  if (broker.url === undefined) {
    embedded = await startBroker({
      host: settings.host,
      port: broker.port,
      log,
      authenticate: (user, given) =>
        user === ORCHESTRATOR_USER ? given === password : (desk?.authenticate(user, given) ?? false),
    });
  }
  const shared = shownTo(settings, embedded);
  const brokers = new Brokers({
    shared,
    sites: settings.sites,
    derive: (purpose) => store.vault.derive(purpose),
  });
  desk = new EnrolmentDesk({ ...store, heartbeatMs: gateways.heartbeatMs, brokers });
  const fleet = new GatewayFleet({
    registry,
    desk,
    brokers,
    access:
      embedded === undefined
        ? accessOf(shared as DeclaredBroker)
        : [{ url: mqttUrl(settings.host, embedded.port), username: ORCHESTRATOR_USER, password }],
    staleMs: gateways.staleMs,
    requestTimeoutMs: gateways.requestTimeoutMs,
    log,
    inBatch: (work) => store.transaction(work),
    onForgotten: (gateway) => embedded?.disconnect(gateway),
  });
  const close = async () => {
    await fleet.close();
    await embedded?.close();
  };
  try {
    await fleet.start();
  } catch (error) {
    if (!isDown(error)) {
      await close();
      throw error;
    }
    const { message, remedy } = error;
    log.warn({ remedy }, `the broker cannot be reached yet; gateways are offline until it can: ${message}`);
  }
  const brokerUrl = 'embedded' in shared ? shared.embedded : shared.url.map(withoutUser).join(',');
  return { fleet, desk, brokerUrl, close };
}

/** It could not be reached at all; a broker that answered, and refused, has given a CONNACK code. */
const isDown = (error: unknown): error is EchoError =>
  isEchoError(error, 'ECHO_BROKER_UNREACHABLE') &&
  typeof (error.cause as { code?: unknown } | undefined)?.code !== 'number';

/** The shared broker as gateways find it. */
function shownTo(
  settings: OpenFleetOptions['settings'],
  embedded: EmbeddedBroker | undefined,
): { readonly embedded: string } | DeclaredBroker {
  const { url = [], username, password } = settings.broker;
  if (embedded === undefined) return { url, username, password };
  return { embedded: mqttUrl(publicHost(settings), embedded.port) };
}

/** The name under which gateways reach this machine. */
function publicHost({ host, publicUrl }: Pick<Settings, 'host' | 'publicUrl'>): string {
  return publicUrl === undefined ? host : new URL(publicUrl).hostname;
}

/** Listening on every address, one's own connection goes over loopback. */
function mqttUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `mqtt://${reachable.includes(':') && !reachable.startsWith('[') ? `[${reachable}]` : reachable}:${port}`;
}
