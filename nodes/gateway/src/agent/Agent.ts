/**
 * The agent's life: runs from the identity of an earlier enrolment at once (data flows while the orchestrator is
 * down), enrols or renews, keeps the control connection, and says how the gateway is.
 */
import type {
  AdminAccess,
  BrokerAccess,
  CheckpointStatus,
  EnrolReply,
  GatewayFacts,
  UpEnvelope,
} from '../../../../src/wire/control.ts';
import { isEchoError } from '../../../../src/wire/errors.ts';
import { PROTOCOL_VERSION } from '../../../../src/wire/topics.ts';
import { logLine } from '../errors.ts';
import type { FlowIndex } from '../flowIndex.ts';
import type { Follower, Gate } from '../ports.ts';
import type { Red } from '../red.ts';
import { SiteBroker } from '../site/SiteBroker.ts';
import type { StreamManager } from '../streams/StreamManager.ts';
import { ControlConnection } from './ControlConnection.ts';
import { CommsForwarder } from './comms.ts';
import type { AgentConfig } from './config.ts';
import { enrol } from './enrol.ts';
import { adminUrl, gatewayFacts, ownCertificate } from './facts.ts';
import { type Identity, IdentityFile } from './identity.ts';
import { LoadMeter } from './measure.ts';
import { Reach } from './reach.ts';
import { Requests } from './requests.ts';

const ENROL_RETRY_MS = { first: 1_000, most: 30_000 };
/** An enrolled gateway that was refused asks again this much later: it may have been a mistake on the way. */
const REFUSED_RETRY_MS = 60_000;
/** Without a control connection for this long it asks whether brokers or secret have changed; then ever less often. */
const RENEW_MS = { first: 5_000, most: 60_000 };
/** Types are registered in bursts; one hello tells of them all. */
const SETTLE_MS = 500;

