/** What this gateway says of itself. */
import Module from 'node:module';
import { connect } from 'node:net';
import { arch, cpus, networkInterfaces, platform, totalmem } from 'node:os';
import type { GatewayFacts } from '../../../../src/wire/control.ts';
import type { Red, RedSettings } from '../red.ts';
import type { AgentConfig } from './config.ts';

declare const ECHO_AGENT_VERSION: string | undefined;
const agentVersion = typeof ECHO_AGENT_VERSION === 'undefined' ? '0.0.0' : ECHO_AGENT_VERSION;

export function gatewayFacts(red: Red, config: AgentConfig, adminUrl: string): GatewayFacts {
  const version = typeof red.version === 'function' ? red.version() : red.version;
  const { tier, site, capabilities, maxTasks, location } = config;
  return {
    tier,
    ...(site === undefined ? {} : { site }),
    adminUrl,
    nodeRedVersion: version.replace(/^v/, ''),
    nodeVersion: process.version.replace(/^v/, ''),
    agentVersion,
    arch: arch(),
    platform: platform(),
    cpuCores: Math.max(1, cpus().length),
    memTotalMB: Math.round(totalmem() / 1048576),
    capabilities,
    ...(maxTasks === undefined ? {} : { maxTasks }),
    nodeTypes: nodeTypes(),
    apiMaxBytes: bytes(red.settings.apiMaxLength ?? '5mb'),
    ...(location === undefined ? {} : { location }),
    ...(config.siteBroker === undefined ? {} : { siteBroker: siteBrokerUrl(config.siteBroker) }),
  };
}

/** Where the gateways of the site reach its broker: as configured, else at the address it is bound to. */
export function siteBrokerUrl({ url, host, port }: NonNullable<AgentConfig['siteBroker']>): string {
  if (url !== undefined) return url;
  const address = host === undefined || host === '0.0.0.0' || host === '::' ? firstAddress() : host;
  return `mqtt://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Of the interfaces other machines can reach, the first; loopback when there is none. */
function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outer = all.filter(({ internal }) => !internal);
  return (outer.find(({ family }) => family === 'IPv4') ?? outer[0])?.address ?? '127.0.0.1';
}

interface NodeSet {
  readonly types: readonly string[];
  readonly enabled: boolean;
  readonly loaded?: boolean;
  readonly err?: unknown;
}

/** Types that can run here now. Plugins are given no list of them: the registry module of this process has it. */
function nodeTypes(): string[] {
  const cache = (Module as unknown as { _cache: Record<string, { exports: unknown } | undefined> })._cache;
  const path = Object.keys(cache).find((key) =>
    /[\\/]@node-red[\\/]registry[\\/]lib[\\/]index\.js$/.test(key),
  );
  const registry = path && (cache[path]?.exports as { getNodeList(): NodeSet[] } | undefined);
  if (!registry) return [];
  const usable = registry.getNodeList().filter((set) => set.enabled && !set.err && set.loaded !== false);
  return [...new Set(usable.flatMap((set) => set.types))].sort();
}

/**
 * Where the orchestrator reaches the admin API: as configured, else the port the server really listens on, at the
 * host it is bound to or, bound to all, the address this machine uses towards the orchestrator.
 */
export async function adminUrl(red: Red, config: AgentConfig): Promise<string> {
  if (config.adminUrl !== undefined) return config.adminUrl;
  const { settings } = red;
  const bound = settings.uiHost;
  const host =
    bound === undefined || bound === '' || bound === '0.0.0.0' || bound === '::'
      ? await ownAddress(config.orchestrator)
      : bound;
  const listening = red.server?.address();
  const port = typeof listening === 'object' && listening !== null ? listening.port : settings.uiPort;
  const root = (settings.httpAdminRoot || '/').replace(/^\/?/, '/').replace(/\/+$/, '');
  return `http${settings.https ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}${root}`;
}

/** Address of the network interface that leads to `url`; loopback when nothing answers there. */
function ownAddress(url: string): Promise<string> {
  const { hostname, port, protocol } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
    });
    const answer = (address: string | undefined): void => {
      socket.destroy();
      resolve(address?.replace(/^::ffff:/, '') ?? '127.0.0.1');
    };
    socket.setTimeout(3_000, () => answer(undefined));
    socket.once('connect', () => answer(socket.localAddress));
    socket.once('error', () => answer(undefined));
  });
}

/** PEM of the certificate the admin API shows, so that the orchestrator can pin one that nobody else signed. */
export async function ownCertificate(settings: RedSettings): Promise<string | undefined> {
  const given: unknown = settings.https;
  const https = (await (typeof given === 'function' ? given() : given)) as { cert?: unknown } | undefined;
  const cert = Array.isArray(https?.cert) ? https.cert[0] : https?.cert;
  return cert === undefined ? undefined : String(cert);
}

/** `5mb`, `100kb`, `1048576` → bytes, read as body-parser does. */
export function bytes(size: string | number): number {
  if (typeof size === 'number') return size;
  const [, number = '5', unit = ''] = /^\s*([\d.]+)\s*(kb|mb|gb)?/i.exec(size) ?? [];
  const power = { kb: 1, mb: 2, gb: 3 }[unit.toLowerCase()] ?? 0;
  return Math.max(1, Math.floor(Number(number) * 1024 ** power));
}
