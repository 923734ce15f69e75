import { createServer } from 'node:net';
import { fleetError } from './errors.ts';

/** Throws ECHO_PORT_IN_USE naming `what` and `remedy` unless `port` can be listened on. */
export async function assertPortFree(
  port: number,
  host: string,
  what: string,
  remedy: string,
): Promise<void> {
  const taken = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (taken === undefined) return;
  const reason = taken.code === 'EADDRINUSE' ? 'it is in use' : taken.message;
  throw fleetError('ECHO_PORT_IN_USE', {
    message: `${what} cannot listen on ${host}:${port}: ${reason}`,
    where: `${host}:${port}`,
    remedy,
    cause: taken,
  });
}
