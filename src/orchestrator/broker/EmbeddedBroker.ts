/** The broker of `npm start`: Aedes (MQTT 3.1.1) in this process, for the gateways of this orchestrator alone. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import type { Logger } from 'pino';
import { mayPublish, maySubscribe } from '../../wire/access.ts';
import { brokerError } from './errors.ts';

export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Is this user (a gateway id, or ORCHESTRATOR_USER) who it says? */
  readonly authenticate: (user: string, password: string) => boolean;
  readonly log: Logger;
}

export interface EmbeddedBroker {
  readonly port: number;
  /** Ends the connections of a user, who may not come back with the old secret. */
  disconnect(user: string): void;
  close(): Promise<void>;
}

const BAD_USERNAME_OR_PASSWORD = 4;

/** Throws ECHO_BROKER_PORT_IN_USE or ECHO_BROKER_FAILED. */
export async function startBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const users = new Map<Client, string>();
  const aedes = await Aedes.createBroker({ concurrency: 1000, ...access(options, users) });
  aedes.on('clientDisconnect', (client) => users.delete(client));
  aedes.on('clientError', (client, error) =>
    options.log.debug({ user: users.get(client), error: error.message }, 'broker client failed'),
  );
  const sockets = new Set<Socket>();
  // Nagle's algorithm costs 40–90 ms a round trip on loopback.
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
    aedes.handle(socket);
  });
  const port = await listen(server, options).catch((error: unknown) => {
    aedes.close();
    throw error;
  });
  return {
    port,
    disconnect(user) {
      for (const [client, name] of users) if (name === user) client.close();
    },
    close: async () => {
      // Before the others are ended: none of them may come back meanwhile.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await closed;
    },
  };
}

function access(options: EmbeddedBrokerOptions, users: Map<Client, string>) {
  const { authenticate, log } = options;
  return {
    authenticate(
      client: Client,
      name: string | undefined,
      password: Buffer | undefined,
      done: (error: AuthenticateError | null, success: boolean | null) => void,
    ) {
      if (name !== undefined && authenticate(name, password?.toString('utf8') ?? '')) {
        users.set(client, name);
        return done(null, true);
      }
      log.warn({ user: name }, 'broker: a client with a wrong user name or password was refused');
      done(Object.assign(new Error('bad credentials'), { returnCode: BAD_USERNAME_OR_PASSWORD }), false);
    },
    authorizePublish(
      client: Client | null,
      packet: { readonly topic: string },
      done: (error?: Error | null) => void,
    ) {
      const user = client === null ? undefined : users.get(client);
      if (user !== undefined && mayPublish(user, packet.topic)) return done(null);
      log.warn({ user, topic: packet.topic }, 'broker: a publication was refused');
      done(new Error(`${user ?? 'unknown'} may not publish to ${packet.topic}`));
    },
    authorizeSubscribe<S extends { readonly topic: string }>(
      client: Client,
      subscription: S,
      done: (error: Error | null, subscription?: S | null) => void,
    ) {
      const user = users.get(client);
      if (user !== undefined && maySubscribe(user, subscription.topic)) return done(null, subscription);
      log.warn({ user, topic: subscription.topic }, 'broker: a subscription was refused');
      done(null, null);
    },
  };
}

function listen(server: Server, { host, port }: EmbeddedBrokerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'ECHO_BROKER_PORT_IN_USE' : 'ECHO_BROKER_FAILED';
      reject(
        brokerError(code, {
          message: `${host}:${port}: ${error.message}`,
          where: 'broker.port',
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
