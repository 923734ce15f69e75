/**
 * `split`: a flow and a placement → one fragment per gateway. Pure and deterministic: the same flow and placement
 * give byte-same fragments, whatever the order of the placement's entries, so that an unchanged fragment redeploys
 * nothing. Every task keeps id, name, group and position; a cut port gets one `echo out` at its producer and one
 * `echo in` on each gateway that consumes it.
 */
import type { Anatomy } from './anatomy.ts';
import { anatomy, describe } from './anatomy.ts';
import { bridgesOf } from './cutting/bridges.ts';
import { streamsOf } from './cutting/streams.ts';
import { flowError } from './errors.ts';
import { fragmentOf } from './fragment.ts';
import type { FlowModel, Placement, SplitResult } from './types.ts';

export interface SplitOptions {
  /** Application id: part of every stream name, and the mark of ownership on every tab (`echo.app`). */
  readonly application: string;
}

/** ECHO_FLOW_NOT_PLACED when a task has no gateway. Placements of tasks that are not in the flow are ignored. */
export function split(model: FlowModel, placement: Placement, options: SplitOptions): SplitResult {
  const parts = anatomy(model.raw);
  const gateways = gatewaysOf(model, parts, placement);
  const streams = streamsOf(model, placement, options.application);
  const fragments = gateways.map((gateway) => {
    const here = new Set([...model.tasks.keys()].filter((id) => placement.get(id) === gateway));
    const common = { gateway, model, here, application: options.application };
    return fragmentOf({ ...common, parts, bridges: bridgesOf({ ...common, streams }) });
  });
  return { fragments, streams };
}

function gatewaysOf(model: FlowModel, parts: Anatomy, placement: Placement): string[] {
  const gateways = new Set<string>();
  for (const id of model.tasks.keys()) {
    const gateway = placement.get(id);
    if (gateway === undefined) {
      throw flowError('ECHO_FLOW_NOT_PLACED', {
        message: `${describe(parts.tasks.get(id)!)} has no gateway in the placement.`,
        where: id,
      });
    }
    gateways.add(gateway);
  }
  return [...gateways].sort();
}
