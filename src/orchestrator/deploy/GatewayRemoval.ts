/**
 * Takes a gateway out of the fleet: what was imported from it becomes its own again, other applications move off, and
 * with `force` those that cannot are stopped.
 */
import { type EchoError, isEchoError } from '../../wire/errors.ts';
import type { Events } from '../events.ts';
import type { Fleet } from '../gateways/types.ts';
import type { Store } from '../store/Store.ts';
import type { AppDetail, DeployInput, OrchestratorEvents } from '../types.ts';
import type { DeployDesk } from './DeployDesk.ts';
import { giveBack } from './ownership.ts';
import { awayWith, inUse } from './refusal.ts';
import { revise } from './rewrite.ts';

export interface GatewayRemovalPorts {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly desk: DeployDesk;
  readonly events: Events<OrchestratorEvents>;
  readonly now: () => number;
}

export class GatewayRemoval {
  readonly #ports: GatewayRemovalPorts;

  constructor(ports: GatewayRemovalPorts) {
    this.#ports = ports;
  }

  async remove(id: string, { force = false }: { force?: boolean }): Promise<void> {
    const { store, fleet, desk } = this.#ports;
    fleet.get(id);
    const applications = store.deployed.ofGateway(id).map((row) => row.application);
    if (!force && applications.length > 0 && !fleet.online(id)) throw awayWith(id);
    const stuck = new Map<string, EchoError>();
    for (const application of applications) {
      if (await this.#gaveBack(application, id)) continue;
      const why = await this.#moveOff(application, id, force);
      if (why !== undefined) stuck.set(application, why);
    }
    if (stuck.size > 0 && !force) throw inUse(id, stuck);
    for (const application of stuck.keys()) await desk.stop(application, undefined, { discard: true });
    store.transaction(() => {
      for (const row of store.deployed.ofGateway(id)) store.deployed.remove(row.application, id);
      for (const row of store.deployed.pending({ gateway: id }))
        store.deployed.removePending(row.application, id);
    });
    await fleet.forget(id);
  }

  /** What was imported and runs there alone becomes the gateway's own again, while it runs. */
  async #gaveBack(application: string, gateway: string): Promise<boolean> {
    const { store, fleet, desk, events, now } = this.#ports;
    const { applications, deployed } = store;
    const app = applications.get(application);
    const { flow, placement } = applications.version(application, app.version);
    const row = deployed.find(application, gateway);
    const alone = (where: AppDetail['placement']) => Object.values(where).every((at) => at === gateway);
    const imported = applications
      .history(application)
      .some((v) => v.origin === 'import' && alone(v.placement));
    if (row === undefined || !imported || !alone(placement) || !fleet.online(gateway)) return false;
    await desk.exclusive(application, async () => {
      await revise(fleet.admin(gateway), (current) => ({ flows: giveBack(current, row.nodes, flow) }));
      store.transaction(() => {
        deployed.remove(application, gateway);
        applications.put({ ...app, state: 'stopped', updated: now() });
      });
    });
    events.emit('application', application, 'stopped');
    return true;
  }

  /** Deploys the application again without the gateway; resolves with the reason when it cannot be. */
  async #moveOff(
    application: string,
    gateway: string,
    allowOffline: boolean,
  ): Promise<EchoError | undefined> {
    const { store, desk } = this.#ports;
    const app = store.applications.get(application);
    const { flow } = store.applications.version(application, app.version);
    const input: DeployInput = {
      application,
      flow,
      origin: 'gateway-rm',
      options: { allowOffline, discard: allowOffline },
    };
    const note = `without gateway ${gateway}`;
    try {
      await desk.deploy({ input, without: new Set([gateway]), note }, undefined);
      return undefined;
    } catch (error) {
      if (isEchoError(error)) return error;
      throw error;
    }
  }
}
