/** The whole of ECHO for scenario tests: an orchestrator in this process and real Node-RED gateways as children. */
import { loadSettings } from '../../settings.ts';
import type { GatewayProcess } from '../../src/orchestrator/fleet/gateway.ts';
import type { NodeRedLine } from '../../src/orchestrator/fleet/installs.ts';
import {
  createOrchestratorProcess,
  type OrchestratorProcess,
  type ProcessOptions,
} from '../../src/orchestrator/main.ts';
import type { OrchestratorService } from '../../src/orchestrator/types.ts';
import type { Tier } from '../../src/wire/control.ts';
import { startMosquitto, type TestBroker } from './brokers.ts';
import type { Disposables } from './cleanup.ts';
import { startRealGateway } from './gateways.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { waitFor } from './wait.ts';

export interface GatewaySpec {
  readonly name: string;
  readonly tier: Tier;
  readonly version: NodeRedLine;
  readonly echo?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** One gateway a tier, both Node-RED lines. */
export const MIXED: readonly GatewaySpec[] = [
  { name: 'edge-1', tier: 'edge', version: '4.1' },
  { name: 'fog-1', tier: 'fog', version: '5.0' },
  { name: 'cloud-1', tier: 'cloud', version: '5.0' },
];

export interface EchoOptions extends ProcessOptions {
  /** `aedes`: embedded in the orchestrator, the default. With `url`: brokers that stand already. */
  readonly broker?: 'aedes' | 'mosquitto' | { readonly url: readonly string[] };
  readonly gateways?: readonly GatewaySpec[];
  /** Give each gateway a link of its own to the broker, to be cut and healed. */
  readonly links?: boolean;
}

export interface Echo {
  readonly service: OrchestratorService;
  readonly url: string;
  readonly dataDir: string;
  /** mosquitto; undefined when the broker is embedded. */
  readonly broker: TestBroker | undefined;
  gateway(name: string): GatewayProcess;
  /** Needs `links`. */
  link(name: string): TcpProxy;
  /** Adds a gateway and waits until it is up. */
  add(spec: GatewaySpec): Promise<GatewayProcess>;
  allUp(): Promise<void>;
  /** Ends the orchestrator and starts it again on the same data and ports. */
  restart(options?: ProcessOptions): Promise<void>;
}

/** Starts everything; ends with the suite. */
export async function startEcho(kit: Disposables, options: EchoOptions = {}): Promise<Echo> {
  const dataDir = kit.folder('echo-scenario-');
  const broker = options.broker === 'mosquitto' ? await startMosquitto(kit) : undefined;
  const brokerSettings = (port: number) => {
    if (broker !== undefined) return { url: broker.url };
    return typeof options.broker === 'object' ? options.broker : { port };
  };
  const start = (port: number, brokerPort: number, more: ProcessOptions) =>
    createOrchestratorProcess(
      loadSettings(
        {
          dataDir,
          port,
          broker: brokerSettings(brokerPort),
          gateways: { heartbeatMs: 250, staleMs: 2000 },
        },
        {},
      ),
      { editor: false, ...more },
    );
  let running: OrchestratorProcess = await start(0, 0, options);
  const { url, brokerUrl } = running;
  kit.add(running, () => running.close());
  const gateways = new Map<string, GatewayProcess>();
  const links = new Map<string, TcpProxy>();

  const echo: Echo = {
    get service() {
      return running.service;
    },
    url,
    dataDir,
    broker,
    gateway: (name) => present(gateways, name),
    link: (name) => present(links, name),
    async add({ name, tier, version, echo: more, settings }) {
      let link = {};
      if (options.links) {
        const proxy = await startTcpProxy(kit, { port: Number(new URL(brokerUrl).port) });
        links.set(name, proxy);
        link = { broker: `mqtt://127.0.0.1:${proxy.port}` };
      }
      const { token } = running.service.createToken({ name });
      const gateway = await startRealGateway(kit, {
        name,
        version,
        echo: { orchestrator: url, token, name, tier, ...link, ...more },
        ...(settings === undefined ? {} : { settings }),
      });
      gateways.set(name, gateway);
      await isUp(running.service, name);
      return gateway;
    },
    async allUp() {
      for (const name of gateways.keys()) await isUp(running.service, name);
    },
    async restart(more = {}) {
      await running.close();
      running = await start(Number(new URL(url).port), Number(new URL(brokerUrl).port), more);
    },
  };
  await Promise.all((options.gateways ?? MIXED).map((spec) => echo.add(spec)));
  return echo;
}

async function isUp(service: OrchestratorService, name: string): Promise<void> {
  await waitFor(() => service.gateways().some(({ id, health }) => id === name && health === 'up'), {
    timeout: 60_000,
    what: `${name} to be up`,
  });
}

function present<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`no ${name} in this test`);
  return found;
}
