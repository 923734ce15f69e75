/** Where a local start keeps its data, and how a check keeps clear of one that runs. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Settings } from '../../../settings.ts';
import { fleetError } from './errors.ts';
import { LOCAL_FLEET } from './LocalFleet.ts';
import { freePort, freePorts } from './ports.ts';

/** Deletes the store, the secrets and the gateways' folders; refuses a folder that holds something else's files. */
export function cleanData(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  const foreign = ['package.json', '.git', '.ssh', 'settings.ts'].filter((name) =>
    readdirSync(dataDir).includes(name),
  );
  if (foreign.length > 0) {
    throw fleetError('ECHO_DATA_DIR_FOREIGN', {
      message: `${resolve(dataDir)} holds ${foreign.join(', ')}; --fresh does not delete it`,
      where: dataDir,
    });
  }
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

/** Settings for a check that disturbs nothing: free ports, a folder of its own, this machine alone. */
export async function settingsForCheck(chosen: Settings): Promise<Settings> {
  const { publicUrl: _, apiKey: __, ...rest } = chosen;
  return {
    ...rest,
    host: '127.0.0.1',
    port: await freePort(),
    broker: { port: await freePort() },
    fleet: { basePort: await freePorts(LOCAL_FLEET.length) },
    dataDir: mkdtempSync(join(tmpdir(), 'echo-check-')),
  };
}
