/** Real Node-RED gateways for tests, from the pinned installs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../../settings.ts';
import { type GatewayOptions, GatewayProcess } from '../../src/orchestrator/fleet/gateway.ts';
import {
  installGatewayPackage,
  installNodeRed,
  type NodeRedLine,
} from '../../src/orchestrator/fleet/installs.ts';
import { type Disposables, freePort } from './cleanup.ts';
import { waitFor } from './wait.ts';

export interface RealGatewayOptions {
  readonly version: NodeRedLine;
  readonly name?: string;
  readonly port?: number;
  readonly userDir?: string;
  /** The `echo` block of its settings. Absent: a plain Node-RED without the gateway package. */
  readonly echo?: Readonly<Record<string, unknown>>;
  /** Load the gateway package; default: when there is an `echo` block. */
  readonly gatewayPackage?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly onCrash?: GatewayOptions['onCrash'];
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Starts a real Node-RED and ends it with the suite. The first use on a machine installs it (10–20 s). */
export async function startRealGateway(
  kit: Disposables,
  options: RealGatewayOptions,
): Promise<GatewayProcess> {
  const { cacheDir } = loadSettings();
  const withPackage = options.gatewayPackage ?? options.echo !== undefined;
  const gateway = new GatewayProcess({
    name: options.name ?? `node-red-${options.version}`,
    install: await installNodeRed(cacheDir, options.version),
    packages: withPackage ? [await installGatewayPackage(cacheDir, join(ROOT, 'nodes', 'gateway'))] : [],
    userDir: options.userDir ?? kit.folder('echo-gateway-'),
    port: options.port ?? (await freePort()),
    ...(options.echo === undefined ? {} : { echo: options.echo }),
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.onCrash === undefined ? {} : { onCrash: options.onCrash }),
  });
  kit.add(gateway, () => gateway.stop());
  await gateway.start();
  return gateway;
}

/** Resolves with its log once that holds the line: what a gateway says arrives after what it answers. */
export const told = (gateway: Pick<GatewayProcess, 'logFile'>, line: RegExp): Promise<string> =>
  waitFor(
    () => {
      const log = readFileSync(gateway.logFile, 'utf8');
      return line.test(log) && log;
    },
    { what: `${line} in ${gateway.logFile}` },
  );
