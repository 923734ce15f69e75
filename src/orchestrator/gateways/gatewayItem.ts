/** A gateway as an item of the registry, and back. Pure. Never holds a secret. */

import type { Health } from '../../placement/types.ts';
import { allValues, firstValue, type Item, type Pair, rels } from '../../registry/types.ts';
import { type GatewayFacts, tier } from '../../wire/control.ts';

const PREFIX = 'urn:X-echo:rels:';
/** Where gateways stand in the catalogue; nobody else may write there. */
export const GATEWAY_HREF = '/gateway/';

/** What changes while a gateway lives. Times are ms since the epoch. */
export interface GatewayState {
  readonly health: Health;
  readonly lastSeen: number;
  /** End of the lease. */
  readonly expires: number;
  readonly cpuPct?: number;
  readonly memFreeMB?: number;
  /** Names of the brokers it reaches, as it said last. */
  readonly reaches?: readonly string[];
}

export interface GatewayRecord extends GatewayState {
  readonly id: string;
  readonly facts: GatewayFacts;
}

export const gatewayHref = (id: string): string => `${GATEWAY_HREF}${id}`;
export const isGatewayItem = (item: Item): boolean => item.href.startsWith(GATEWAY_HREF);

export function toItem(id: string, facts: GatewayFacts, state: GatewayState): Item {
  const pairs: Pair[] = [
    { rel: rels.description, val: `Node-RED gateway ${id} (${facts.tier})` },
    { rel: rels.contentType, val: 'application/json' },
    { rel: rels.homepage, val: facts.adminUrl },
    { rel: rels.lastUpdated, val: time(state.lastSeen) },
  ];
  const say = (name: string, value: string | undefined): void => {
    if (value !== undefined) pairs.push({ rel: PREFIX + name, val: value });
  };
  say('hasId', id);
  say('tier', facts.tier);
  say('site', facts.site);
  say('health', state.health);
  say('lastSeen', time(state.lastSeen));
  say('expires', time(state.expires));
  say('adminUrl', facts.adminUrl);
  say('apiMaxBytes', String(facts.apiMaxBytes));
  say('nodeRedVersion', facts.nodeRedVersion);
  say('nodeVersion', facts.nodeVersion);
  say('agentVersion', facts.agentVersion);
  say('arch', facts.arch);
  say('platform', facts.platform);
  say('cpuCores', padded(facts.cpuCores, 4));
  say('cpuUtilPct', state.cpuPct === undefined ? undefined : padded(state.cpuPct, 3));
  say('memTotalMB', padded(facts.memTotalMB, 8));
  say('memFreeMB', state.memFreeMB === undefined ? undefined : padded(state.memFreeMB, 8));
  say('maxTasks', facts.maxTasks?.toString());
  say('siteBroker', facts.siteBroker);
  for (const broker of state.reaches ?? []) say('reachesBroker', broker);
  for (const capability of facts.capabilities) say('capability', capability);
  for (const type of facts.nodeTypes) say('nodeType', type);
  if (facts.location !== undefined) {
    pairs.push({ rel: rels.lat, val: String(facts.location.lat) });
    pairs.push({ rel: rels.long, val: String(facts.location.long) });
  }
  return { href: gatewayHref(id), 'item-metadata': pairs };
}

/** Reads an item that `toItem` wrote, here or in another orchestrator of the same release. */
export function fromItem(item: Item): GatewayRecord {
  const pairs = item['item-metadata'];
  const said = (name: string): string | undefined => firstValue(pairs, PREFIX + name);
  const text = (name: string): string => said(name) ?? '';
  const number = (name: string): number => Number(said(name));
  const site = said('site');
  const maxTasks = said('maxTasks');
  const siteBroker = said('siteBroker');
  const [lat, long] = [firstValue(pairs, rels.lat), firstValue(pairs, rels.long)];
  const facts: GatewayFacts = {
    tier: tier.parse(said('tier')),
    adminUrl: text('adminUrl'),
    nodeRedVersion: text('nodeRedVersion'),
    nodeVersion: text('nodeVersion'),
    agentVersion: text('agentVersion'),
    arch: text('arch'),
    platform: text('platform'),
    cpuCores: number('cpuCores'),
    memTotalMB: number('memTotalMB'),
    apiMaxBytes: number('apiMaxBytes'),
    capabilities: allValues(pairs, `${PREFIX}capability`),
    nodeTypes: allValues(pairs, `${PREFIX}nodeType`),
    ...(site === undefined ? {} : { site }),
    ...(maxTasks === undefined ? {} : { maxTasks: Number(maxTasks) }),
    ...(siteBroker === undefined ? {} : { siteBroker }),
    ...(lat === undefined || long === undefined
      ? {}
      : { location: { lat: Number(lat), long: Number(long) } }),
  };
  return {
    id: text('hasId'),
    facts,
    health: text('health') as Health,
    lastSeen: Date.parse(text('lastSeen')),
    expires: Date.parse(text('expires')),
    ...(said('cpuUtilPct') === undefined ? {} : { cpuPct: number('cpuUtilPct') }),
    ...(said('memFreeMB') === undefined ? {} : { memFreeMB: number('memFreeMB') }),
  };
}

const time = (ms: number): string => new Date(ms).toISOString();

/** Fixed width with two decimals, so that comparing the strings compares the numbers. */
function padded(value: number, digits: number): string {
  return Math.max(0, value)
    .toFixed(2)
    .padStart(digits + 3, '0');
}
