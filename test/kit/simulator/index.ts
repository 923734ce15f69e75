/**
 * Gateways without Node-RED: many in one process, behind the same HTTP and MQTT faces as real ones
 * (`test/contract/gateway.contract.ts` holds both to the same promises).
 *
 *     const simulator = await GatewaySimulator.start();
 *     const edge = simulator.add({ name: 'edge-1', tier: 'edge' });
 *     await edge.enrol(enrol, token);                                    // enrols, connects, says hello
 *     edge.admin.faults.plan('POST /flows', { kind: 'answer', status: 500 });
 *     edge.control.vanish();
 *     await simulator.close();
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdminAccess, EnrolReply, EnrolRequest, GatewayFacts, Tier } from '../../../src/wire/control.ts';
import { PROTOCOL_VERSION } from '../../../src/wire/topics.ts';
import { AdminFace } from './adminFace.ts';
import { ControlFace } from './controlFace.ts';

export interface SimulatedGatewayOptions {
  /** Becomes the gateway id. */
  readonly name: string;
  readonly tier?: Tier;
  readonly capabilities?: readonly string[];
  readonly nodeTypes?: readonly string[];
  readonly maxTasks?: number;
  /** Body limit of its admin API. Default 5 MiB, as Node-RED's. */
  readonly maxBytes?: number;
  readonly site?: string;
  /** Its admin API asks for this user. */
  readonly user?: { readonly username: string; readonly password: string };
  /** Overrides any fact. */
  readonly facts?: Partial<GatewayFacts>;
}

/** How a gateway enrols: the orchestrator's own method, or `enrolOverHttp`. */
export type Enrol = (request: EnrolRequest) => Promise<EnrolReply>;

export const CORE_TYPES = [
  'tab',
  'group',
  'subflow',
  'junction',
  'unknown',
  'comment',
  'inject',
  'debug',
  'function',
  'change',
  'switch',
  'range',
  'template',
  'delay',
  'filter',
  'rbe',
  'trigger',
  'link in',
  'link out',
  'link call',
  'catch',
  'status',
  'complete',
  'global-config',
  'http in',
  'http response',
  'http request',
  'mqtt in',
  'mqtt out',
  'mqtt-broker',
  'tcp in',
  'tcp out',
  'file',
  'file in',
  'csv',
  'json',
  'split',
  'join',
  'sort',
  'batch',
  'echo in',
  'echo out',
] as const;

export class SimulatedGateway {
  readonly name: string;
  readonly adminUrl: string;
  readonly admin: AdminFace;
  readonly control: ControlFace;
  /** Changes what the next hello says. */
  facts: GatewayFacts;
  identity: EnrolReply | undefined;
  readonly #options: SimulatedGatewayOptions;

  constructor(options: SimulatedGatewayOptions, adminUrl: string) {
    const { nodeTypes = CORE_TYPES, maxBytes = 5 * 1024 * 1024, user } = options;
    this.#options = options;
    this.name = options.name;
    this.adminUrl = adminUrl;
    this.facts = factsOf(options, adminUrl, nodeTypes, maxBytes);
    this.admin = new AdminFace({ nodeTypes, maxBytes, ...(user === undefined ? {} : { user }) });
    this.control = new ControlFace(
      () => this.facts,
      () => this.admin.flows,
    );
  }

  /** Enrols with a one-time token, or again with what it has; then connects. */
  async enrol(enrol: Enrol, token?: string): Promise<EnrolReply> {
    const admin: AdminAccess = this.#options.user ?? {};
    const proof =
      this.identity === undefined
        ? { name: this.name, ...(token === undefined ? {} : { token }) }
        : { gateway: this.identity.gateway, secret: this.identity.secret };
    this.identity = await enrol({ v: PROTOCOL_VERSION, ...proof, facts: this.facts, admin });
    await this.control.connect(this.identity);
    return this.identity;
  }

  /** Node-RED starts again: a new boot, sessions gone; flows and gates stay. */
  async restart(): Promise<void> {
    this.control.vanish();
    const { disk, count } = this.control.boot;
    this.control.boot = { disk, count: count + 1 };
    this.admin.expireTokens();
    if (this.identity !== undefined) await this.control.connect(this.identity);
  }
}

export class GatewaySimulator {
  readonly gateways = new Map<string, SimulatedGateway>();
  readonly #server: Server;
  readonly #base: string;

  private constructor(server: Server) {
    this.#server = server;
    this.#base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<GatewaySimulator> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const simulator = new GatewaySimulator(server);
    server.on('request', (req, res) => {
      const [, name = '', ...rest] = new URL(req.url ?? '/', simulator.#base).pathname.split('/');
      const gateway = simulator.gateways.get(name);
      if (gateway === undefined) return void res.writeHead(404).end();
      gateway.admin.handle(req, res, `/${rest.join('/')}`).catch(() => res.destroy());
    });
    return simulator;
  }

  /** Adds a gateway; its admin API answers at once, it says nothing until it enrols. */
  add(options: SimulatedGatewayOptions): SimulatedGateway {
    const gateway = new SimulatedGateway(options, `${this.#base}/${options.name}`);
    this.gateways.set(options.name, gateway);
    return gateway;
  }

  async close(): Promise<void> {
    for (const gateway of this.gateways.values()) gateway.control.vanish();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Enrols over the orchestrator's REST face. */
export function enrolOverHttp(orchestratorUrl: string): Enrol {
  return async (request) => {
    const answer = await fetch(`${orchestratorUrl}/api/v1/enrol`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const body = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(`enrol answered ${answer.status}`), { body });
    return body as EnrolReply;
  };
}

function factsOf(
  options: SimulatedGatewayOptions,
  adminUrl: string,
  nodeTypes: readonly string[],
  maxBytes: number,
): GatewayFacts {
  return {
    tier: options.tier ?? 'edge',
    adminUrl,
    nodeRedVersion: '5.0.7',
    nodeVersion: '24.0.0',
    agentVersion: '0.1.0',
    arch: 'x64',
    platform: 'linux',
    cpuCores: 4,
    memTotalMB: 1024,
    capabilities: [...(options.capabilities ?? [])],
    nodeTypes: [...nodeTypes],
    apiMaxBytes: maxBytes,
    ...(options.maxTasks === undefined ? {} : { maxTasks: options.maxTasks }),
    ...(options.site === undefined ? {} : { site: options.site }),
    ...options.facts,
  };
}
