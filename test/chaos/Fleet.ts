/** Three real gateways, each with a link of its own to one broker, and everything that can go wrong with them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../../src/orchestrator/fleet/gateway.ts';
import { startAedes, startMosquitto, type TestBroker } from '../kit/brokers.ts';
import type { Disposables } from '../kit/cleanup.ts';
import { startEnrolled } from '../kit/enrolled.ts';
import { mountSmallDisk, type SmallDisk } from '../kit/smallDisk.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { flowsOf, type Taps } from './flows.ts';
import { GATEWAYS, type GatewayName, PRODUCERS, type Scheduled } from './schedule.ts';

const VERSIONS = { 'edge-1': '4.1', 'fog-1': '5.0', 'cloud-1': '5.0' } as const;
/** Room of a disk with logs, MB. */
const DISK_MB = 32;
/** In favour of the core MQTT nodes, which wait 15 s before they connect again otherwise. */
const SETTINGS = { mqttReconnectTime: 500 };
/** What a throttled link carries and delays. */
const THROTTLED = { bytesPerSecond: 20_000, delayMs: 100 };
/** A planned end that takes longer was none: see `GatewayProcess.stop`. */
const STOP_MS = 10_000;

export interface FleetOptions {
  readonly broker: TestBroker['kind'];
  /** Called just before a gateway is killed, also one that did not end in order. */
  readonly onKill: (gateway: GatewayName) => void;
}

export class Fleet {
  readonly taps: Taps;
  readonly #onKill: FleetOptions['onKill'];
  readonly #broker: TestBroker;
  readonly #gateways = new Map<GatewayName, GatewayProcess>();
  readonly #links = new Map<GatewayName, TcpProxy>();
  readonly #disks = new Map<GatewayName, SmallDisk | undefined>();

  private constructor(options: FleetOptions, broker: TestBroker, folder: string) {
    this.#onKill = options.onKill;
    this.#broker = broker;
    this.taps = {
      of: (wire) => join(folder, `${wire}.rows`),
      refused: (wire) => join(folder, `${wire}.refused`),
      core: join(folder, 'core.rows'),
    };
  }

  static async start(kit: Disposables, options: FleetOptions): Promise<Fleet> {
    const folder = kit.folder('echo-chaos-');
    const broker = options.broker === 'aedes' ? await startAedes(kit) : await startMosquitto(kit);
    const fleet = new Fleet(options, broker, folder);
    for (const name of PRODUCERS)
      fleet.#disks.set(name, mountSmallDisk(kit, join(folder, name, 'echo'), DISK_MB));
    for (const name of GATEWAYS) {
      const link = await startTcpProxy(kit, broker);
      fleet.#links.set(name, link);
      const gateway = await startEnrolled(kit, {
        ...{ name, version: VERSIONS[name], userDir: join(folder, name), settings: SETTINGS },
        brokerUrl: `mqtt://127.0.0.1:${link.port}`,
        flows: flowsOf(name, link.port, fleet.taps),
      });
      fleet.#gateways.set(name, gateway);
    }
    return fleet;
  }

  gateway(name: GatewayName): GatewayProcess {
    return this.#gateways.get(name)!;
  }

  /** Why a fault of this kind cannot be made here. */
  missing({ kind, target }: Scheduled): string | undefined {
    return kind === 'disk' && this.#disks.get(target) === undefined
      ? 'no file system can be mounted (needs root)'
      : undefined;
  }

  /** What a fault takes for itself: two of one lane come one after the other. */
  static laneOf({ kind, target }: Scheduled): string {
    return kind === 'cut' || kind === 'stall' || kind === 'throttle' ? `link ${target}` : target;
  }

  /** Makes a fault and ends it after its time. True when it was seen to be there: something was cut, held up, full. */
  async suffer(fault: Scheduled): Promise<boolean> {
    const { kind, target, holdMs } = fault;
    if (target === 'broker') return this.#restartBroker(holdMs);
    switch (kind) {
      case 'kill':
      case 'restart':
        return this.#restart(target, kind, holdMs);
      case 'freeze':
        return this.#freeze(this.gateway(target), holdMs);
      case 'disk':
        return fillFor(this.#disks.get(target)!, holdMs);
      default:
        return spoil(this.#links.get(target)!, kind, holdMs);
    }
  }

  async #restartBroker(holdMs: number): Promise<boolean> {
    const connections = () => [...this.#links.values()].reduce((sum, link) => sum + link.connections, 0);
    const before = connections();
    await this.#broker.kill();
    await delay(holdMs);
    const broken = before > 0 && connections() < before;
    await this.#broker.start();
    return broken;
  }

  async #restart(name: GatewayName, kind: 'kill' | 'restart', holdMs: number): Promise<boolean> {
    const gateway = this.gateway(name);
    const { pid } = gateway;
    if (kind === 'kill') await this.#kill(name);
    else {
      const ended = gateway.stop(2 * STOP_MS);
      await Promise.race([ended, delay(STOP_MS)]);
      if (gateway.running) await this.#kill(name);
    }
    await delay(holdMs);
    await gateway.start();
    return pid !== undefined && pid !== gateway.pid;
  }

  async #kill(name: GatewayName): Promise<void> {
    this.#onKill(name);
    await this.gateway(name).kill();
  }

  async #freeze(gateway: GatewayProcess, holdMs: number): Promise<boolean> {
    gateway.signal('SIGSTOP');
    await delay(holdMs);
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(gateway.pid)], { encoding: 'utf8' });
    gateway.signal('SIGCONT');
    return state.startsWith('T');
  }
}

async function fillFor(disk: SmallDisk, holdMs: number): Promise<boolean> {
  disk.fill();
  const { full } = disk;
  await delay(holdMs);
  disk.free();
  return full;
}

async function spoil(link: TcpProxy, how: 'cut' | 'stall' | 'throttle', holdMs: number): Promise<boolean> {
  const { connections, bytes } = link;
  if (how === 'throttle') {
    link.setRate(THROTTLED.bytesPerSecond);
    link.setDelay(THROTTLED.delayMs);
  } else link[how]();
  await delay(holdMs);
  const bit = { cut: connections > 0, stall: link.stalled > 0, throttle: link.bytes > bytes }[how];
  if (how === 'throttle') {
    link.setRate(0);
    link.setDelay(0);
  } else link.heal();
  return bit;
}
