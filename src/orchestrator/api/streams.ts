/** The streams of every application joined with what the last heartbeats say of them. Pure. */
import type { Heartbeat, InStreamStatus, OutStreamStatus } from '../../wire/control.ts';
import type { AppDetail, CutWire, GatewayDetail } from '../types.ts';

export interface StreamView {
  readonly stream: string;
  readonly application: string;
  readonly level: string;
  readonly from: CutWire['from'];
  readonly to: CutWire['to'];
  /** From the gateway that holds the log. `at`: ms since 1970; `appended`, `lost`: since its boot. */
  readonly producer?: {
    readonly at: number;
    readonly head: number;
    readonly appended: number;
    readonly retransmitted: number;
    readonly lost: number;
    readonly bytes: number;
    /** Records appended and not yet processed by the slowest consumer. */
    readonly backlog: number;
    /** Of what some consumer has not stably passed: bytes, and age of the oldest at `at`; to within a log segment. */
    readonly backlogBytes?: number;
    readonly backlogAgeMs?: number;
    /** Records a second. */
    readonly rate?: number;
  };
  /** One entry a consuming gateway that has reported, in order of gateway id. */
  readonly consumers: readonly {
    readonly gateway: string;
    readonly at: number;
    readonly delivered: number;
    readonly done: number;
    readonly duplicates: number;
    readonly repeated: number;
    readonly lost: number;
    /** Records a second. */
    readonly rate?: number;
    /** From append to delivery, by the clocks of the two gateways. */
    readonly latencyMs?: { readonly p50: number; readonly p99: number };
    readonly retried?: number;
    /** Records that count as processed because a task did not say what became of them in its time. */
    readonly unfollowed?: number;
    /** Records set aside that wait to be replayed or dropped. */
    readonly dead?: number;
  }[];
}

export function streamViews(
  apps: readonly Pick<AppDetail, 'id' | 'streams'>[],
  gateways: readonly Pick<GatewayDetail, 'id' | 'heartbeat'>[],
): StreamView[] {
  const beats = new Map(
    gateways.flatMap(({ id, heartbeat }) => (heartbeat ? [[id, heartbeat] as const] : [])),
  );
  return apps.flatMap((app) => app.streams.map((wire) => streamView(app.id, wire, beats)));
}

function streamView(application: string, wire: CutWire, beats: ReadonlyMap<string, Heartbeat>): StreamView {
  const beat = beats.get(wire.from.gateway);
  const out = beat?.streams.find((s): s is OutStreamStatus => s.role === 'out' && s.stream === wire.stream);
  const consumers = [...new Set(wire.to.map((end) => end.gateway))].sort();
  return {
    stream: wire.stream,
    application,
    level: wire.level,
    from: wire.from,
    to: wire.to,
    ...(beat && out ? { producer: { at: beat.at, ...producerNumbers(out, beat.at) } } : {}),
    consumers: consumers.flatMap((gateway) => {
      const said = beats.get(gateway);
      const status = said?.streams.find(
        (s): s is InStreamStatus => s.role === 'in' && s.stream === wire.stream,
      );
      return said && status ? [{ gateway, at: said.at, ...consumerNumbers(status) }] : [];
    }),
  };
}

function producerNumbers(out: OutStreamStatus, at: number): Omit<NonNullable<StreamView['producer']>, 'at'> {
  const { head, appended, retransmitted, lost, bytes, rate, backlog } = out;
  const behind = Object.values(out.consumers).map((consumer) => head - consumer.done);
  const { since } = backlog ?? {};
  const always = { head, appended, retransmitted, lost, bytes, backlog: Math.max(0, ...behind) };
  return {
    ...always,
    ...(backlog === undefined ? {} : { backlogBytes: backlog.bytes }),
    ...(since === undefined ? {} : { backlogAgeMs: Math.max(0, at - since) }),
    ...(rate === undefined ? {} : { rate }),
  };
}

function consumerNumbers(status: InStreamStatus): Omit<StreamView['consumers'][number], 'gateway' | 'at'> {
  const { delivered, done, duplicates, repeated, lost, rate, latencyMs, retried, unfollowed, dead } = status;
  const always = { delivered, done, duplicates, repeated, lost };
  return {
    ...always,
    ...(rate === undefined ? {} : { rate }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(retried === undefined ? {} : { retried }),
    ...(unfollowed === undefined ? {} : { unfollowed }),
    ...(dead === undefined ? {} : { dead }),
  };
}

/** Declared loss: the producer counts what it gave up, each consumer sees the same gaps. */
export function lostOf(view: StreamView): number {
  return Math.max(view.producer?.lost ?? 0, ...view.consumers.map((consumer) => consumer.lost));
}

export function repeatedOf(view: StreamView): number {
  return view.consumers.reduce((sum, consumer) => sum + consumer.repeated, 0);
}

export function deliveredOf(view: StreamView): number {
  return view.consumers.reduce((sum, consumer) => sum + consumer.delivered, 0);
}
