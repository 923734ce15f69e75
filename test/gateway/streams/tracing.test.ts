import assert from 'node:assert/strict';
import { SpanKind, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { Lineage, Outcome } from '../../../nodes/gateway/src/ports.ts';
import { StreamManager } from '../../../nodes/gateway/src/streams/StreamManager.ts';
import { startAedes, type TestBroker } from '../../kit/brokers.ts';
import { type Disposables, disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';

describe('tracing a message across gateways', function () {
  this.timeout(20_000);
  const kit = disposables();
  let broker: TestBroker;
  before(async () => {
    broker = await startAedes(kit);
  });
  afterEach(() => trace.disable());

  it('one trace: sent, processed, sent on, processed, each span the child of the one before', async () => {
    const exporter = register();
    const chain = new Chain(kit, broker.url);
    await chain.send({ payload: 1 });
    const spans = await finished(exporter, 4);
    const [send1, process1, send2, process2] = inOrder(spans);
    assert.deepEqual(
      [send1, process1, send2, process2].map((s) => [s?.name, s?.kind, s?.attributes['echo.gateway']]),
      [
        ['send app/a:0', SpanKind.PRODUCER, chain.ids[0]],
        ['process app/a:0', SpanKind.CONSUMER, chain.ids[1]],
        ['send app/b:0', SpanKind.PRODUCER, chain.ids[1]],
        ['process app/b:0', SpanKind.CONSUMER, chain.ids[2]],
      ],
    );
    assert.equal(new Set(spans.map((s) => s.spanContext().traceId)).size, 1);
    assert.equal(send1?.parentSpanContext, undefined);
    for (const [parent, child] of [
      [send1, process1],
      [process1, send2],
      [send2, process2],
    ] as const)
      assert.equal(child?.parentSpanContext?.spanId, parent?.spanContext().spanId);
    const { traceId, spanId } = process2!.spanContext();
    assert.equal(chain.arrived[0]?.traceparent, `00-${traceId}-${spanId}-01`);
  });

  it('a message that came with a trace context goes on in its trace', async () => {
    const exporter = register();
    const chain = new Chain(kit, broker.url);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await chain.send({ payload: 1, traceparent: `00-${traceId}-b7ad6b7169203331-01` });
    const [first, ...rest] = inOrder(await finished(exporter, 4));
    assert.equal(first?.parentSpanContext?.spanId, 'b7ad6b7169203331');
    assert.ok(rest.every((s) => s.spanContext().traceId === traceId));
  });

  it('a node that makes a message of its own does not break the trace', async () => {
    const exporter = register();
    const chain = new Chain(kit, broker.url, () => ({ payload: 'new' }));
    await chain.send({ payload: 1 });
    const spans = inOrder(await finished(exporter, 4));
    assert.equal(spans[2]?.parentSpanContext?.spanId, spans[1]?.spanContext().spanId);
  });

  it('an error of a task stands in the span of its delivery', async () => {
    const exporter = register();
    const chain = new Chain(kit, broker.url);
    chain.outcome = { kind: 'error', message: 'no such table' };
    await chain.send({ payload: 1 });
    const spans = inOrder(await finished(exporter, 4));
    assert.equal(spans[3]?.status.message, 'no such table');
  });

  it('without an SDK a message arrives as it was sent, with the trace context it had', async () => {
    const chain = new Chain(kit, broker.url);
    await chain.send({ payload: 1 });
    await chain.send({ payload: 2, traceparent: 'as it was' });
    await waitFor(() => chain.arrived.length === 2, { what: 'two messages' });
    assert.deepEqual(chain.arrived, [{ payload: 1 }, { payload: 2, traceparent: 'as it was' }]);
  });
});

function register(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  return exporter;
}

async function finished(exporter: InMemorySpanExporter, count: number): Promise<ReadableSpan[]> {
  await waitFor(() => exporter.getFinishedSpans().length === count, { what: `${count} spans` });
  return exporter.getFinishedSpans();
}

const ORDER = ['send app/a:0', 'process app/a:0', 'send app/b:0', 'process app/b:0'];
const inOrder = (spans: readonly ReadableSpan[]): ReadableSpan[] =>
  spans.toSorted((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));

let count = 0;

/** Three gateways without Node-RED; the middle one sends on what it gets. */
class Chain {
  readonly ids = ['a', 'b', 'c'].map((name) => `${name}-${process.pid}-${++count}`);
  readonly arrived: { payload: unknown; traceparent?: string }[] = [];
  outcome: Outcome = { kind: 'done' };
  readonly #first: StreamManager;

  constructor(kit: Disposables, url: string, between: (msg: object) => object = (msg) => msg) {
    const [a, b, c] = this.ids as [string, string, string];
    const start = (gateway: string, onMessage: (msg: object, cause: Lineage) => Promise<Outcome>) => {
      let cause: Lineage;
      let settle: (outcome: Outcome) => void;
      const streams = new StreamManager({
        folder: kit.folder(),
        follower: {
          follow: (given, emit, settled) => {
            [cause, settle] = [given, settled];
            emit();
            return { parked: false };
          },
        },
        gate: { holdsIncoming: () => false, onChange: () => () => {} },
        log: { info: () => {}, warn: () => {}, error: () => {} },
      });
      kit.add(streams, () => streams.close());
      streams.connect(gateway, [{ url }]);
      const into = (stream: string, producer: string) =>
        streams.openIn({
          ...{ stream, epoch: 1, level: 'at-least-once', producer, tab: 'tab' },
          deliver: (msg) => {
            const done = settle;
            void onMessage(msg, cause).then(done);
          },
        });
      const out = (stream: string, consumer: string) =>
        streams.openOut({ stream, epoch: 1, level: 'at-least-once', consumers: [consumer], tab: 'tab' });
      return { streams, into, out };
    };
    const first = start(a, async () => ({ kind: 'done' }));
    const middle = start(b, async (msg, cause) => {
      await middle.streams.append('app/b:0', between(msg), cause);
      return { kind: 'done' };
    });
    const last = start(c, async (msg) => {
      this.arrived.push(msg as { payload: unknown });
      return this.outcome;
    });
    first.out('app/a:0', b);
    middle.into('app/a:0', a);
    middle.out('app/b:0', c);
    last.into('app/b:0', b);
    this.#first = first.streams;
  }

  send(msg: object): Promise<void> {
    return this.#first.append('app/a:0', msg, undefined);
  }
}
