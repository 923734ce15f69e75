/** How much has gone over the cut wires of an application, read from the heartbeats of its gateways. */
import type { InStreamStatus, OutStreamStatus } from '../../wire/control.ts';
import type { CutWire, OrchestratorService } from '../types.ts';

export type TrafficService = Pick<
  OrchestratorService,
  'applications' | 'application' | 'gateways' | 'gateway'
>;

export interface WireTraffic {
  readonly stream: string;
  /** Records processed at the far end; the least of them where several gateways consume. */
  readonly records: number;
  /** Declared loss at either end. */
  readonly lost: number;
  /** Records whose work was done again, recognised by lineage. */
  readonly repeated: number;
}

/** One entry a cut wire of the application, in the plan's order. */
export function trafficOf(service: TrafficService, application: string): WireTraffic[] {
  return service.application(application).streams.map((wire) => wireTraffic(service, wire));
}

function wireTraffic(service: TrafficService, wire: CutWire): WireTraffic {
  const known = new Set(service.gateways().map(({ id }) => id));
  const streams = (id: string) => (known.has(id) ? (service.gateway(id).heartbeat?.streams ?? []) : []);
  const consumers = [...new Set(wire.to.map(({ gateway }) => gateway))];
  const arrived = consumers.flatMap((gateway) =>
    streams(gateway).filter((s): s is InStreamStatus => s.role === 'in' && s.stream === wire.stream),
  );
  const sent = streams(wire.from.gateway).filter(
    (s): s is OutStreamStatus => s.role === 'out' && s.stream === wire.stream,
  );
  const complete = arrived.length === consumers.length;
  return {
    stream: wire.stream,
    records: complete ? Math.min(...arrived.map(({ done }) => done)) : 0,
    lost: sum([...arrived, ...sent].map(({ lost }) => lost)),
    repeated: sum(arrived.map(({ repeated }) => repeated)),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