export interface Log {
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface AgentOptions {
  readonly red: Red;
  readonly config: AgentConfig;
  /** `<userDir>/echo`; exists. */
  readonly folder: string;
  readonly flows: FlowIndex;
  readonly follower: Pick<Follower, 'counters'>;
  readonly gate: Gate;
  readonly streams: StreamManager;
  readonly fragments: { status(): CheckpointStatus[] };
  readonly log: Log;
}

/** Everything an up envelope says beside version and boot. */
type Saying = UpEnvelope extends infer E ? (E extends UpEnvelope ? Omit<E, 'v' | 'boot'> : never) : never;

export class Agent {
  readonly #options: AgentOptions;
  readonly #file: IdentityFile;
  readonly #requests: Requests;
  readonly #comms: CommsForwarder;
  readonly #meter = new LoadMeter();
  #identity: Identity | undefined;
  #connection: ControlConnection | undefined;
  #siteBroker: SiteBroker | undefined;
  #reach: Reach | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  #attempts = 0;
  #enrolling = false;
  #renewAt = 0;
  #renewals = 0;
  #said = '';
  #stopped = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#file = new IdentityFile(options.folder);
    const { gate, streams, flows, log } = options;
    this.#requests = new Requests({
      gate,
      streams,
      flows,
      reply: (reply) => this.#say({ type: 'reply', ...reply }),
      onRenew: () => {
        if (!this.#enrolling) void this.#enrol();
      },
      onForget: () => void this.#forget(),
      warn: (text) => log.warn(text),
    });
    this.#comms = new CommsForwarder(options.red, flows, (message) =>
      this.#say({ type: 'comms', ...message }),
    );
  }

  start(): void {
    const { config, red } = this.#options;
    const identity = this.#file.read(config.orchestrator);
    if (identity) this.#adopt(identity);
    whenListening(red, () => {
      if (identity) this.#connect(identity);
      void this.#enrol();
      const changed = (): void => {
        clearTimeout(this.#settle);
        this.#settle = setTimeout(() => void this.#hello(false), SETTLE_MS).unref();
      };
      red.events.on('type-registered', changed);
      red.events.on('runtime-event', (event: { id?: string }) => {
        if (event.id?.startsWith('node/')) changed();
      });
    });
  }

  /** Ends the control connection and the timers. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of [this.#heartbeat, this.#retry, this.#settle]) clearTimeout(timer);
    this.#comms.stop();
    this.#meter.stop();
    this.#reach?.stop();
    await this.#connection?.close().catch(() => {});
    await this.#siteBroker?.close();
  }

  async #enrol(): Promise<void> {
    const { config, log, streams } = this.#options;
    const { disk } = streams.boot;
    clearTimeout(this.#retry);
    this.#enrolling = true;
    try {
      const reply = await enrol(config, this.#identity, disk, await this.#facts(), await this.#adminAccess());
      if (this.#stopped) return;
      this.#enrolled(reply);
    } catch (error) {
      if (this.#stopped) return;
      const refused = isEchoError(error) && error.code !== 'ECHO_ENROL_UNREACHABLE';
      if (refused || this.#attempts === 0) log.error(logLine(error));
      if (refused && this.#identity === undefined) return;
      const wait = refused
        ? REFUSED_RETRY_MS
        : Math.min(ENROL_RETRY_MS.most, ENROL_RETRY_MS.first * 2 ** this.#attempts);
      this.#attempts++;
      this.#retry = setTimeout(() => void this.#enrol(), wait * (0.75 + Math.random() / 4)).unref();
    }
  }

  #enrolled(reply: EnrolReply): void {
    const { config, log } = this.#options;
    const before = this.#identity;
    const identity = this.#file.write(config.orchestrator, reply);
    this.#attempts = 0;
    this.#enrolling = false;
    if (JSON.stringify(before) === JSON.stringify(identity)) return;
    this.#adopt(identity);
    if (JSON.stringify(before && control(before)) === JSON.stringify(control(identity))) return;
    this.#connect(identity);
    log.info(`enrolled as ${identity.gateway} at ${config.orchestrator}`);
  }

  /** Goes by what it was granted: data connections, and the broker of the site if this gateway offers it. */
  #adopt(identity: Identity): void {
    const { streams, config, log } = this.#options;
    this.#identity = identity;
    if (config.siteBroker !== undefined && identity.members !== undefined) {
      this.#siteBroker ??= new SiteBroker({ ...config.siteBroker, log });
      this.#siteBroker.admit(identity.members);
    }
    const brokers = { shared: this.#brokersOf(identity), site: identity.site?.brokers ?? [] };
    streams.connect(identity.gateway, brokers.shared, brokers.site);
    this.#reach?.stop();
    const targets = (['shared', 'site'] as const).flatMap((role) =>
      brokers[role].map(({ url }) => ({ role, url })),
    );
    this.#reach = new Reach(targets, (role) => streams.connected(role));
  }

  /** The shared broker it was given, at the addresses this gateway's own settings name, if they do. */
  #brokersOf({ brokers }: Identity): readonly BrokerAccess[] {
    const { broker } = this.#options.config;
    return broker === undefined ? brokers : broker.map((url) => ({ ...brokers[0], url }));
  }

  #connect(identity: Identity): void {
    const { log } = this.#options;
    this.#renewAt = performance.now() + RENEW_MS.first;
    void this.#connection?.close().catch(() => {});
    this.#connection = new ControlConnection({
      gateway: identity.gateway,
      brokers: this.#brokersOf(identity),
      log,
      onMessage: (payload) => this.#requests.take(payload),
      onUp: () => {
        this.#renewals = 0;
        void this.#hello(true);
        this.#comms.repeat();
      },
    });
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => this.#beat(), identity.heartbeatMs).unref();
  }

  /** Says who this is: on each connection, and when that has changed. */
  async #hello(always: boolean): Promise<void> {
    const facts = await this.#facts();
    const text = JSON.stringify(facts);
    if (!always && text === this.#said) return;
    this.#said = text;
    this.#say({ type: 'hello', facts });
    if (always) this.#beat();
  }

  #beat(): void {
    const { follower, streams, gate, fragments } = this.#options;
    if (!this.#connection?.up) {
      this.#renewWhenLost();
      return;
    }
    this.#renewAt = performance.now() + RENEW_MS.first;
    this.#say({
      type: 'heartbeat',
      at: Date.now(),
      ...this.#meter.read(),
      nodes: follower.counters(),
      streams: streams.status(),
      checkpoints: fragments.status(),
      gates: gate.openDeploys(),
      brokers: this.#reach?.read(),
      grant: this.#identity?.grant,
    });
  }

  #renewWhenLost(): void {
    const now = performance.now();
    if (this.#enrolling || now < this.#renewAt) return;
    this.#renewAt = now + Math.min(RENEW_MS.most, RENEW_MS.first * 2 ** ++this.#renewals);
    void this.#enrol();
  }

  #say(saying: Saying): void {
    const envelope = { v: PROTOCOL_VERSION, boot: this.#options.streams.boot, ...saying };
    this.#connection?.send(envelope as UpEnvelope);
  }

  async #facts(): Promise<GatewayFacts> {
    const { red, config } = this.#options;
    return gatewayFacts(red, config, await adminUrl(red, config));
  }

  async #adminAccess(): Promise<AdminAccess | undefined> {
    const { red, config } = this.#options;
    const certificate = config.admin?.certificate ?? (await ownCertificate(red.settings));
    const access = { ...config.admin, ...(certificate === undefined ? {} : { certificate }) };
    return Object.keys(access).length > 0 ? access : undefined;
  }

  async #forget(): Promise<void> {
    const { log } = this.#options;
    this.#file.forget();
    await this.stop();
    await this.#options.streams.close();
    log.info(`${this.#identity?.gateway ?? 'this gateway'} was taken out of the fleet`);
  }
}

/** What the control connection depends on. */
const control = ({ gateway, brokers, heartbeatMs }: Identity) => ({ gateway, brokers, heartbeatMs });

/** Node-RED loads its plugins before its server listens: only then is its port known and its palette complete. */
function whenListening(red: Red, then: () => void): void {
  const { server } = red;
  if (server === undefined || server.listening !== false) then();
  else server.once('listening', then);
}
