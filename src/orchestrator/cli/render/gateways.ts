/** Gateways and streams for people. Pure. */
import type { BrokerView, EnrolToken, GatewayDetail, GatewayView } from '../../types.ts';
import { ago, type Colour, type Column, type Paint, table } from '../terminal.ts';

const HEALTH: Readonly<Record<GatewayView['health'], Colour>> = {
  up: 'green',
  degraded: 'yellow',
  stale: 'yellow',
  down: 'red',
};
const TIERS = ['edge', 'fog', 'cloud'];

export const byTier = (a: GatewayView, b: GatewayView): number =>
  TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) || a.id.localeCompare(b.id);

const percent = (value: number | undefined): string => (value === undefined ? '' : `${Math.round(value)} %`);

const COLUMNS: readonly Column[] = [
  { title: 'GATEWAY' },
  { title: 'TIER' },
  { title: 'HEALTH' },
  { title: 'TASKS', right: true },
  { title: 'CPU', right: true },
  { title: 'FREE MB', right: true },
  { title: 'NODE-RED' },
  { title: 'SEEN' },
  { title: 'EDITOR' },
];

export function renderGateways(gateways: readonly GatewayView[], paint: Paint): string[] {
  if (gateways.length === 0) return ['No gateways. Make a token for one with "echoctl gateway token".'];
  const rows = [...gateways]
    .sort(byTier)
    .map((gateway) => [
      gateway.id,
      gateway.tier,
      paint(HEALTH[gateway.health], gateway.health),
      gateway.maxTasks === undefined ? String(gateway.tasks) : `${gateway.tasks}/${gateway.maxTasks}`,
      percent(gateway.cpuPct),
      gateway.memFreeMB === undefined ? '' : String(Math.round(gateway.memFreeMB)),
      gateway.nodeRedVersion,
      `${ago(gateway.lastSeen)} ago`,
      gateway.adminUrl,
    ]);
  const troubles = gateways.flatMap((gateway) => renderTroubles(gateway, paint));
  return [...table(COLUMNS, rows, paint), ...(troubles.length === 0 ? [] : ['', ...troubles])];
}

/** Why a gateway is degraded. */
const renderTroubles = ({ id, troubles = [] }: GatewayView, paint: Paint): string[] =>
  troubles.map(
    (trouble) => `${paint('yellow', '!')} ${trouble.startsWith(`${id}: `) ? '' : `${id}: `}${trouble}`,
  );

export function renderGateway(gateway: GatewayDetail, paint: Paint): string[] {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['site', gateway.site],
    ['editor', gateway.adminUrl],
    ['Node-RED', `${gateway.nodeRedVersion} on Node ${gateway.nodeVersion}, ${gateway.arch}`],
    ['processor', `${gateway.cpuCores} cores, ${percent(gateway.cpuPct) || 'load unknown'}`],
    ['memory', `${Math.round(gateway.memTotalMB)} MB, ${Math.round(gateway.memFreeMB ?? 0)} MB free`],
    ['capabilities', gateway.capabilities.join(', ') || undefined],
    ['tasks', `${gateway.tasks}${gateway.maxTasks === undefined ? '' : ` of at most ${gateway.maxTasks}`}`],
    ['applications', gateway.applications.join(', ') || undefined],
    ['last seen', `${ago(gateway.lastSeen)} ago`],
    ['event loop', gateway.heartbeat && `${gateway.heartbeat.eventLoopLagMs.toFixed(1)} ms behind`],
    ['node types', String(gateway.nodeTypes.length)],
  ];
  return [
    `${paint('bold', gateway.id)}  ${gateway.tier}  ${paint(HEALTH[gateway.health], gateway.health)}`,
    ...renderTroubles(gateway, paint),
    ...facts.flatMap(([name, value]) =>
      value === undefined ? [] : [`  ${paint('dim', name.padEnd(13))} ${value}`],
    ),
  ];
}

/** The reachability map: each broker, and under it who is meant to reach it and does. */
export function renderBrokers(brokers: readonly BrokerView[], paint: Paint): string[] {
  return brokers.flatMap(({ name, urls, from, gateways }) => [
    `${paint('bold', name)}  ${urls.join(', ')}  ${paint('dim', origin(from))}`,
    ...(gateways.length === 0 ? [`  ${paint('dim', 'no gateways')}`] : []),
    ...gateways.map(({ gateway, declared, probed }) => `  ${reach(declared, probed, paint)} ${gateway}`),
  ]);
}

const origin = (from: string): string =>
  from === 'orchestrator' ? 'embedded' : from === 'settings' ? 'from the settings' : `offered by ${from}`;

function reach(declared: boolean, probed: boolean | undefined, paint: Paint): string {
  if (!declared) return paint('dim', '–'.padEnd(13));
  if (probed === undefined) return paint('dim', 'not heard of '.padEnd(13));
  return probed ? paint('green', 'reached'.padEnd(13)) : paint('red', 'not reached'.padEnd(13));
}

export function renderToken({ token, expires, name }: EnrolToken, url: string, paint: Paint): string[] {
  return [
    paint('bold', token),
    '',
    `Good for one gateway${name === undefined ? '' : ` named ${name}`}, until ${expires}.`,
    'On the gateway: npm install @echo-dataflow/node-red-echo in its user folder, add to its settings.js',
    `  echo: { orchestrator: '${url}', token: '${token}', tier: 'edge' },`,
    "with its tier ('edge', 'fog' or 'cloud'), and restart its Node-RED.",
  ];
}
