/**
 * The fleet: who is enrolled (enrolment), what they can do (registry), how they are (heartbeats). Read through the
 * registry alone; what changes by the second lies over it and reaches the registry at a walking pace.
 */
import { EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Candidate } from '../../placement/types.ts';
import type { Registry } from '../../registry/Registry.ts';
import type { BrokerAccess, EnrolReply, EnrolRequest, GatewayFacts, Heartbeat } from '../../wire/control.ts';
import { type HealthChange, HealthMonitor } from '../health/HealthMonitor.ts';
import type { BrokerView, EnrolToken, GatewayDetail, GatewayView, OrchestratorEvents } from '../types.ts';
import { AdminClients } from './AdminClients.ts';
import type { AdminClient } from './adminClient.ts';
import type { Brokers } from './brokers.ts';
import { MqttControlChannel } from './controlChannel.ts';
import { GatewayDirectory } from './directory.ts';
import type { EnrolmentDesk } from './enrolment.ts';
import { gatewayError } from './errors.ts';
import { FleetPublisher } from './FleetPublisher.ts';
import type { GatewayRecord } from './gatewayItem.ts';
import { Renewals } from './Renewals.ts';
import { checkSettings, checkWireNodes } from './support.ts';
import type { Fleet } from './types.ts';
import { Verifier } from './verifier.ts';
import { candidateOf, viewOf } from './views.ts';

export interface FleetOptions {
  readonly registry: Registry;
  readonly desk: EnrolmentDesk;
  readonly brokers: Brokers;
  /** The orchestrator's own access to the shared broker: its nodes, tried in turn. */
  readonly access: readonly BrokerAccess[];
  readonly staleMs: number;
  readonly requestTimeoutMs: number;
  readonly log: Logger;
  /** One transaction of the store around many writes. */
  readonly inBatch?: <T>(work: () => T) => T;
  /** Called when a gateway was taken out: ends its broker connections. */
  readonly onForgotten?: (gateway: string) => void;
  readonly clock?: () => number;
}

/** What the fleet tells of; a part of `OrchestratorEvents`. */
export type FleetEvents = Pick<OrchestratorEvents, 'gateway' | 'heartbeat' | 'debug' | 'nodeStatus'>;

const NOT_VERIFIED = 'its admin API was not verified yet';

