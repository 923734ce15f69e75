/** Which of its brokers this gateway reaches, for the reachability map of the orchestrator. */
import { connect } from 'node:net';
import type { BrokerReach } from '../../../../src/wire/control.ts';

const PROBE_EVERY_MS = 10_000;
const PROBE_TIMEOUT_MS = 3_000;
/** A connection that was never up is not held against a broker before this time. */
const GRACE_MS = 5_000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 80,
  'wss:': 443,
};

type Target = Pick<BrokerReach, 'role' | 'url'>;

export class Reach {
  readonly #targets: readonly Target[];
  /** Is the data connection of the role up? */
  readonly #up: (role: Target['role']) => boolean;
  readonly #opens = new Map<string, boolean>();
  readonly #timer: NodeJS.Timeout;
  readonly #since = performance.now();

  constructor(targets: readonly Target[], up: (role: Target['role']) => boolean) {
    this.#targets = targets;
    this.#up = up;
    this.#timer = setInterval(() => this.#probe(), PROBE_EVERY_MS).unref();
    this.#probe();
  }

  /** Reachable: the data connection of the role stands, and a connection to this URL opens. */
  read(): BrokerReach[] {
    const settled = performance.now() - this.#since > GRACE_MS;
    return this.#targets.flatMap(({ role, url }) => {
      if (this.#up(role)) return { role, url, reachable: this.#opens.get(url) ?? true };
      return settled ? { role, url, reachable: false } : [];
    });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #probe(): void {
    for (const { url } of this.#targets) void opens(url).then((open) => this.#opens.set(url, open));
  }
}

/** Does something accept connections there? */
function opens(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (DEFAULT_PORTS[protocol] ?? 1883)),
    });
    const answer = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
