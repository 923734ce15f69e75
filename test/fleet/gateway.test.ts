import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../../settings.ts';
import {
  installGatewayPackage,
  installNodeRed,
  type NodeRedLine,
  PINS,
} from '../../src/orchestrator/fleet/installs.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { disposables, freePort } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { connectsTo } from '../kit/tcp-proxy.ts';
import { waitFor } from '../kit/wait.ts';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

for (const version of ['4.1', '5.0'] as const satisfies NodeRedLine[]) {
  describe(`local gateway, Node-RED ${version}`, function () {
    this.timeout(120_000);
    const kit = disposables();

    it('answers with its pinned version, keeps its flows over kill -9, and leaves nothing when stopped', async () => {
      const crashes: string[] = [];
      const gateway = await startRealGateway(kit, { version, onCrash: (_, how) => crashes.push(how) });
      const settings = (await (await fetch(`${gateway.url}/settings`)).json()) as { version: string };
      assert.equal(settings.version, PINS[version].nodeRed);

      const flows = [{ id: 'tab1', type: 'tab', label: 'kept' }];
      await fetch(`${gateway.url}/flows`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(flows),
      });
      await gateway.kill();
      assert.equal(gateway.running, false);
      await gateway.start();
      const kept = (await (await fetch(`${gateway.url}/flows`)).json()) as { label: string }[];
      assert.equal(kept[0]?.label, 'kept');

      await gateway.stop();
      assert.equal(gateway.running, false);
      assert.equal(await connectsTo(gateway.options.port), false);
      assert.deepEqual(crashes, [], 'a stop or kill that was asked for is no crash');
    });

    it('shows a crash with how it ended', async () => {
      const crashes: string[] = [];
      const gateway = await startRealGateway(kit, { version, onCrash: (_, how) => crashes.push(how) });
      gateway.signal('SIGKILL');
      await waitFor(() => crashes.length > 0, { what: 'the crash to be told' });
      assert.deepEqual(crashes, ['signal SIGKILL']);
    });

    it('says that its port is in use', async () => {
      const first = await startRealGateway(kit, { version });
      await assert.rejects(startRealGateway(kit, { version, port: first.options.port }), (error) =>
        isEchoError(error, 'ECHO_PORT_IN_USE'),
      );
    });

    it('ends when its parent is killed with SIGKILL', async () => {
      const port = await freePort();
      const folder = kit.folder();
      const parent = spawn(process.execPath, ['-e', parentScript(version, port, folder)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      kit.add(parent, () => parent.kill('SIGKILL'));
      let said = '';
      parent.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      const pid = Number(
        await waitFor(() => /pid (\d+)\n/.exec(said)?.[1], { what: 'the gateway', timeout: 60_000 }),
      );
      assert.equal(isAlive(pid), true);
      parent.kill('SIGKILL');
      await waitFor(() => !isAlive(pid), { what: 'the orphan to end' });
    });
  });
}

/** A process that starts one gateway, says its pid and waits. */
function parentScript(version: NodeRedLine, port: number, userDir: string): string {
  const fleet = fileURLToPath(new URL('../../src/orchestrator/fleet/', import.meta.url));
  const { cacheDir } = loadSettings();
  return `
    const { installNodeRed } = await import('${fleet}installs.ts');
    const { startGateway } = await import('${fleet}gateway.ts');
    const install = await installNodeRed(${JSON.stringify(cacheDir)}, '${version}');
    const gateway = await startGateway({ name: 'g', install, packages: [], userDir: '${userDir}', port: ${port} });
    console.log('pid ' + gateway.pid);`;
}

describe('pinned installs', () => {
  it('are made once, by one process, when many ask at the same time', async function () {
    this.timeout(120_000);
    const { cacheDir } = loadSettings();
    const all = await Promise.all(Array.from({ length: 5 }, () => installNodeRed(cacheDir, '5.0')));
    assert.equal(new Set(all.map((install) => install.node)).size, 1);
  });
});

describe('the gateway package in the cache', function () {
  this.timeout(120_000);
  const kit = disposables();

  it('is installed once for each content, and what no start has needed for long is forgotten', async () => {
    const cacheDir = kit.folder();
    const packageDir = join(kit.folder(), 'gateway');
    mkdirSync(join(packageDir, 'dist'), { recursive: true });
    const write = (text: string) => writeFileSync(join(packageDir, 'dist', 'agent.js'), text);
    const manifest = { name: '@echo-dataflow/node-red-echo', version: '1.0.0', files: ['dist'] };
    writeFileSync(join(packageDir, 'package.json'), JSON.stringify(manifest));
    write('one');
    const first = await installGatewayPackage(cacheDir, packageDir);
    const installed = join(first, 'node_modules', manifest.name, 'dist', 'agent.js');
    assert.equal(readFileSync(installed, 'utf8'), 'one');
    assert.equal(await installGatewayPackage(cacheDir, packageDir), first);

    utimesSync(first, 0, 0);
    write('two');
    const second = await installGatewayPackage(cacheDir, packageDir);
    assert.notEqual(second, first);
    assert.deepEqual(readdirSync(cacheDir), [basename(second)]);
  });

  it('that is not built is an error with a remedy', async () => {
    await assert.rejects(installGatewayPackage(kit.folder(), kit.folder()), (error) =>
      isEchoError(error, 'ECHO_GATEWAY_PACKAGE_MISSING'),
    );
  });
});
