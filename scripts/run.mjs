/**
 * Entry of `npm start`, `npm test`, `npm run bench`, `npm run sim` and `npm run build`: plain JavaScript for the Node.js
 * that is on the machine. It installs what is missing, builds the gateway package when its sources changed, and runs
 * the target on the Node.js pinned in package.json. Its own words go to standard error; standard output is the
 * target's.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const NODE = join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? 'node.exe' : 'node');
const MOCHA = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
const INSTALL_LOG = join(ROOT, '.echo', 'install.log');
/** Characters of a failed step's output that are shown; npm says the cause first. */
const SHOWN = 1500;
const PARENT_MS = 500;
const OLDEST_NODE = [20, 15];

/** What is chosen by name from a folder of the tests. */
const PROGRAMS = { bench: 'benchmark', chaos: 'chaos run' };

const USAGE = `usage: npm start [-- OPTIONS]            the whole of ECHO on this machine (npm start -- --help)
       npm test [-- FILES]               the tests
       npm run bench -- NAME [--json]    one benchmark
       npm run sim -- [--seeds N]        wires under random faults, simulated
       npm run chaos -- NAME [--json]    real gateways and brokers under random faults
       npm run build                     the gateway package`;

/** The process this one waits for; there is never more than one. */
let running;
/** The signal this process was asked to end with. */
let stopped;

