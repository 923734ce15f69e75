/** Real brokers for tests: mosquitto as a child process, Aedes in this process. Both with Nagle switched off. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { Aedes } from 'aedes';
import { type Disposables, freePort } from './cleanup.ts';
import { connectsTo } from './tcp-proxy.ts';
import { waitFor } from './wait.ts';

export interface TestBroker {
  readonly kind: 'mosquitto' | 'aedes';
  readonly port: number;
  /** `mqtt://127.0.0.1:<port>` */
  readonly url: string;
  /** Ends it as a crash would: every connection drops. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** `kill()` then `start()`. */
  restart(): Promise<void>;
}

/** Path of the mosquitto binary, or undefined when this machine has none. */
export function findMosquitto(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'mosquitto')).find((path) => existsSync(path));
}

/** mosquitto on a free port of the loopback; `extra` lines go into its configuration. */
export async function startMosquitto(kit: Disposables, extra: readonly string[] = []): Promise<TestBroker> {
  const binary = findMosquitto();
  if (binary === undefined) throw new Error('mosquitto is not installed (apt-get install mosquitto)');
  const port = await freePort();
  const config = join(kit.folder('echo-mosquitto-'), 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'persistence false',
  ];
  writeFileSync(config, `${[...lines, ...extra].join('\n')}\n`);
  let child: ChildProcess | undefined;
  let said = '';
  const start = async () => {
    const started = spawn(binary, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    started.once('close', () => {
      if (child === started) child = undefined;
    });
    await waitFor(
      () => {
        if (child === undefined) throw new Error(`mosquitto ended: ${said}`);
        return connectsTo(port);
      },
      { what: `mosquitto on port ${port}` },
    );
  };
  const kill = async () => {
    child?.kill('SIGKILL');
    await waitFor(() => child === undefined, { what: 'mosquitto to end' });
  };
  await start();
  return kit.add(broker('mosquitto', port, start, kill), kill);
}

/** Aedes on a free port of the loopback. */
export async function startAedes(kit: Disposables): Promise<TestBroker> {
  let port = 0;
  let end: () => Promise<void> = async () => {};
  const start = async () => {
    const aedes = await Aedes.createBroker();
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket)).on('error', () => {});
      aedes.handle(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', () => resolve());
    });
    const address = server.address();
    if (typeof address === 'object' && address !== null) port = address.port;
    end = async () => {
      end = async () => {};
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => aedes.close(() => server.close(resolve)));
    };
  };
  await start();
  const kill = () => end();
  return kit.add(broker('aedes', port, start, kill), kill);
}

function broker(
  kind: TestBroker['kind'],
  port: number,
  start: () => Promise<void>,
  kill: () => Promise<void>,
): TestBroker {
  const restart = async () => {
    await kill();
    await start();
  };
  return { kind, port, url: `mqtt://127.0.0.1:${port}`, start, kill, restart };
}
