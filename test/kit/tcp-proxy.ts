/** A TCP proxy that stands for a bad link: delays, throttles, stalls, cuts and heals it. */
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Disposables } from './cleanup.ts';

export interface TcpProxy {
  readonly port: number;
  /** Connections through it now. */
  readonly connections: number;
  /** Bytes carried in both directions. */
  readonly bytes: number;
  /** Directions of connections in which something waits for `heal()`. */
  readonly stalled: number;
  /** Every connection is reset and new ones are refused until `heal()`. */
  cut(): void;
  /** Connections stay open, but nothing goes through until `heal()`: a silent partition. */
  stall(): void;
  heal(): void;
  /** One-way delay of what comes from now on, ms. */
  setDelay(ms: number): void;
  /** Limit of each direction of each connection, bytes a second; 0 lifts it. */
  setRate(bytesPerSecond: number): void;
}

/** Starts a proxy on a free port of the loopback in front of `target`. */
export async function startTcpProxy(
  kit: Disposables,
  target: { readonly port: number; readonly host?: string },
): Promise<TcpProxy> {
  const link = new Link();
  const pairs = new Set<readonly [Socket, Socket]>();
  const closeAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const server = createServer({ noDelay: true }, (near) => {
    if (link.state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect({ port: target.port, host: target.host ?? '127.0.0.1', noDelay: true });
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => {});
      socket.once('close', (hadError) => {
        if (hadError) other.destroy();
        // One end may outlive the other for long: what it still has to say is held up.
        if (other.destroyed) pairs.delete(pair);
      });
    }
    near.pipe(link.direction()).pipe(far);
    far.pipe(link.direction()).pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve());
  });
  const address = server.address();
  const proxy: TcpProxy = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections() {
      return [...pairs].filter((pair) => pair.every((socket) => !socket.destroyed)).length;
    },
    get bytes() {
      return link.bytes;
    },
    get stalled() {
      return link.waiting;
    },
    cut() {
      link.set('cut');
      closeAll();
    },
    stall: () => link.set('stalled'),
    heal: () => link.set('open'),
    setDelay(ms) {
      link.delayMs = ms;
    },
    setRate(bytesPerSecond) {
      link.rate = bytesPerSecond;
    },
  };
  return kit.add(proxy, async () => {
    link.set('open');
    closeAll();
    await new Promise((resolve) => server.close(resolve));
  });
}

/** What all connections of a proxy share. */
class Link {
  state: 'open' | 'cut' | 'stalled' = 'open';
  delayMs = 0;
  rate = 0;
  bytes = 0;
  #waiting: (() => void)[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  set(state: Link['state']): void {
    this.state = state;
    if (state === 'stalled') return;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** One direction of one connection. Order is kept: a chunk never overtakes an earlier one. */
  direction(): Transform {
    const late: { readonly due: number; readonly chunk: Buffer }[] = [];
    let timer: NodeJS.Timeout | undefined;
    let whenEmpty: (() => void) | undefined;
    let freeAt = 0;
    const deliver = () => {
      timer = undefined;
      for (let first = late[0]; first !== undefined && first.due <= Date.now(); first = late[0]) {
        this.bytes += first.chunk.length;
        stream.push(first.chunk);
        late.shift();
      }
      const next = late[0];
      if (next !== undefined)
        timer = setTimeout(() => this.#whenOpen(deliver), Math.max(0, next.due - Date.now()));
      else whenEmpty?.();
    };
    const stream = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const accept = () => {
          const cost = this.rate > 0 ? (chunk.length * 1000) / this.rate : 0;
          freeAt = Math.max(freeAt, Date.now()) + cost;
          late.push({ due: Math.max(late.at(-1)?.due ?? 0, freeAt + this.delayMs), chunk });
          if (timer === undefined) deliver();
          if (cost > 0) setTimeout(done, cost);
          else done();
        };
        this.#whenOpen(accept);
      },
      flush: (done) => {
        if (late.length === 0) done();
        else whenEmpty = done;
      },
    });
    return stream;
  }

  #whenOpen(go: () => void): void {
    if (this.state === 'stalled') this.#waiting.push(go);
    else go();
  }
}

/** True when something accepts connections on a port of the loopback. */
export function connectsTo(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
