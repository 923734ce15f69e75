/**
 * What the deploy machinery needs of the fleet: three small ports, implemented in this folder, faked nowhere but by
 * the gateway simulator in `test/kit` behind the same HTTP and MQTT faces.
 */
import type { RawFlow } from '../../flow/types.ts';
import type { Candidate } from '../../placement/types.ts';
import type { ControlRequest, GateOpened, GateStatus, StreamStatus } from '../../wire/control.ts';
import type { OperationResult, StreamOperation } from '../../wire/operate.ts';
import type { BrokerView, Credentials, GatewayDetail, GatewayView, NodeSet } from '../types.ts';

/** One gateway's Node-RED admin API (flows v2). Errors are EchoErrors with a code of `gateways/errors.ts`. */
export interface AdminApi {
  /** GET /flows. Never carries credentials. */
  flows(): Promise<{ readonly rev: string; readonly flows: RawFlow }>;
  /**
   * POST /flows with deployment type `nodes`. ECHO_FLOWS_CONFLICT when `rev` is stale, ECHO_FLOWS_TOO_LARGE over
   * its body limit, ECHO_GATEWAY_UNREACHABLE, ECHO_GATEWAY_UNAUTHORIZED, ECHO_GATEWAY_REFUSED.
   */
  putFlows(put: {
    readonly rev: string;
    readonly flows: RawFlow;
    readonly credentials?: Credentials;
  }): Promise<{ readonly rev: string }>;
  /** GET /nodes: the types that can run there now. */
  nodeTypes(): Promise<ReadonlySet<string>>;
  /** GET /nodes: the node sets that can be used there now. */
  nodeSets(): Promise<readonly NodeSet[]>;
  /** GET /nodes/:id and its messages: the editor half of a node set. */
  nodeSetEditor(id: string): Promise<{ readonly html: string; readonly messages: Record<string, unknown> }>;
  /** POST /inject/:id and the like: a node's button. */
  press(node: string, body?: unknown): Promise<void>;
  /** POST /debug/enable or /debug/disable: debug nodes speak or fall silent, until their next start. */
  setDebug(nodes: readonly string[], active: boolean): Promise<void>;
}

/** Requests to agents over MQTT, each answered within the time limit or ECHO_GATEWAY_NO_REPLY. */
export interface ControlChannel {
  request(
    gateway: string,
    request: Extract<ControlRequest, { method: 'gate.close' | 'gate.status' }>,
  ): Promise<GateStatus>;
  request(gateway: string, request: Extract<ControlRequest, { method: 'gate.open' }>): Promise<GateOpened>;
  request(
    gateway: string,
    request: Extract<ControlRequest, { method: 'streams.status' }>,
  ): Promise<StreamStatus[]>;
  request(
    gateway: string,
    request: Extract<ControlRequest, { method: 'streams.retire' | 'gateway.renew' | 'gateway.forget' }>,
  ): Promise<void>;
  request<M extends StreamOperation['method']>(
    gateway: string,
    request: Extract<StreamOperation, { method: M }>,
  ): Promise<OperationResult<M>>;
}

/** The fleet as the registry and the heartbeats show it. */
export interface Fleet {
  list(): GatewayView[];
  /** ECHO_GATEWAY_UNKNOWN when it is not enrolled. */
  get(id: string): GatewayDetail;
  has(id: string): boolean;
  /** For placement; `taskCounts` are the slots taken by other applications, by gateway id. */
  candidates(taskCounts: ReadonlyMap<string, number>): Candidate[];
  /** Reachable: control connection online and not `down`. */
  online(id: string): boolean;
  /** The reachability map. */
  brokers(): BrokerView[];
  apiMaxBytes(id: string): number;
  admin(id: string): AdminApi;
  readonly control: ControlChannel;
  /** Called whenever a gateway comes (back) online. */
  onUp(listener: (id: string) => void): () => void;
  /** Ends its enrolment: secret, admin access, registry item. */
  forget(id: string): Promise<void>;
}
