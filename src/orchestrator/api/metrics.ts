/** The fleet in Prometheus' words, read from the service at each scrape. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { CheckpointStatus } from '../../wire/control.ts';
import type { OrchestratorService } from '../types.ts';
import { type StreamView, streamViews } from './streams.ts';

const HEALTHS = ['up', 'degraded', 'stale', 'down'] as const;
const STATUSES = ['running', 'stopped', 'deploying', 'pending-offline', 'undo-pending'] as const;

export function createMetrics(service: OrchestratorService, registry = new Registry()): Registry {
  collectDefaultMetrics({ register: registry });
  fleetGauges(service, registry);
  checkpointGauges(service, registry);
  streamMetrics(service, registry);
  streamGauges(service, registry);
  return registry;
}

function fleetGauges(service: OrchestratorService, registry: Registry): void {
  new Gauge({
    name: 'echo_gateways',
    help: 'Enrolled gateways by health.',
    labelNames: ['health'],
    registers: [registry],
    collect() {
      const all = service.gateways();
      for (const health of HEALTHS) this.set({ health }, all.filter((g) => g.health === health).length);
    },
  });
  new Gauge({
    name: 'echo_applications',
    help: 'Applications by status.',
    labelNames: ['status'],
    registers: [registry],
    collect() {
      const all = service.applications();
      for (const status of STATUSES) this.set({ status }, all.filter((a) => a.status === status).length);
    },
  });
  new Gauge({
    name: 'echo_gateway_tasks',
    help: 'Tasks placed on a gateway.',
    labelNames: ['gateway'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { id, tasks } of service.gateways()) this.set({ gateway: id }, tasks);
    },
  });
  new Gauge({
    name: 'echo_gateway_cpu_percent',
    help: 'CPU load of a gateway, 0-100, from its last heartbeat.',
    labelNames: ['gateway'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { id, cpuPct } of service.gateways())
        if (cpuPct !== undefined) this.set({ gateway: id }, cpuPct);
    },
  });
}

/** Of fragments that take checkpoints, from the last heartbeat of their gateway. */
function checkpointGauges(service: OrchestratorService, registry: Registry): void {
  const gauge = (name: string, help: string, read: (checkpoints: CheckpointStatus) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['application', 'gateway'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { id } of service.gateways())
          for (const checkpoints of service.gateway(id).heartbeat?.checkpoints ?? []) {
            const { application } = checkpoints;
            this.set({ application, gateway: id }, read(checkpoints) ?? 0);
          }
      },
    });
  gauge('echo_checkpoints', 'Checkpoints taken since the gateway started.', ({ taken }) => taken);
  gauge('echo_checkpoint_bytes', 'Bytes of the checkpoints on disk.', ({ bytes }) => bytes);
  gauge(
    'echo_checkpoint_cost_seconds',
    'What the last checkpoint took of the event loop.',
    ({ lastMs }) => lastMs / 1000,
  );
  gauge(
    'echo_checkpoint_waiting_seconds',
    'How long the oldest work waits that no checkpoint holds.',
    ({ waitingMs }) => waitingMs && waitingMs / 1000,
  );
}

