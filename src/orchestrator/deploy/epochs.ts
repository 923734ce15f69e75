/**
 * Which producer epoch a stream gets, PURE. What runs and keeps its producer keeps its epoch, so that its log goes on
 * and its fragments stay as they are; what begins, or begins anew elsewhere, gets one that was never given before.
 */
import type { CutStream, Fragment, Placement, RawFlow, Wire } from '../../flow/types.ts';
import { ECHO_IN, ECHO_OUT, streamName } from '../../wire/nodes.ts';

export interface RunningStream {
  readonly gateway: string;
  readonly epoch: number;
}

/** The streams that ECHO has put on gateways and not taken off, by name. */
export function runningStreams(
  deployed: readonly { readonly gateway: string; readonly nodes: RawFlow }[],
): Map<string, RunningStream> {
  return new Map(
    deployed.flatMap(({ gateway, nodes }) =>
      nodes
        .filter((n) => n.type === ECHO_OUT)
        .map(({ stream, epoch }) => [stream as string, { gateway, epoch: (epoch ?? 1) as number }] as const),
    ),
  );
}

export interface EpochSource {
  readonly running: ReadonlyMap<string, RunningStream>;
  /** Highest epoch ever given to a stream; 0 for none. */
  readonly highest: (stream: string) => number;
}

/** The epoch of each stream, were it cut: for every output port that is wired. */
export function epochsOf(
  application: string,
  wires: readonly Wire[],
  placement: Placement,
  source: EpochSource,
): Map<string, number> {
  const epochs = new Map<string, number>();
  for (const { from } of wires) {
    const stream = streamName(application, from.node, from.port);
    if (!epochs.has(stream)) epochs.set(stream, epochOf(stream, placement.get(from.node), source));
  }
  return epochs;
}

function epochOf(stream: string, producer: string | undefined, { running, highest }: EpochSource): number {
  const now = running.get(stream);
  return now !== undefined && now.gateway === producer
    ? now.epoch
    : Math.max(highest(stream), now?.epoch ?? 0) + 1;
}

/** What a split of an earlier day becomes when it is put on its gateways again. */
export function renewed(
  { fragments, streams }: { readonly fragments: readonly Fragment[]; readonly streams: readonly CutStream[] },
  source: EpochSource,
) {
  const epochs = new Map(streams.map((s) => [s.stream, epochOf(s.stream, s.from.gateway, source)]));
  const renewNode = (n: Fragment['nodes'][number]) =>
    n.type === ECHO_OUT || n.type === ECHO_IN ? { ...n, epoch: epochs.get(n.stream as string) } : n;
  return {
    fragments: fragments.map((f) => ({ ...f, nodes: f.nodes.map(renewNode) })),
    streams: streams.map((s) => ({ ...s, epoch: epochs.get(s.stream)! })),
  };
}
