/**
 * The broker a gateway offers to its site: Aedes in this process, for the data of the gateways the orchestrator named.
 * It needs nothing from outside the site, so their wires go on while the wide-area link is down.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Aedes, AuthenticateError, Client } from 'aedes';
import { mayPublish, maySubscribe } from '../../../../src/wire/access.ts';
import { parseTopic } from '../../../../src/wire/topics.ts';
import { agentError, logLine } from '../errors.ts';

export interface SiteBrokerOptions {
  /** Default: every address of this machine. */
  readonly host?: string | undefined;
  readonly port: number;
  readonly log: { info(text: string): void; warn(text: string): void; error(text: string): void };
}

/** Gateway id → SHA-256 of its password, hex. */
export type Members = Readonly<Record<string, string>>;

const BAD_USERNAME_OR_PASSWORD = 4;
/** A port that a process before us has not given back yet is tried again. */
const RETRY_MS = 5_000;

export class SiteBroker {
  readonly #options: SiteBrokerOptions;
  readonly #users = new Map<Client, string>();
  readonly #sockets = new Set<Socket>();
  #members: ReadonlyMap<string, string> = new Map();
  #aedes: Aedes | undefined;
  #server: Server | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: SiteBrokerOptions) {
    this.#options = options;
    void this.#start();
  }

  /** Lets these in from now on; connections of those who are not among them, or have another password, end. */
  admit(members: Members): void {
    const before = this.#members;
    this.#members = new Map(Object.entries(members));
    for (const [client, user] of this.#users)
      if (this.#members.get(user) !== before.get(user)) client.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#end();
  }

  async #start(): Promise<void> {
    const { host, port, log } = this.#options;
    try {
      // Loaded by the few gateways that serve a site, not by all.
      const { Aedes } = await import('aedes');
      this.#aedes = await Aedes.createBroker({ concurrency: 1000, ...this.#access() });
      this.#aedes.on('clientDisconnect', (client) => this.#users.delete(client));
      // Nagle's algorithm costs 40–90 ms a round trip on loopback.
      const server = createServer({ noDelay: true }, (socket) => this.#take(socket));
      this.#server = server;
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      if (this.#closed) return await this.#end();
      this.#failures = 0;
      log.info(`the broker of this site listens on port ${port}`);
    } catch (cause) {
      await this.#end();
      if (this.#closed) return;
      const message = `port ${port}: ${(cause as Error).message}`;
      if (this.#failures++ === 0)
        log.error(logLine(agentError('ECHO_SITE_BROKER_FAILED', { message, cause })));
      this.#retry = setTimeout(() => void this.#start(), RETRY_MS).unref();
    }
  }

  async #end(): Promise<void> {
    const [aedes, server] = [this.#aedes, this.#server];
    this.#aedes = undefined;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (aedes !== undefined) await new Promise<void>((resolve) => aedes.close(resolve));
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket)).on('error', () => {});
    this.#aedes?.handle(socket);
  }

  #access() {
    const { log } = this.#options;
    return {
      authenticate: (
        client: Client,
        name: string | undefined,
        password: Buffer | undefined,
        done: (error: AuthenticateError | null, success: boolean | null) => void,
      ) => {
        const known = this.#members.get(name ?? '');
        if (name !== undefined && known !== undefined && isPassword(password, known)) {
          this.#users.set(client, name);
          return done(null, true);
        }
        log.warn(`site broker: ${name ?? 'a client without a name'} was refused`);
        done(Object.assign(new Error('bad credentials'), { returnCode: BAD_USERNAME_OR_PASSWORD }), false);
      },
      authorizePublish: (
        client: Client | null,
        { topic }: { readonly topic: string },
        done: (error?: Error | null) => void,
      ) => {
        const user = client === null ? undefined : this.#users.get(client);
        const allowed = user !== undefined && isData(topic) && mayPublish(user, topic);
        done(allowed ? null : new Error(`${user} may not publish to ${topic}`));
      },
      authorizeSubscribe: <S extends { readonly topic: string }>(
        client: Client,
        subscription: S,
        done: (error: Error | null, subscription?: S | null) => void,
      ) => {
        const user = this.#users.get(client);
        const { topic } = subscription;
        done(null, user !== undefined && isData(topic) && maySubscribe(user, topic) ? subscription : null);
      },
    };
  }
}

/** Control stays with the shared broker. */
function isData(topic: string): boolean {
  const kind = parseTopic(topic)?.kind;
  return kind === 'data' || kind === 'ack';
}

function isPassword(given: Buffer | undefined, hash: string): boolean {
  const expected = Buffer.from(hash, 'hex');
  const actual = createHash('sha256')
    .update(given ?? '')
    .digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
