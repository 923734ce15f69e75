/**
 * The way of a message across gateways as OpenTelemetry spans: one when it enters a stream, one for its delivery and
 * all that comes of it on the consumer. `msg.traceparent` (W3C trace context) carries the trace from hop to hop, and to
 * nodes that pass it on, such as http request. Nothing of this happens unless an SDK is registered in the process.
 */
import {
  context,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Lineage, Outcome } from '../ports.ts';

const NAME = '@echo-dataflow/node-red-echo';
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export interface Sending {
  /** The message as it is to travel. */
  readonly msg: object;
  end(error?: unknown): void;
}

export interface Delivering {
  /** Calls `emit` within the span. */
  run(emit: () => void): void;
  end(outcome: Outcome): void;
}

export class Tracing {
  readonly #tracer: Tracer;
  readonly #gateway: () => string;
  /** What each delivery now on this gateway belongs to. */
  readonly #deliveries = new WeakMap<Lineage, SpanContext>();

  private constructor(gateway: () => string) {
    this.#tracer = trace.getTracer(NAME);
    this.#gateway = gateway;
  }

  /** Undefined when no SDK is registered. */
  static start(gateway: () => string): Tracing | undefined {
    const provider = trace.getTracerProvider() as {
      getDelegateTracer?: (name: string) => Tracer | undefined;
    };
    const isOn = provider.getDelegateTracer === undefined || provider.getDelegateTracer(NAME) !== undefined;
    return isOn ? new Tracing(gateway) : undefined;
  }

  sending(stream: string, msg: object, cause: Lineage | undefined): Sending {
    const parent = parentOf(msg) ?? (cause && this.#deliveries.get(cause));
    const span = this.#span(`send ${stream}`, SpanKind.PRODUCER, { stream, operation: 'send' }, parent);
    return {
      msg: { ...msg, traceparent: format(span.spanContext()) },
      end: (error) => end(span, error === undefined ? undefined : String((error as Error).message ?? error)),
    };
  }

  /** Sets `msg.traceparent` to the new span. */
  delivering(stream: string, seq: number, msg: object, cause: Lineage): Delivering {
    const span = this.#span(
      `process ${stream}`,
      SpanKind.CONSUMER,
      { stream, operation: 'process', seq },
      parentOf(msg),
    );
    this.#deliveries.set(cause, span.spanContext());
    (msg as { traceparent?: string }).traceparent = format(span.spanContext());
    return {
      run: (emit) => context.with(trace.setSpan(context.active(), span), emit),
      end: (outcome) => {
        if (outcome.kind === 'unfollowed') span.setAttribute('echo.unfollowed', [...outcome.nodes]);
        end(span, outcome.kind === 'error' ? outcome.message : undefined);
      },
    };
  }

  #span(
    name: string,
    kind: SpanKind,
    { stream, operation, seq }: { stream: string; operation: string; seq?: number },
    parent: SpanContext | undefined,
  ): Span {
    const attributes = {
      'messaging.system': 'echo',
      'messaging.operation.type': operation,
      'messaging.destination.name': stream,
      'echo.gateway': this.#gateway(),
      ...(seq === undefined ? {} : { 'messaging.message.id': String(seq) }),
    };
    const active = context.active();
    const within = parent === undefined ? active : trace.setSpanContext(active, parent);
    return this.#tracer.startSpan(name, { kind, attributes }, within);
  }
}

/** The span a message says it belongs to. */
function parentOf(msg: object): SpanContext | undefined {
  const { traceparent } = msg as { traceparent?: unknown };
  const [, traceId, spanId, flags] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const given = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return trace.isSpanContextValid(given) ? given : undefined;
}

const format = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

function end(span: Span, error: string | undefined): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  span.end();
}
