/** The three gateways of `npm start`: real Node-REDs that enrol by themselves and are started again when they crash. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../../../settings.ts';
import type { Tier } from '../../wire/control.ts';
import type { OrchestratorService } from '../types.ts';
import { fleetError } from './errors.ts';
import { GatewayProcess } from './gateway.ts';
import { installGatewayPackage, installNodeRed, type NodeRedLine } from './installs.ts';
import { assertPortFree } from './ports.ts';

interface GatewaySpec {
  readonly name: string;
  readonly tier: Tier;
  readonly line: NodeRedLine;
}

export const LOCAL_FLEET: readonly GatewaySpec[] = [
  { name: 'edge-1', tier: 'edge', line: '4.1' },
  { name: 'fog-1', tier: 'fog', line: '5.0' },
  { name: 'cloud-1', tier: 'cloud', line: '5.0' },
];

/** What of the orchestrator the fleet needs. */
export type FleetService = Pick<OrchestratorService, 'gateways' | 'createToken'>;

const GATEWAY_PACKAGE = fileURLToPath(new URL('../../../nodes/gateway/', import.meta.url));
const ENROL_MS = 60_000;
const POLL_MS = 50;
const RESTART_MS = 1000;
/** A gateway that crashes sooner than this after its start is not started a third time. */
const SOUND_MS = 10_000;
const QUICK_CRASHES = 3;

export class LocalFleet {
  readonly #settings: Settings;
  readonly #say: (line: string) => void;
  readonly #gateways: GatewayProcess[] = [];
  #stopping = false;

  /** `say` gets one line for each thing a user should know: progress and crashes. */
  constructor(settings: Settings, say: (line: string) => void) {
    this.#settings = settings;
    this.#say = say;
  }

  get gateways(): readonly GatewayProcess[] {
    return this.#gateways;
  }

  /** Throws ECHO_PORT_IN_USE when a gateway's port is taken. */
  async assertPortsFree(): Promise<void> {
    for (const [index, spec] of LOCAL_FLEET.entries()) {
      await assertPortFree(this.#port(index), '127.0.0.1', `gateway ${spec.name}`, this.#portRemedy());
    }
  }

  /** Installs what is missing and starts the three; resolves when all have enrolled and are up. */
  async start(service: FleetService, orchestrator: string): Promise<void> {
    const { cacheDir } = this.#settings;
    const packages = [await installGatewayPackage(cacheDir, GATEWAY_PACKAGE, this.#say)];
    for (const [index, spec] of LOCAL_FLEET.entries()) {
      const install = await installNodeRed(cacheDir, spec.line, this.#say);
      const userDir = join(this.#settings.dataDir, 'gateways', spec.name);
      // Not needed by a gateway that still has its secret; good for one that lost it or whose orchestrator moved.
      const { token } = service.createToken({ name: spec.name });
      this.#gateways.push(
        new GatewayProcess({
          name: spec.name,
          install,
          packages,
          userDir,
          port: this.#port(index),
          portRemedy: this.#portRemedy(),
          echo: { orchestrator, name: spec.name, tier: spec.tier, token },
          onCrash: (gateway, how) => void this.#afterCrash(gateway, how),
        }),
      );
    }
    if (this.#stopping) return;
    this.#say(`starting ${this.#gateways.map((gateway) => gateway.name).join(', ')}`);
    await Promise.all(this.#gateways.map((gateway) => this.#startTimed(gateway)));
    this.#say('waiting for the gateways to enrol');
    await this.#enrolled(service);
  }

  /** Stops all of them; nothing is left when it resolves. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#gateways.map((gateway) => gateway.stop()));
  }

  /** Kills all of them at once, when there is no time for order. */
  kill(): void {
    this.#stopping = true;
    for (const gateway of this.#gateways) void gateway.kill();
  }

  async #enrolled(service: FleetService): Promise<void> {
    const deadline = Date.now() + ENROL_MS;
    for (;;) {
      const up = new Set(service.gateways().flatMap(({ id, health }) => (health === 'up' ? [id] : [])));
      const missing = this.#gateways.filter(({ name }) => !up.has(name));
      if (missing.length === 0) return;
      if (Date.now() > deadline) {
        const logs = missing.map(({ name, logFile }) => `${name} (log: ${logFile})`);
        throw fleetError('ECHO_FLEET_TIMEOUT', {
          message: `not up within ${ENROL_MS / 1000} s: ${logs.join(', ')}`,
          where: missing.map(({ name }) => name).join(', '),
        });
      }
      await delay(POLL_MS);
    }
  }

  readonly #startedAt = new Map<string, number>();
  readonly #quickCrashes = new Map<string, number>();

  async #startTimed(gateway: GatewayProcess): Promise<void> {
    this.#startedAt.set(gateway.name, Date.now());
    await gateway.start();
  }

  async #afterCrash(gateway: GatewayProcess, how: string): Promise<void> {
    if (this.#stopping) return;
    const { name } = gateway;
    const quick = Date.now() - (this.#startedAt.get(name) ?? 0) < SOUND_MS;
    const crashes = quick ? (this.#quickCrashes.get(name) ?? 0) + 1 : 0;
    this.#quickCrashes.set(name, crashes);
    if (crashes >= QUICK_CRASHES) {
      this.#say(`${name} ended (${how}) again and again and stays down; its log: ${gateway.logFile}`);
      return;
    }
    this.#say(`${name} ended (${how}); it is started again`);
    await delay(RESTART_MS);
    if (this.#stopping || gateway.running) return;
    try {
      await this.#startTimed(gateway);
    } catch (error) {
      this.#say(`${name} did not start again: ${(error as Error).message}`);
    }
  }

  #port(index: number): number {
    return this.#settings.fleet.basePort + index;
  }

  #portRemedy(): string {
    const { basePort } = this.#settings.fleet;
    return `Stop what listens there, or move the local gateways (now ${basePort}–${basePort + LOCAL_FLEET.length - 1}) with ECHO_FLEET_BASE_PORT=<first of ${LOCAL_FLEET.length} free ports>.`;
  }
}
