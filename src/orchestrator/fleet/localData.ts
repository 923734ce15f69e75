/** Where a local start keeps its data, and how a check keeps clear of one that runs. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadSettings, type Settings } from '../../../settings.ts';
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

/** Settings for a check that disturbs nothing: free ports and a folder of its own, unless they were chosen. */
export async function settingsForCheck(
  chosen: Settings,
): Promise<{ settings: Settings; temporary?: string }> {
  const usual = loadSettings({}, {});
  const overrides: Record<string, unknown> = {};
  if (chosen.port === usual.port) overrides.port = await freePort();
  if (chosen.broker.port === usual.broker.port) overrides.broker = { port: await freePort() };
  if (chosen.fleet.basePort === usual.fleet.basePort)
    overrides.fleet = { basePort: await freePorts(LOCAL_FLEET.length) };
  if (chosen.dataDir !== usual.dataDir) return { settings: loadSettings(overrides) };
  const temporary = mkdtempSync(join(tmpdir(), 'echo-check-'));
  return { settings: loadSettings({ ...overrides, dataDir: temporary }), temporary };
}
