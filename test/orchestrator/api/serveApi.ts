/** The real API, listening on a free port, over the in-memory service. */
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { type ApiParts, createApi } from '../../../src/orchestrator/api/createApi.ts';
import type { OrchestratorService } from '../../../src/orchestrator/types.ts';
import { type MemoryService, memoryService } from './memoryService.ts';

export interface ServedApi<S = MemoryService> {
  readonly url: string;
  readonly service: S;
  /** What the API logged, as JSON lines. */
  readonly logged: string[];
  close(): Promise<void>;
}

type Parts = Partial<Omit<ApiParts, 'service' | 'log'>>;

export function serveApi(parts: Parts = {}): Promise<ServedApi> {
  return serveService(memoryService(), parts);
}

export async function serveService<S extends OrchestratorService>(
  service: S,
  parts: Parts = {},
): Promise<ServedApi<S>> {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => logged.push(line) });
  const server = createServer(createApi({ settings: { host: '127.0.0.1' }, ...parts, service, log }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, service, logged, close };
}

/** A request that may say any Host. */
export function rawRequest(
  url: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = httpRequest(url, { headers }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    });
    req.on('error', reject).end();
  });
}