class Failure extends Error {
  /** @param {string} message what was wrong @param {string} remedy what to do */
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

async function main([command, ...args]) {
  requireNode();
  if (!['up', 'test', 'bench', 'sim', 'chaos', 'build'].includes(command))
    throw new Failure('nothing to run', USAGE);
  const program = command in PROGRAMS ? programFile(command, args.shift()) : undefined;
  if (!isInstalled()) await install();
  if (command === 'build' || isGatewayStale()) await buildGateway();
  switch (command) {
    case 'up':
      return run([join(ROOT, 'src', 'orchestrator', 'fleet', 'up.ts'), ...args]);
    case 'test':
      return test(args);
    case 'bench':
    case 'chaos':
      return run([program, ...args]);
    case 'sim':
      return run([join(ROOT, 'test', 'simulation', 'sim.ts'), ...args]);
    default:
      return 0;
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Failure(
    `this is Node.js ${process.versions.node}; ECHO needs ${OLDEST_NODE.join('.')} or newer to start`,
    'Install a current Node.js from https://nodejs.org and run the command again.',
  );
}

/** `test/<command>/<name>.<command>.ts` */
function programFile(command, name) {
  const folder = join(ROOT, 'test', command);
  const ending = `.${command}.ts`;
  const known = existsSync(folder)
    ? readdirSync(folder).flatMap((file) => (file.endsWith(ending) ? [file.slice(0, -ending.length)] : []))
    : [];
  if (known.includes(name)) return join(folder, `${name}${ending}`);
  if (name === '--help' || name === '-h') {
    process.stdout.write(`${USAGE}\n\n${command}: ${known.join(', ')}; NAME --help tells its options\n`);
    process.exit(0);
  }
  throw new Failure(
    name === undefined ? `which ${PROGRAMS[command]}?` : `there is no ${PROGRAMS[command]} "${name}"`,
    `Choose one of: ${known.join(', ')}.`,
  );
}

/** True when node_modules holds what package-lock.json names, as npm itself recorded it there. */
function isInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages ?? {};
  const present = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (present === undefined || !existsSync(NODE)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') || entry.link) return true;
    const found = present[path];
    return found === undefined
      ? entry.optional === true || entry.peer === true
      : found.version === entry.version;
  });
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

async function install() {
  const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const code = await logged('installing packages (npm ci)', 'npm', args);
  if (code === 0 && existsSync(NODE)) return;
  throw new Failure(
    code === 0 ? 'npm ci ended well but left no Node.js 24 in node_modules' : `npm ci ended with ${code}`,
    `Check the network and the registry (npm config get registry), and that install scripts are allowed
(npm config set ignore-scripts false); then run the command again. The whole log: ${relative('.', INSTALL_LOG)}`,
  );
}

function isGatewayStale() {
  const gateway = join(ROOT, 'nodes', 'gateway');
  if (!existsSync(join(gateway, 'build.mjs'))) return false;
  const sources = [join(gateway, 'src'), join(gateway, 'build.mjs'), join(gateway, 'package.json')];
  const built = Math.min(...times(join(gateway, 'dist')));
  return Math.max(...sources.flatMap(times), ...times(join(ROOT, 'src', 'wire'))) > built;
}

/** Modification times of a file, or of every file below a folder; [0] when it is not there. */
function times(path) {
  if (!existsSync(path)) return [0];
  if (!statSync(path).isDirectory()) return [statSync(path).mtimeMs];
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.length === 0
    ? [0]
    : files.map((file) => statSync(join(file.parentPath ?? file.path, file.name)).mtimeMs);
}

async function buildGateway() {
  const code = await logged('building the gateway package', NODE, [
    join(ROOT, 'nodes', 'gateway', 'build.mjs'),
  ]);
  if (code === 0) return;
  throw new Failure('the gateway package does not build', `The whole log: ${relative('.', INSTALL_LOG)}`);
}

/** Runs a step with a live line on standard error; its output goes to the install log, and is shown if it fails. */
async function logged(what, command, args) {
  mkdirSync(dirname(INSTALL_LOG), { recursive: true });
  const log = createWriteStream(INSTALL_LOG, { flags: 'a' });
  const stop = progress(what);
  let said = '';
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const keep = (text) => {
    log.write(text);
    said = (said + text).slice(0, SHOWN);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
  child.on('error', (error) => keep(`${command} did not start: ${error.message}\n`));
  const code = await ended(child);
  await new Promise((resolve) => log.end(resolve));
  stop(code === 0);
  if (stopped !== undefined) process.exit(128 + constants.signals[stopped]);
  if (code !== 0) process.stderr.write(`${said.trim().replaceAll(/^/gm, '  ')}\n`);
  return code;
}

/** A spinner with the seconds gone on a terminal, a line every 10 s elsewhere. Returns what ends it. */
function progress(what) {
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
  const tty = process.stderr.isTTY;
  let turn = 0;
  const show = () => {
    if (tty) process.stderr.write(`\r\x1b[K${frames[turn++ % frames.length]} ${what} … ${seconds()}`);
    else process.stderr.write(`${what} … ${seconds()}\n`);
  };
  show();
  const timer = setInterval(show, tty ? 100 : 10_000);
  return (ok) => {
    clearInterval(timer);
    process.stderr.write(`${tty ? '\r\x1b[K' : ''}${ok ? '✓' : '✗'} ${what} (${seconds()})\n`);
  };
}

/** Runs mocha; its last line is always `N passed, N failed`, also when it could not even load a file. */
async function test(args) {
  const isFile = (arg) => existsSync(arg) || arg.includes('*');
  const specs = args.some(isFile) ? args.map(asSpec) : [...args, 'test/**/*.test.ts'];
  const colour = process.stdout.isTTY ? ['--color'] : [];
  let last = '';
  const code = await run([MOCHA, '--exit', ...colour, ...specs], (text) => {
    process.stdout.write(text);
    last = (last + text).slice(-500);
  });
  if (/\d+ passed, \d+ failed[^\n]*\n$/.test(last)) return code;
  process.stdout.write('\nThe tests did not run to their end.\n0 passed, 1 failed\n');
  return code || 1;
}

const asSpec = (path) => (existsSync(path) && statSync(path).isDirectory() ? `${path}/**/*.test.ts` : path);

/** Passes signals on, except Ctrl-C on a terminal, which the terminal sends to both. */
function forwardSignals() {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => end(signal, signal !== 'SIGINT' || !process.stdin.isTTY));
  }
  // npm starts a shell that starts this; neither passes on what it dies of.
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const npm = startedByShell(parent);
  const watch = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isRunning(npm))) return;
    clearInterval(watch);
    end('SIGTERM', true);
  }, PARENT_MS);
  watch.unref();
}

/** The process that started `pid`, if `pid` is a shell; some shells are replaced by the command they run. */
function startedByShell(pid) {
  let line = '';
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^\d+ \((.*)\) \S+ (\d+).*$/s, '$2 $1');
  } catch {
    line = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
  }
  const [, parent] = /^\s*(\d+) (?:.*\/)?-?\w*sh\s*$/.exec(line) ?? [];
  return parent && Number(parent);
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function end(signal, pass) {
  if (running === undefined) process.exit(128 + constants.signals[signal]);
  stopped = signal;
  if (pass) running.kill(signal);
}

/** Resolves with the exit code, by the shell's convention for signals. */
function ended(child) {
  running = child;
  return new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (code, signal) => {
      running = undefined;
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/**
 * Runs Node.js 24 on `args` to its end and returns its exit code. The IPC channel tells the target when this process
 * is gone.
 */
function run(args, onOutput) {
  const child = spawn(NODE, args, {
    cwd: ROOT,
    stdio: ['inherit', onOutput ? 'pipe' : 'inherit', 'inherit', 'ipc'],
  });
  child.stdout?.setEncoding('utf8').on('data', onOutput);
  child.channel?.unref();
  return ended(child);
}

forwardSignals();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`\n${error.message}\n${error.remedy}\n`);
  process.exitCode = 1;
}
