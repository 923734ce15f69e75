/** Three real gateways, each with a link of its own to one broker, and everything that can go wrong with them. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../../src/orchestrator/fleet/gateway.ts';
import { startAedes, startMosquitto, type TestBroker } from '../kit/brokers.ts';
import type { Disposables } from '../kit/cleanup.ts';
import { startEnrolled } from '../kit/enrolled.ts';
import { mountSmallDisk, type SmallDisk } from '../kit/smallDisk.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { flowsOf, type Taps } from './flows.ts';
import { GATEWAYS, type GatewayName, type Scheduled } from './schedule.ts';

const VERSIONS = { 'edge-1': '4.1', 'fog-1': '5.0', 'cloud-1': '5.0' } as const;
/** Room of the edge's disk, MB. */
const DISK_MB = 16;
/** In favour of the core MQTT nodes, which wait 15 s before they connect again otherwise. */
const SETTINGS = { mqttReconnectTime: 500 };
/** What a throttled link carries and delays. */
const THROTTLED = { bytesPerSecond: 20_000, delayMs: 100 };

export class Fleet {
  readonly taps: Taps;
  readonly #broker: TestBroker;
  readonly #gateways: ReadonlyMap<GatewayName, GatewayProcess>;
  readonly #links: ReadonlyMap<GatewayName, TcpProxy>;
  readonly #disk: SmallDisk | undefined;

  private constructor(
    taps: Taps,
    broker: TestBroker,
    gateways: ReadonlyMap<GatewayName, GatewayProcess>,
    links: ReadonlyMap<GatewayName, TcpProxy>,
    disk: SmallDisk | undefined,
  ) {
    this.taps = taps;
    this.#broker = broker;
    this.#gateways = gateways;
    this.#links = links;
    this.#disk = disk;
  }

  static async start(kit: Disposables, kind: TestBroker['kind']): Promise<Fleet> {
    const folder = kit.folder('echo-chaos-');
    const file = (name: string): string => join(folder, name);
    const taps = { echo: file('echo.rows'), core: file('core.rows'), refused: file('refused.rows') };
    const broker = kind === 'aedes' ? await startAedes(kit) : await startMosquitto(kit);
    const disk = mountSmallDisk(kit, join(folder, 'edge-1', 'echo'), DISK_MB);
    const gateways = new Map<GatewayName, GatewayProcess>();
    const links = new Map<GatewayName, TcpProxy>();
    for (const name of GATEWAYS) {
      const link = await startTcpProxy(kit, broker);
      links.set(name, link);
      gateways.set(
        name,
        await startEnrolled(kit, {
          ...{ name, version: VERSIONS[name], userDir: join(folder, name), settings: SETTINGS },
          brokerUrl: `mqtt://127.0.0.1:${link.port}`,
          flows: flowsOf(name, link.port, taps),
        }),
      );
    }
    return new Fleet(taps, broker, gateways, links, disk);
  }

  gateway(name: GatewayName): GatewayProcess {
    return this.#gateways.get(name)!;
  }

  /** Why a fault of this kind cannot be made here. */
  missing(kind: Scheduled['kind']): string | undefined {
    return kind === 'disk' && this.#disk === undefined
      ? 'no file system can be mounted (needs root)'
      : undefined;
  }

  /** What a fault takes for itself: two of one lane come one after the other. */
  static laneOf({ kind, target }: Scheduled): string {
    return kind === 'cut' || kind === 'stall' || kind === 'throttle' ? `link ${target}` : target;
  }

  /** Makes a fault and ends it after its time. */
  async suffer(fault: Scheduled): Promise<void> {
    const { kind, target, holdMs } = fault;
    if (target === 'broker') {
      await this.#broker.kill();
      await delay(holdMs);
      await this.#broker.start();
      return;
    }
    const gateway = this.#gateways.get(target)!;
    const link = this.#links.get(target)!;
    switch (kind) {
      case 'kill':
        await gateway.kill();
        await delay(holdMs);
        await gateway.start();
        break;
      case 'freeze':
        gateway.signal('SIGSTOP');
        await delay(holdMs);
        gateway.signal('SIGCONT');
        break;
      case 'cut':
      case 'stall':
        link[kind]();
        await delay(holdMs);
        link.heal();
        break;
      case 'throttle':
        link.setRate(THROTTLED.bytesPerSecond);
        link.setDelay(THROTTLED.delayMs);
        await delay(holdMs);
        link.setRate(0);
        link.setDelay(0);
        break;
      case 'disk':
        this.#disk?.fill();
        await delay(holdMs);
        this.#disk?.free();
    }
  }
}
