/**
 * `split`: a flow and a placement → one fragment per gateway. Pure and deterministic: the same flow, placement and
 * epochs give byte-same fragments, whatever the order of the placement's entries, so that an unchanged fragment
 * redeploys nothing. Every task keeps id, name, group and position; a cut port gets one `echo out` at its producer
 * and one `echo in` on each gateway that consumes it.
 */
import type { Anatomy } from './anatomy.ts';
import { anatomy, describe, push } from './anatomy.ts';
import { bridgesOf } from './cutting/bridges.ts';
import { byPort, streamsOf } from './cutting/streams.ts';
import { flowError } from './errors.ts';
import { fragmentOf } from './fragment.ts';
import type { CutStream, FlowModel, Placement, SplitOptions, SplitResult } from './types.ts';

/** ECHO_FLOW_NOT_PLACED when a task has no gateway. Placements of tasks that are not in the flow are ignored. */
export function split(model: FlowModel, placement: Placement, options: SplitOptions): SplitResult {
  const { application } = options;
  const parts = anatomy(model.raw);
  const tasksOn = byGateway(model, parts, placement);
  const ports = byPort(model.wires);
  const streams = streamsOf(model, ports, placement, options);
  const streamsAt = new Map<string, CutStream[]>();
  for (const stream of streams) {
    for (const { gateway } of [stream.from, ...stream.consumers]) push(streamsAt, gateway, stream);
  }
  const fragments = [...tasksOn.keys()].sort().map((gateway) => {
    const common = { gateway, model, here: tasksOn.get(gateway)!, application };
    const bridges = bridgesOf({ ...common, ports, streams: streamsAt.get(gateway) ?? [] });
    return fragmentOf({ ...common, parts, bridges });
  });
  return { fragments, streams };
}

/** Task ids of each gateway, in file order. */
function byGateway(model: FlowModel, parts: Anatomy, placement: Placement): Map<string, Set<string>> {
  const tasksOn = new Map<string, Set<string>>();
  for (const id of model.tasks.keys()) {
    const gateway = placement.get(id);
    if (gateway === undefined) {
      throw flowError('ECHO_FLOW_NOT_PLACED', {
        message: `${describe(parts.tasks.get(id)!)} has no gateway in the placement.`,
        where: id,
      });
    }
    const tasks = tasksOn.get(gateway);
    if (tasks) tasks.add(id);
    else tasksOn.set(gateway, new Set([id]));
  }
  return tasksOn;
}
