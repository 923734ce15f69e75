/** The orchestrator's real fleet machinery with simulated gateways in it: store, registry, broker, enrolment. */
import { pino } from 'pino';
import { loadSettings, type Settings } from '../../../settings.ts';
import { type OpenFleet, openFleet } from '../../../src/orchestrator/gateways/openFleet.ts';
import { openStore, type Store } from '../../../src/orchestrator/store/Store.ts';
import { Registry } from '../../../src/registry/Registry.ts';
import type { Disposables } from '../cleanup.ts';
import { waitFor } from '../wait.ts';
import { GatewaySimulator, type SimulatedGateway, type SimulatedGatewayOptions } from './index.ts';

export interface SimulatedFleet extends OpenFleet {
  readonly settings: Settings;
  readonly store: Store;
  readonly registry: Registry;
  readonly simulator: GatewaySimulator;
  /** Adds a gateway, enrols it and waits until the fleet calls it up. */
  join(options: SimulatedGatewayOptions): Promise<SimulatedGateway>;
}

export interface SimulatedFleetOptions {
  readonly settings?: Record<string, unknown>;
  readonly dataDir?: string;
  /** Keep an earlier simulator, to start an orchestrator again over the same gateways. */
  readonly simulator?: GatewaySimulator;
}

/** Ends with the suite. */
export async function startSimulatedFleet(
  kit: Disposables,
  options: SimulatedFleetOptions = {},
): Promise<SimulatedFleet> {
  const dataDir = options.dataDir ?? kit.folder('echo-fleet-');
  const settings = loadSettings(
    {
      dataDir,
      broker: { port: 0 },
      gateways: { heartbeatMs: 200, staleMs: 2_000, requestTimeoutMs: 2_000 },
      ...options.settings,
    },
    {},
  );
  const store = openStore(dataDir);
  const registry = new Registry({ store: store.catalogue });
  const log = pino({ level: 'silent' });
  const open = await openFleet({ settings, store, registry, log });
  const simulator = options.simulator ?? (await GatewaySimulator.start());
  let closed = false;
  const fleet: SimulatedFleet = {
    ...open,
    settings,
    store,
    registry,
    simulator,
    async join(gatewayOptions) {
      const gateway = simulator.add(gatewayOptions);
      const { token } = open.desk.createToken();
      const { gateway: id } = await gateway.enrol((request) => open.fleet.enrol(request), token);
      await waitFor(() => open.fleet.get(id).health === 'up', { what: `${id} to be up` });
      return gateway;
    },
    async close() {
      if (closed) return;
      closed = true;
      await open.close();
      store.close();
    },
  };
  kit.add(fleet, () => fleet.close());
  if (options.simulator === undefined) kit.add(simulator, () => simulator.close());
  return fleet;
}
