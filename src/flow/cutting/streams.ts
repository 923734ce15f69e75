/** Which output ports a placement cuts: one stream per port, whoever and however many consume it. */
import { ECHO_CHANNEL, streamName } from '../../wire/nodes.ts';
import { push } from '../anatomy.ts';
import type { CutStream, FlowModel, Placement, SplitOptions, Task, Wire } from '../types.ts';

/** In file order of the producing task, then port; consumers in order of gateway id. */
export function streamsOf(
  model: FlowModel,
  ports: Ports,
  placement: Placement,
  { application, epochs, via }: SplitOptions,
): CutStream[] {
  const streams: CutStream[] = [];
  for (const [node, own] of ports) {
    const gateway = placement.get(node)!;
    for (const [port, wires] of [...own].sort(([a], [b]) => a - b)) {
      const consumers = new Map<string, string[]>();
      for (const { to } of wires) {
        const there = placement.get(to)!;
        if (there !== gateway && !consumers.get(there)?.includes(to)) push(consumers, there, to);
      }
      if (consumers.size === 0) continue;
      const stream = streamName(application, node, port);
      streams.push({
        stream,
        epoch: epochs?.get(stream) ?? 1,
        ...policyOf(model.tasks.get(node)!),
        from: { node, port, gateway },
        consumers: [...consumers.keys()].sort().map((id) => ({
          gateway: id,
          tasks: consumers.get(id)!,
          ...(via?.(gateway, id) === 'site' && { via: 'site' as const }),
        })),
      });
    }
  }
  return streams;
}

const policyOf = ({ type, name, hints }: Task): Pick<CutStream, 'level' | 'options' | 'name'> => ({
  level: hints.delivery,
  ...(hints.wire && { options: hints.wire }),
  ...(type === ECHO_CHANNEL && name !== '' && { name }),
});

/** Wires by source task and port. */
export type Ports = ReadonlyMap<string, ReadonlyMap<number, readonly Wire[]>>;

/** In the order of the wires. */
export function byPort(wires: readonly Wire[]): Ports {
  const tasks = new Map<string, Map<number, Wire[]>>();
  for (const wire of wires) {
    const ports = tasks.get(wire.from.node) ?? new Map<number, Wire[]>();
    tasks.set(wire.from.node, ports);
    push(ports, wire.from.port, wire);
  }
  return tasks;
}