export class GatewayFleet implements Fleet {
  readonly control: MqttControlChannel;
  readonly #options: FleetOptions;
  readonly #clock: () => number;
  readonly #directory: GatewayDirectory;
  readonly #publisher: FleetPublisher;
  readonly #monitor: HealthMonitor;
  readonly #verifier: Verifier;
  readonly #renewals: Renewals;
  readonly #events = new EventEmitter<FleetEvents & { usable: [gateway: string] }>().setMaxListeners(0);
  readonly #heartbeats = new Map<string, Heartbeat>();
  readonly #clients: AdminClients;
  /** Not heard since our connection to the broker was made: whoever waits for them is told when they speak. */
  readonly #unconfirmed = new Set<string>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#directory = new GatewayDirectory(options.registry, this.#clock);
    this.control = new MqttControlChannel({
      brokers: options.access,
      requestTimeoutMs: options.requestTimeoutMs,
      log: options.log,
      onHeard: (gateway, newBoot) => this.#heard(gateway, newBoot),
      onEnvelope: (gateway, envelope) => {
        if (envelope.type === 'hello') this.#learn(gateway, envelope.facts);
        else if (envelope.type === 'heartbeat') this.#beat(gateway, envelope);
        else if (envelope.kind === 'debug') this.#events.emit('debug', gateway, envelope.node, envelope.data);
        else this.#events.emit('nodeStatus', gateway, envelope.node, envelope.data);
      },
      onConnected: () => {
        for (const { id } of this.#directory.list()) this.#unconfirmed.add(id);
      },
      onOffline: (gateway) => this.#monitor.offline(gateway),
    });
    this.#monitor = new HealthMonitor({
      staleMs: options.staleMs,
      clock: this.#clock,
      hears: () => this.control.connected,
      onChange: (change) => this.#healthChanged(change),
    });
    this.#renewals = new Renewals(this.control, options.log, this.#clock);
    this.#publisher = new FleetPublisher({
      directory: this.#directory,
      liveness: (gateway) => this.#monitor.get(gateway),
      heartbeat: (gateway) => this.#heartbeats.get(gateway),
      ...(options.inBatch === undefined ? {} : { inBatch: options.inBatch }),
    });
    this.#clients = new AdminClients((gateway) => {
      const { adminUrl: url, apiMaxBytes: maxBytes } = this.#known(gateway).facts;
      const access = options.desk.adminAccess(gateway);
      return { gateway, url, access, maxBytes, timeoutMs: options.requestTimeoutMs };
    });
    this.#verifier = new Verifier({
      check: (gateway) => this.#verify(gateway),
      onResult: (gateway, problem) => this.#verified(gateway, problem),
    });
  }

  /** Publishes who is enrolled, connects to the broker, watches. Rejects with ECHO_BROKER_UNREACHABLE, and keeps connecting until `close`. */
  async start(): Promise<void> {
    const enrolled = this.#options.desk.list();
    const ids = new Set(enrolled.map(({ id }) => id));
    this.#publisher.batch(() => {
      for (const { id } of this.#directory.list()) if (!ids.has(id)) this.#directory.remove(id);
      for (const { id, facts, lastSeenAt } of enrolled) {
        this.#monitor.add(id);
        this.#publisher.publish(id, facts, this.#directory.get(id)?.lastSeen ?? lastSeenAt);
      }
    });
    await Promise.all(enrolled.map(({ id }) => this.control.watch(id)));
    this.#monitor.start();
    this.#publisher.start();
    await this.control.connect();
  }

  /** Writes what is due to the registry and ends every connection. */
  async close(): Promise<void> {
    this.#monitor.stop();
    this.#verifier.close();
    this.#publisher.stop();
    await this.control.close();
    await this.#clients.close();
  }

  /** Takes a gateway in (or in again). Errors: see `EnrolmentDesk.admit`. */
  async enrol(request: EnrolRequest): Promise<EnrolReply> {
    const reply = this.#publisher.batch(() => {
      const admitted = this.#options.desk.admit(request);
      this.#publisher.publish(admitted.gateway, request.facts, this.#clock());
      return admitted;
    });
    const id = reply.gateway;
    this.#monitor.add(id);
    this.#clients.drop(id);
    await this.control.watch(id);
    if (request.secret === undefined) this.#events.emit('gateway', id, 'enrolled');
    return reply;
  }

  /** A one-time token; see `EnrolmentDesk.createToken`. */
  createToken(options?: { name?: string; ttlSeconds?: number }): EnrolToken {
    return this.#options.desk.createToken(options);
  }

  list(): GatewayView[] {
    return this.#directory.list().map((record) => this.#view(record));
  }

  get(id: string): GatewayDetail {
    const record = this.#known(id);
    const heartbeat = this.#heartbeats.get(id);
    return {
      ...this.#view(record),
      nodeTypes: record.facts.nodeTypes,
      ...(heartbeat === undefined ? {} : { heartbeat }),
    };
  }

  has(id: string): boolean {
    return this.#directory.get(id) !== undefined;
  }

  candidates(taskCounts: ReadonlyMap<string, number>): Candidate[] {
    return this.#directory
      .list()
      .map((record) =>
        candidateOf(
          record,
          this.#monitor.get(record.id),
          this.#heartbeats.get(record.id),
          taskCounts.get(record.id) ?? 0,
        ),
      );
  }

  online(id: string): boolean {
    const { connected, health } = this.#monitor.get(id);
    return connected && health !== 'down' && this.control.connected;
  }

  brokers(): BrokerView[] {
    return this.#options.brokers.views((gateway) => {
      const { health } = this.#monitor.get(gateway);
      return health === 'up' || health === 'degraded' ? this.#heartbeats.get(gateway)?.brokers : undefined;
    });
  }

  /** Why a living gateway is degraded; empty when it is not. */
  troubles(id: string): string[] {
    return Object.values(this.#monitor.get(id).troubles);
  }

  apiMaxBytes(id: string): number {
    return this.#known(id).facts.apiMaxBytes;
  }

  /** Ask for it anew for each piece of work: a gateway that enrols again gets another client. */
  admin(id: string): AdminClient {
    return this.#clients.of(id);
  }

  onUp(listener: (id: string) => void): () => void {
    this.#events.on('usable', listener);
    return () => this.#events.off('usable', listener);
  }

  /** Calls the listener at each event until what it returns is called. */
  get on(): <E extends keyof FleetEvents>(
    event: E,
    listener: (...args: FleetEvents[E]) => void,
  ) => () => void {
    const events = this.#events as EventEmitter;
    return (event, listener) => {
      const any = listener as (...args: unknown[]) => void;
      events.on(event, any);
      return () => events.off(event, any);
    };
  }

  async forget(id: string): Promise<void> {
    this.#known(id);
    this.#verifier.cancel(id);
    if (this.online(id)) {
      // Best effort: without its secret the gateway is out in any case.
      await this.control.request(id, { method: 'gateway.forget', params: {} }).catch((error: Error) => {
        this.#options.log.warn({ gateway: id, error: error.message }, 'the gateway was not told to forget');
      });
    }
    this.#options.desk.remove(id);
    this.#directory.remove(id);
    this.#monitor.remove(id);
    this.#heartbeats.delete(id);
    this.#renewals.forget(id);
    this.#publisher.forget(id);
    this.#unconfirmed.delete(id);
    this.#clients.drop(id);
    await this.control.unwatch(id);
    this.#options.onForgotten?.(id);
    this.#events.emit('gateway', id, 'removed');
  }

  #heard(gateway: string, newBoot: boolean): void {
    const unconfirmed = this.#unconfirmed.delete(gateway);
    const isBack = newBoot || this.#monitor.get(gateway).health === 'down';
    if (isBack) this.#monitor.trouble(gateway, 'admin', NOT_VERIFIED);
    if (isBack || unconfirmed) this.#verifier.begin(gateway);
    this.#monitor.heard(gateway);
    this.#publisher.changed(gateway);
  }

  #learn(gateway: string, facts: GatewayFacts): void {
    const known = this.#directory.get(gateway)?.facts;
    if (known === undefined || isDeepStrictEqual(known, facts)) return;
    if (known.adminUrl !== facts.adminUrl || known.apiMaxBytes !== facts.apiMaxBytes) {
      this.#clients.drop(gateway);
      this.#verifier.begin(gateway);
    }
    this.#publisher.batch(() => {
      this.#options.desk.record(gateway, { facts, lastSeenAt: this.#clock() });
      this.#publisher.publish(gateway, facts, this.#clock());
    });
  }

  #beat(gateway: string, heartbeat: Heartbeat): void {
    this.#heartbeats.set(gateway, heartbeat);
    this.#events.emit('heartbeat', gateway, heartbeat);
    const { brokers } = this.#options;
    // Brokers or members of its site have changed since it enrolled.
    const { grant } = heartbeat;
    if (grant !== undefined && grant !== brokers.grantName(gateway)) this.#renewals.ask(gateway);
  }

  #healthChanged({ gateway, from, to }: HealthChange): void {
    this.#options.log.info({ gateway, from, to, troubles: this.troubles(gateway) }, 'gateway health');
    this.#publisher.changed(gateway);
    if (to === 'down') this.#verifier.cancel(gateway);
    this.#events.emit('gateway', gateway, to);
  }

  async #verify(gateway: string): Promise<void> {
    const admin = this.admin(gateway);
    checkSettings(await admin.settings());
    checkWireNodes(await admin.nodeTypes());
    await admin.flows();
  }

  #verified(gateway: string, problem: string | undefined): void {
    const isNews = this.#monitor.get(gateway).troubles.admin !== problem;
    this.#monitor.trouble(gateway, 'admin', problem);
    if (problem === undefined) this.#events.emit('usable', gateway);
    else if (isNews) this.#options.log.warn({ gateway, problem }, 'gateway cannot be used yet');
  }

  #view(record: GatewayRecord): GatewayView {
    return viewOf(record, this.#monitor.get(record.id), this.#heartbeats.get(record.id));
  }

  #known(id: string): GatewayRecord {
    const record = this.#directory.get(id);
    if (record === undefined)
      throw gatewayError('ECHO_GATEWAY_UNKNOWN', { message: `no gateway ${id} is enrolled`, where: id });
    return record;
  }
}
