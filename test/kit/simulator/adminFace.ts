/** The admin API faces that ECHO uses, as Node-RED 4.1 and 5.0 answer them. */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawFlow } from '../../../src/flow/types.ts';
import { Faults } from './faults.ts';

export interface AdminFaceOptions {
  readonly nodeTypes: readonly string[];
  readonly maxBytes: number;
  /** When set, requests need a bearer token of this user. */
  readonly user?: { readonly username: string; readonly password: string };
}

/** Fields of an entry in GET /nodes that ECHO reads. */
interface NodeSet {
  readonly id: string;
  readonly module: string;
  readonly name: string;
  readonly version: string;
  readonly local: boolean;
  readonly types: readonly string[];
  readonly enabled: boolean;
  readonly err?: string;
}

export class AdminFace {
  readonly faults = new Faults();
  /** `POST /flows`, `GET /nodes`…, in the order they came. */
  readonly calls: string[] = [];
  /** Ids of the nodes whose buttons were pressed. */
  readonly pressed: string[] = [];
  readonly credentials = new Map<string, unknown>();
  /** Debug nodes that were switched, and what to. */
  readonly debug = new Map<string, boolean>();
  nodeTypes: readonly string[];
  readonly #options: AdminFaceOptions;
  readonly #tokens = new Set<string>();
  #flows: RawFlow = [];
  #rev = revisionOf([]);

  constructor(options: AdminFaceOptions) {
    this.#options = options;
    this.nodeTypes = options.nodeTypes;
  }

  get flows(): RawFlow {
    return this.#flows;
  }

  get rev(): string {
    return this.#rev;
  }

  /** Changes the flows as a person at the gateway's own editor would. */
  edit(flows: RawFlow): void {
    this.#flows = structuredClone(flows) as RawFlow;
    this.#rev = revisionOf(this.#flows);
  }

  /** Ends every token, as a restart of Node-RED with memory sessions does. */
  expireTokens(): void {
    this.#tokens.clear();
  }

  /** `path` is what follows the gateway's own prefix. */
  async handle(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
    const face = `${req.method} /${path.split('/')[1]}`;
    this.calls.push(`${req.method} ${path}`);
    const body = await read(req, this.#options.maxBytes);
    const fault = this.faults.take(face);
    switch (fault?.kind) {
      case 'silence':
        return;
      case 'drop':
        req.socket.destroy();
        return;
      case 'answer':
        return send(res, fault.status, fault.body ?? { message: 'made to fail' });
      case 'drop-after':
        this.#answer(req, path, body);
        req.socket.destroy();
        return;
      case 'delay':
        await new Promise((done) => setTimeout(done, fault.ms));
    }
    const [status, answer] = this.#answer(req, path, body);
    send(res, status, answer);
  }

  #answer(req: IncomingMessage, path: string, body: Buffer | undefined): [number, unknown] {
    if (body === undefined) return [413, 'Payload Too Large'];
    const call = `${req.method} ${path}`;
    if (call === 'POST /auth/token') return this.#logIn(body);
    if (!this.#allowed(req)) return [401, 'Unauthorized'];
    if (call === 'GET /flows') return [200, { flows: this.#flows, rev: this.#rev }];
    if (call === 'POST /flows') return this.#setFlows(body);
    if (call === 'GET /nodes') return [200, this.#nodeSets()];
    if (call === 'GET /settings') return [200, { version: '5.0.7', editorTheme: {} }];
    if (path.startsWith('/nodes/')) return this.#nodeSet(path);
    if (/^\/debug\/(enable|disable)$/.test(path)) return this.#setDebug(path.endsWith('enable'), body);
    if (path.startsWith('/inject/')) return this.#press(decodeURIComponent(path.slice('/inject/'.length)));
    return [404, 'Not Found'];
  }

  #allowed(req: IncomingMessage): boolean {
    if (this.#options.user === undefined) return true;
    return this.#tokens.has((req.headers.authorization ?? '').replace('Bearer ', ''));
  }

  #logIn(body: Buffer): [number, unknown] {
    const { user } = this.#options;
    if (user === undefined) return [404, 'Not Found'];
    const given = parse(body) as { username?: unknown; password?: unknown } | undefined;
    if (given?.username !== user.username || given.password !== user.password) return [401, 'Unauthorized'];
    const token = randomUUID();
    this.#tokens.add(token);
    return [200, { access_token: token, expires_in: 604_800, token_type: 'Bearer' }];
  }

  #setFlows(body: Buffer): [number, unknown] {
    const put = parse(body) as
      | { rev?: unknown; flows?: unknown; credentials?: Record<string, unknown> }
      | undefined;
    if (put === undefined || !Array.isArray(put.flows))
      return [400, { code: 'unexpected_error', message: 'invalid flows' }];
    if ('rev' in put && put.rev !== this.#rev) return [409, { code: 'version_mismatch', message: '' }];
    for (const [id, credentials] of Object.entries(put.credentials ?? {}))
      this.credentials.set(id, credentials);
    this.#flows = put.flows.map(({ credentials, ...node }) => {
      if (credentials !== undefined) this.credentials.set(node.id, credentials);
      return node;
    });
    const present = new Set(this.#flows.map((node) => node.id));
    for (const id of this.credentials.keys()) if (!present.has(id)) this.credentials.delete(id);
    this.#rev = revisionOf(this.#flows);
    return [200, { rev: this.#rev }];
  }

  #press(node: string): [number, unknown] {
    if (!this.#flows.some(({ id }) => id === node)) return [404, 'Not Found'];
    this.pressed.push(node);
    return [200, 'OK'];
  }

  #setDebug(active: boolean, body: Buffer): [number, unknown] {
    const nodes = (parse(body) as { nodes?: unknown } | undefined)?.nodes;
    if (!Array.isArray(nodes)) return [400, 'Bad Request'];
    for (const id of nodes) this.debug.set(id, active);
    return [active ? 200 : 201, 'OK'];
  }

  #nodeSets(): NodeSet[] {
    const set = { module: 'node-red', version: '5.0.7', local: false, enabled: true };
    return [
      { ...set, id: 'node-red/simulated', name: 'simulated', types: this.nodeTypes },
      { ...set, id: 'node-red/disabled', name: 'disabled', types: ['disabled-type'], enabled: false },
      { ...set, id: 'node-red/broken', name: 'broken', types: ['broken-type'], err: 'Error: no module' },
    ];
  }

  /** The editor half of a set (HTML), or its phrases. */
  #nodeSet(path: string): [number, unknown] {
    const [id, isMessages] = path.endsWith('/messages')
      ? [path.slice('/nodes/'.length, -'/messages'.length), true]
      : [path.slice('/nodes/'.length), false];
    const set = this.#nodeSets().find((one) => one.id === id);
    if (set === undefined) return [404, { code: 'not_found', message: 'Node not found' }];
    if (isMessages) return [200, {}];
    return [
      200,
      set.types.map((type) => `<script type="text/html" data-template-name="${type}"></script>`).join(''),
    ];
  }
}

function revisionOf(flows: RawFlow): string {
  return createHash('sha256').update(JSON.stringify(flows)).digest('hex');
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The body, or undefined when it is over the limit. */
async function read(req: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += (chunk as Buffer).length;
    if (bytes <= limit) chunks.push(chunk as Buffer);
  }
  return bytes <= limit ? Buffer.concat(chunks) : undefined;
}

function send(res: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === 'string';
  res.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' });
  res.end(isText ? body : JSON.stringify(body));
}
