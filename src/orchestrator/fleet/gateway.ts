/** A real Node-RED as a child process: its own user folder, settings file, port and log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fleetError } from './errors.ts';
import type { NodeRedInstall } from './installs.ts';
import { assertPortFree } from './ports.ts';

export interface GatewayOptions {
  /** What it is called in logs and errors; the gateway id it asks for. */
  readonly name: string;
  readonly install: NodeRedInstall;
  /** Folders whose `node_modules` hold node packages (see `installGatewayPackage`). */
  readonly packages: readonly string[];
  readonly userDir: string;
  readonly port: number;
  readonly host?: string;
  /** The `echo` block of its settings: what the agent needs to enrol. Absent: a plain Node-RED. */
  readonly echo?: Readonly<Record<string, unknown>>;
  /** More Node-RED settings, plain data; they win over what stands here. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What a user can do when its port is taken. */
  readonly portRemedy?: string;
  /** Told when the process, once ready, ends without having been asked to. */
  readonly onCrash?: (gateway: GatewayProcess, how: string) => void;
}

const READY_MS = 60_000;
const STOP_MS = 10_000;
const POLL_MS = 50;
const TAIL_LINES = 20;
const FLOWS_READ = /Starting flows|Started flows|missing types/;
const PRELOAD = fileURLToPath(new URL('watch-parent.cjs', import.meta.url));

export class GatewayProcess {
  readonly name: string;
  /** Base of the editor and the admin API, with `httpAdminRoot`, no trailing slash. */
  readonly url: string;
  readonly options: GatewayOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** Ready, and not asked to end: its end is a crash. */
  #serving = false;
  #tail: string[] = [];

  constructor(options: GatewayOptions) {
    this.options = { ...options, userDir: resolve(options.userDir) };
    this.name = options.name;
    const secure = options.settings?.https !== undefined;
    const root = String(options.settings?.httpAdminRoot ?? '').replaceAll(/^\/+|\/+$/g, '');
    this.url = `${secure ? 'https' : 'http'}://${options.host ?? '127.0.0.1'}:${options.port}${root && `/${root}`}`;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get logFile(): string {
    return join(this.options.userDir, 'node-red.log');
  }

  /** The last lines it wrote. */
  get logTail(): string {
    return this.#tail.join('\n');
  }

  /**
   * Starts it and resolves when its admin API answers with its flows. Throws ECHO_GATEWAY_START_FAILED with the end of its log,
   * or ECHO_PORT_IN_USE.
   */
  async start(): Promise<void> {
    if (this.running) return;
    this.#tail = [];
    const { install, userDir, port, host, portRemedy } = this.options;
    await assertPortFree(
      port,
      host ?? '127.0.0.1',
      `gateway ${this.name}`,
      portRemedy ?? `Free port ${port}.`,
    );
    const settingsFile = this.#writeSettings();
    const args = ['--require', PRELOAD, install.script];
    args.push('--userDir', userDir, '--settings', settingsFile, '--port', String(port));
    // A process group of its own: Ctrl-C on the terminal reaches the parent alone, which then stops it in order.
    const child = spawn(install.node, args, {
      cwd: userDir,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#watch(child);
    const deadline = Date.now() + READY_MS;
    while (!(await this.#isReady())) {
      if (this.#child !== child) throw this.#startFailed('it ended while starting');
      if (Date.now() > deadline) {
        await this.kill();
        throw this.#startFailed(`no answer at ${this.url} within ${READY_MS / 1000} s`);
      }
      await delay(POLL_MS);
    }
    if (this.#child !== child) throw this.#startFailed('it ended while starting');
    this.#serving = true;
  }

  /** It listens before it has read its flows; where they cannot be asked for (login, no admin API), its log tells. */
  async #isReady(): Promise<boolean> {
    const { status, body } = await ask(`${this.url}/flows`);
    const mayNotAsk = status === 401 || status === 403 || status === 404;
    if (mayNotAsk) return FLOWS_READ.test(this.logTail);
    return status === 200 && body.includes('"rev"');
  }

  /** Stops it in order; after `limitMs` it is killed. Resolves when the process is gone. */
  async stop(limitMs: number = STOP_MS): Promise<void> {
    const timer = setTimeout(() => this.#signal('SIGKILL'), limitMs);
    this.#signal('SIGTERM');
    await this.#ended;
    clearTimeout(timer);
  }

  /** `kill -9`. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    await this.#ended;
  }

  /** Freezes or thaws it without ending it, e.g. `SIGSTOP` and `SIGCONT`. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#serving = false;
    this.#child?.kill(signal);
  }

  #watch(child: ChildProcess): void {
    this.#child = child;
    this.#serving = false;
    const log = createWriteStream(this.logFile, { flags: 'a' });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log.write(text);
        this.#tail = [...this.#tail, ...text.split('\n').filter(Boolean)].slice(-TAIL_LINES);
      });
    }
    child.stdin?.on('error', () => {});
    this.#ended = new Promise((ended) => {
      const end = (how: string) => {
        if (this.#child !== child) return;
        this.#child = undefined;
        log.end(() => ended());
        if (this.#serving) this.options.onCrash?.(this, how);
        this.#serving = false;
      };
      child.once('error', (error) => {
        this.#tail.push(error.message);
        end(error.message);
      });
      child.once('close', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
  }

  #writeSettings(): string {
    const { userDir, name, host, packages, echo, settings } = this.options;
    mkdirSync(userDir, { recursive: true });
    const all = {
      uiHost: host ?? '127.0.0.1',
      lang: 'en-US',
      nodesDir: packages,
      flowFile: 'flows.json',
      flowFilePretty: true,
      telemetry: { enabled: false, updateNotification: false },
      logging: { console: { level: 'info', metrics: false, audit: false } },
      editorTheme: { tours: false, page: { title: name }, header: { title: name } },
      ...(echo === undefined ? {} : { echo }),
      ...settings,
    };
    const file = join(userDir, 'settings.cjs');
    writeFileSync(file, `module.exports = ${JSON.stringify(all, undefined, 2)};\n`, { mode: 0o600 });
    return file;
  }

  #startFailed(reason: string): Error {
    return fleetError('ECHO_GATEWAY_START_FAILED', {
      message: `gateway ${this.name}: ${reason}\n${this.logTail}\n(log: ${this.logFile})`,
      where: this.name,
    });
  }
}

/** Creates and starts a gateway. */
export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const gateway = new GatewayProcess(options);
  await gateway.start();
  return gateway;
}

/** Asks an admin API; status 0 when nothing answers. Certificates are not checked here. */
function ask(url: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve) => {
    const headers = { accept: 'application/json', 'node-red-api-version': 'v2' };
    const options = { timeout: 2000, agent: false, rejectUnauthorized: false, headers };
    const get = url.startsWith('https:') ? httpsGet : httpGet;
    const nothing = () => resolve({ status: 0, body: '' });
    const request = get(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', nothing);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', nothing);
  });
}