interface Sample {
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** Counters start again at a gateway's boot, as Prometheus expects of a counter of a restarted process. */
function streamMetrics(service: OrchestratorService, registry: Registry): void {
  const counter = (name: string, help: string, samples: (view: StreamView) => Sample[]) =>
    new Counter({
      name,
      help,
      labelNames: ['application', 'stream', 'gateway'],
      registers: [registry],
      collect() {
        this.reset();
        for (const view of currentStreams(service)) {
          for (const { labels, value } of samples(view)) this.inc(labels, value);
        }
      },
    });
  counter('echo_stream_appended_total', 'Records appended at the producer.', (v) =>
    atProducer(v, (p) => p.appended),
  );
  counter('echo_stream_retransmitted_total', 'Records sent again by the producer.', (v) =>
    atProducer(v, (p) => p.retransmitted),
  );
  counter('echo_stream_delivered_total', 'Records handed to Node-RED at a consumer.', (v) =>
    atConsumers(v, (c) => c.delivered),
  );
  counter('echo_stream_duplicates_total', 'Records that arrived again and were dropped.', (v) =>
    atConsumers(v, (c) => c.duplicates),
  );
  counter('echo_stream_retried_total', 'Deliveries of a record whose task had failed.', (v) =>
    atConsumers(v, (c) => c.retried),
  );
  counter('echo_stream_unfollowed_total', 'Records given up at a task that did not complete them.', (v) =>
    atConsumers(v, (c) => c.unfollowed),
  );
  counter('echo_stream_repeated_total', 'Work done again after a crash, recognised.', (v) =>
    atConsumers(v, (c) => c.repeated),
  );
  counter('echo_stream_lost_total', 'Records declared lost, as seen by each side of the stream.', (v) => [
    ...atProducer(v, (p) => p.lost),
    ...atConsumers(v, (c) => c.lost),
  ]);
}

function streamGauges(service: OrchestratorService, registry: Registry): void {
  const gauge = (name: string, help: string, samples: (view: StreamView) => Sample[], extra: string[] = []) =>
    new Gauge({
      name,
      help,
      labelNames: ['application', 'stream', 'gateway', ...extra],
      registers: [registry],
      collect() {
        this.reset();
        for (const view of currentStreams(service)) {
          for (const { labels, value } of samples(view)) this.set(labels, value);
        }
      },
    });
  gauge(
    'echo_stream_backlog_records',
    'Records appended and not yet processed by the slowest consumer.',
    (v) => atProducer(v, (p) => p.backlog),
  );
  gauge('echo_stream_backlog_bytes', 'Bytes of the records some consumer has not stably passed.', (v) =>
    atProducer(v, (p) => p.backlogBytes),
  );
  gauge(
    'echo_stream_backlog_age_seconds',
    'Age of the oldest record some consumer has not stably passed.',
    (v) => atProducer(v, (p) => p.backlogAgeMs && p.backlogAgeMs / 1000),
  );
  gauge('echo_stream_rate', 'Records a second: appended at the producer, delivered at a consumer.', (v) => [
    ...atProducer(v, (p) => p.rate),
    ...atConsumers(v, (c) => c.rate),
  ]);
  gauge(
    'echo_stream_dead_letters',
    'Records set aside at a consumer that wait to be replayed or dropped.',
    (v) => atConsumers(v, (c) => c.dead),
  );
  gauge(
    'echo_stream_latency_seconds',
    'From append to delivery over the last records, by the clocks of the two gateways.',
    (v) => [
      ...atConsumers(v, (c) => c.latencyMs && c.latencyMs.p50 / 1000, { quantile: '0.5' }),
      ...atConsumers(v, (c) => c.latencyMs && c.latencyMs.p99 / 1000, { quantile: '0.99' }),
    ],
    ['quantile'],
  );
}

/** A gateway of an earlier release does not tell everything. */
type Reading = number | undefined;

function atProducer(view: StreamView, read: (p: NonNullable<StreamView['producer']>) => Reading): Sample[] {
  const value = view.producer && read(view.producer);
  return value === undefined ? [] : [{ labels: labels(view, view.from.gateway), value }];
}

function atConsumers(
  view: StreamView,
  read: (c: StreamView['consumers'][number]) => Reading,
  extra: Record<string, string> = {},
): Sample[] {
  return view.consumers.flatMap((c) => {
    const value = read(c);
    return value === undefined ? [] : [{ labels: { ...labels(view, c.gateway), ...extra }, value }];
  });
}

const labels = ({ application, stream }: StreamView, gateway: string) => ({ application, stream, gateway });

export function currentStreams(service: OrchestratorService): StreamView[] {
  return streamViews(
    service.applications().map(({ id }) => service.application(id)),
    service.gateways().map(({ id }) => service.gateway(id)),
  );
}
