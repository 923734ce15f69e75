/** Ports: whether one is free, and free ones for programs that must be told a number. */
import { createServer, type Server } from 'node:net';
import { apiError } from '../api/errors.ts';

const TRIES = 50;
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Throws ECHO_PORT_IN_USE naming `what` and `remedy` unless `port` can be listened on. */
export async function assertPortFree(
  port: number,
  host: string,
  what: string,
  remedy: string,
): Promise<void> {
  const taken = await tryListen(port, host);
  if (taken === undefined) return;
  const reason = taken.code === 'EADDRINUSE' ? 'it is in use' : taken.message;
  throw apiError('ECHO_PORT_IN_USE', {
    message: `${what} cannot listen on ${host}:${port}: ${reason}`,
    where: `${host}:${port}`,
    remedy,
    cause: taken,
  });
}

/** A port that was free a moment ago; see `freePorts`. */
export function freePort(host: string = '127.0.0.1'): Promise<number> {
  return freePorts(1, host);
}

/**
 * First of `count` neighbouring ports that were free a moment ago. They lie below the range from which systems give
 * ports to outgoing connections, so that none is lost to one before it is listened on.
 */
export async function freePorts(count: number, host: string = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const first = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const taken = await Promise.all(Array.from({ length: count }, (_, i) => tryListen(first + i, host)));
    if (taken.every((error) => error === undefined)) return first;
  }
  throw apiError('ECHO_PORT_IN_USE', { message: `no ${count} neighbouring ports are free on ${host}` });
}

async function tryListen(port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await close(await listen(port, host));
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(port, host, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
