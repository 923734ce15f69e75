/**
 * Which broker a wire takes, PURE: from the reachability map, for each pair of gateways. Two gateways of one site that
 * both reach its broker exchange there, whatever becomes of the wide-area link; all others over the shared broker.
 */
import type { CutStream } from '../../flow/types.ts';
import type { Via } from '../../wire/nodes.ts';
import type { BrokerView, Plan } from '../types.ts';

export interface Route {
  readonly via: Via;
  /** Name of the broker in the reachability map. */
  readonly broker: string;
  /** Why it is not the site's, although both stand in it. */
  readonly warning?: string;
}

export type Routes = (from: string, to: string) => Route;

type Reach = BrokerView['gateways'][number];

/** A gateway that was not heard of since its broker was declared is taken at its word. */
export function routesOf(brokers: readonly BrokerView[]): Routes {
  const siteOf = new Map<string, { readonly broker: BrokerView; readonly reach: Reach }>();
  for (const broker of brokers) {
    if (broker.role === 'site')
      for (const reach of broker.gateways) siteOf.set(reach.gateway, { broker, reach });
  }
  return (from, to) => {
    const [a, b] = [siteOf.get(from), siteOf.get(to)];
    if (a === undefined || b === undefined || a.broker !== b.broker) return SHARED;
    const ends = [a.reach, b.reach];
    if (ends.some(({ declared }) => !declared)) return SHARED;
    const away = ends.filter(({ probed }) => probed === false).map(({ gateway }) => gateway);
    if (away.length === 0) return { via: 'site', broker: a.broker.name };
    const { site, urls } = a.broker;
    return {
      ...SHARED,
      warning:
        `'${from}' and '${to}' stand in site '${site}', but ${away.map((id) => `'${id}'`).join(' and ')} ` +
        `${away.length > 1 ? 'do' : 'does'} not reach its broker (${urls.join(', ')}) now: the wire takes the shared broker.`,
    };
  };
}

const SHARED: Route = Object.freeze({ via: 'shared', broker: 'shared' });

/** What a user should know of the routes these streams take. */
export function routeWarnings(streams: readonly CutStream[], routes: Routes): Plan['warnings'] {
  const found = streams.flatMap(({ stream, from, consumers }) =>
    consumers.map(({ gateway }) => ({ where: stream, message: routes(from.gateway, gateway).warning })),
  );
  return found.flatMap(({ where, message }) =>
    message === undefined ? [] : [{ code: 'ECHO_SITE_BROKER_NOT_REACHED', where, message }],
  );
}
