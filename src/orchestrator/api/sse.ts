/** Server-sent events: an open answer that carries named JSON events. */
import type { Request, Response } from 'express';

const KEEP_ALIVE_MS = 15_000;
/** A reader this far behind is cut off; it reconnects and reads the state anew. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

export interface EventStream {
  send(event: string, data: unknown): void;
  end(): void;
  /** Called once, when either side closes. */
  onClose(listener: () => void): void;
}

export function openEventStream(req: Request, res: Response): EventStream {
  res.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  req.socket.setNoDelay(true);
  if (req.method === 'HEAD') res.end();
  else res.write('retry: 2000\n\n');
  const keepAlive = setInterval(() => res.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
  keepAlive.unref();
  res.once('close', () => clearInterval(keepAlive));
  return {
    send(event, data) {
      if (res.writableEnded || res.destroyed) return;
      res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (res.writableLength > MAX_BUFFERED_BYTES) res.destroy();
    },
    end() {
      res.end();
    },
    onClose(listener) {
      res.once('close', listener);
    },
  };
}
