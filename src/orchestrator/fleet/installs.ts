/**
 * Exactly pinned Node-RED installs, each in a prefix of its own below the cache folder.
 *
 * Node-RED loads node packages from every `node_modules` above its own folder, and two versions of the `node`
 * package fight over one `.bin/node`; hence one prefix per version, outside the repository. The gateway package has
 * a folder of its own, named after the hash of what it holds: a change of it reinstalls nothing else, and a running
 * gateway keeps the files it was started with.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { makeFolder } from '../folder.ts';
import { fleetError } from './errors.ts';
import { withLock } from './lock.ts';

export type NodeRedLine = '4.1' | '5.0';

export interface NodeRedInstall {
  readonly line: NodeRedLine;
  readonly nodeRedVersion: string;
  readonly nodeVersion: string;
  /** The Node.js binary it runs on. */
  readonly node: string;
  /** Node-RED's entry script. */
  readonly script: string;
}

interface Pin {
  readonly nodeRed: string;
  readonly node: string;
}

/** What each supported line of Node-RED is pinned to here. */
export const PINS: Readonly<Record<NodeRedLine, Pin>> = {
  '4.1': { nodeRed: '4.1.15', node: '20.20.2' },
  '5.0': { nodeRed: '5.0.7', node: '24.21.0' },
};

export type InstallProgress = (what: string) => void;

const KEEP_MS = 30 * 24 * 3600 * 1000;
const GATEWAY_PACKAGE = '@echo-dataflow/node-red-echo';

/** The pinned install of a line; made on first use. Throws ECHO_INSTALL_FAILED or ECHO_INSTALL_BUSY. */
export async function installNodeRed(
  cacheDir: string,
  line: NodeRedLine,
  progress: InstallProgress = () => {},
): Promise<NodeRedInstall> {
  const pin = PINS[line];
  const name = `node-red-${pin.nodeRed}-node${pin.node.split('.')[0]}`;
  const prefix = await provide(cacheDir, name, progress, async (folder) => {
    progress(`installing Node-RED ${pin.nodeRed} on Node ${pin.node}`);
    writeManifest(folder, { node: pin.node, 'node-red': pin.nodeRed });
    await npm(['install', '--no-package-lock'], folder, `Node-RED ${pin.nodeRed}`);
    if (!existsSync(nodeBinary(folder))) {
      throw fleetError('ECHO_INSTALL_FAILED', {
        message: `npm installed node@${pin.node} without its binary: install scripts are switched off`,
        where: folder,
        remedy: 'Allow install scripts for the package `node`: `npm config set ignore-scripts false`.',
      });
    }
  });
  return {
    line,
    nodeRedVersion: pin.nodeRed,
    nodeVersion: pin.node,
    node: nodeBinary(prefix),
    script: join(prefix, 'node_modules', 'node-red', 'red.js'),
  };
}

/**
 * A folder whose `node_modules` holds the built gateway package and its dependencies, for `nodesDir` of a gateway's
 * settings. `packageDir` is `nodes/gateway`. Throws ECHO_GATEWAY_PACKAGE_MISSING when it is not built.
 */
export async function installGatewayPackage(
  cacheDir: string,
  packageDir: string,
  progress: InstallProgress = () => {},
): Promise<string> {
  const dist = join(packageDir, 'dist');
  if (!existsSync(dist)) throw fleetError('ECHO_GATEWAY_PACKAGE_MISSING', { where: dist });
  const name = `gateway-${hashOf([join(packageDir, 'package.json'), ...filesBelow(dist)], packageDir)}`;
  return provide(cacheDir, name, progress, async (folder) => {
    forgetOld(cacheDir);
    progress('installing the gateway package');
    const tarball = await packGateway(packageDir, folder);
    writeManifest(folder, { [GATEWAY_PACKAGE]: `file:${tarball}` });
    await npm(['install', '--no-package-lock', '--omit=dev'], folder, 'the gateway package');
  });
}

/** Packs the gateway package into `into`; the tarball's file name. Users install the same file by hand. */
export async function packGateway(packageDir: string, into: string): Promise<string> {
  const out = await npm(
    ['pack', '--json', '--ignore-scripts', '--pack-destination', into],
    packageDir,
    'pack',
  );
  const described: unknown = JSON.parse(out);
  const first = (Array.isArray(described) ? described : Object.values(described as object))[0];
  return (first as { filename: string }).filename.replace('@', '').replace('/', '-');
}

const nodeBinary = (prefix: string): string => join(prefix, 'node_modules', 'node', 'bin', 'node');

/** `cacheDir/name`, complete or not there at all: built beside it and renamed. */
async function provide(
  cacheDir: string,
  name: string,
  progress: InstallProgress,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const target = join(cacheDir, name);
  if (existsSync(target)) {
    markUsed(target);
    return target;
  }
  makeFolder(cacheDir, 'cacheDir (ECHO_CACHE_DIR)');
  const onWait = (pid: number) => progress(`waiting for process ${pid}, which is installing ${name}`);
  return withLock(
    `${target}.lock`,
    async () => {
      if (existsSync(target)) return target;
      const folder = mkdtempSync(join(cacheDir, `.${name}-`));
      try {
        await build(folder);
        renameSync(folder, target);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      return target;
    },
    { onWait },
  );
}

function markUsed(folder: string): void {
  try {
    utimesSync(folder, new Date(), new Date());
  } catch {
    // A cache that only another user may write to serves all the same.
  }
}

/** Deletes builds of the gateway package, and what interrupted installs left, that no start has needed for long. */
function forgetOld(cacheDir: string): void {
  const limit = Date.now() - KEEP_MS;
  for (const name of readdirSync(cacheDir)) {
    const path = join(cacheDir, name);
    const disposable = name.startsWith('gateway-') || name.startsWith('.');
    if (disposable && statSync(path).mtimeMs < limit) rmSync(path, { recursive: true, force: true });
  }
}

function writeManifest(folder: string, dependencies: Record<string, string>): void {
  const manifest = { private: true, dependencies, allowScripts: { node: true } };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function hashOf(files: readonly string[], base: string): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(base, file)).update('\0').update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Runs npm in `cwd`; its standard output. Throws ECHO_INSTALL_FAILED with the end of what it said. */
function npm(args: readonly string[], cwd: string, what: string): Promise<string> {
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline', '--no-workspaces'];
  return new Promise((resolve, reject) => {
    const child = spawn('npm', [...args, ...flags], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const killWithUs = () => child.kill();
    process.once('exit', killWithUs);
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const fail = (reason: string, cause?: unknown) =>
      reject(fleetError('ECHO_INSTALL_FAILED', { message: `${what}: ${reason}`, where: cwd, cause }));
    child.on('error', (error) => fail(`npm did not start: ${error.message}`, error));
    child.on('close', (code) => {
      process.off('exit', killWithUs);
      if (code === 0) resolve(out);
      else fail(lastLines(err || out, 8) || `npm ended with ${code}`);
    });
  });
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
