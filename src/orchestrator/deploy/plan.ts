/** The plan a user sees before anything is touched, PURE. */
import type { CutStream, FlowModel, Placement, RawFlow } from '../../flow/types.ts';
import type { Explanation } from '../../placement/types.ts';
import type { Deployed } from '../store/deployed.ts';
import type { Credentials, CutWire, GatewayPlan, Plan, Problem } from '../types.ts';
import { changesOf } from './changes.ts';
import type { Look } from './look.ts';
import type { Routes } from './routes.ts';
import type { Work } from './work.ts';

export interface PlanInput {
  readonly application: string;
  readonly name: string;
  /** The version the deploy would make. */
  readonly version: number;
  readonly model: FlowModel;
  readonly placement: Placement;
  readonly cutWires: readonly CutWire[];
  readonly fragments: ReadonlyMap<string, RawFlow>;
  readonly deployed: readonly Deployed[];
  readonly looks: ReadonlyMap<string, Look>;
  readonly credentials: { readonly before: Credentials; readonly after: Credentials };
  readonly work: Work;
  /** Found besides what flow and `work` say (a site's broker that is not reached…). */
  readonly warnings: Plan['warnings'];
  /** Found besides what `work` found (draft on the canvas…). */
  readonly blockers: readonly Problem[];
  /** The submitted flow is what the current version already holds. */
  readonly sameFlow: boolean;
}

export function planOf(input: PlanInput): Plan {
  const gateways = [...new Set([...input.deployed.map((d) => d.gateway), ...input.fragments.keys()])].sort();
  return {
    application: input.application,
    name: input.name,
    version: input.version,
    placement: Object.fromEntries([...input.placement].sort(([a], [b]) => (a < b ? -1 : 1))),
    gateways: gateways.map((gateway) => gatewayPlan(input, gateway)),
    cutWires: input.cutWires,
    warnings: [...input.model.warnings, ...input.warnings, ...input.work.warnings],
    blockers: [...input.blockers, ...input.work.blockers],
    stranded: input.work.stranded,
    unchanged: input.sameFlow && input.work.targets.length === 0,
  };
}

function gatewayPlan(input: PlanInput, gateway: string): GatewayPlan {
  const before = input.deployed.find((d) => d.gateway === gateway)?.nodes ?? [];
  const after = input.fragments.get(gateway) ?? [];
  const { before: had, after: has } = input.credentials;
  const differ = (id: string) => JSON.stringify(had[id] ?? {}) !== JSON.stringify(has[id] ?? {});
  const changed = new Set(after.map((n) => n.id).filter(differ));
  return {
    gateway,
    online: input.looks.get(gateway)?.state === 'ready',
    ...changesOf(before, after, changed),
    tasks: [...input.placement].filter(([, at]) => at === gateway).map(([task]) => task),
    drift: input.work.drift.get(gateway) ?? [],
  };
}

/** A sentence as part of a longer one. */
const clause = (sentence: string): string =>
  sentence.replace(/\.$/, '').replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase());

/** The cut wires of a split, with names and reasons. */
export function cutWiresOf(
  streams: readonly CutStream[],
  model: FlowModel,
  explanations: ReadonlyMap<string, Explanation>,
  routes: Routes,
): CutWire[] {
  const name = (task: string) => model.tasks.get(task)?.name || (model.tasks.get(task)?.type ?? task);
  const reason = (task: string, gateway: string) => {
    const because = explanations.get(task)?.because[0];
    return `'${name(task)}' is on ${gateway}${because === undefined ? '' : `: ${clause(because)}`}`;
  };
  return streams.map(({ stream, level, options, from, consumers }) => {
    const to = consumers.flatMap(({ gateway, tasks }) =>
      tasks.map((task) => ({
        node: task,
        name: name(task),
        gateway,
        broker: routes(from.gateway, gateway).broker,
      })),
    );
    const ends = to.slice(0, 3).map((end) => reason(end.node, end.gateway));
    const more = to.length > ends.length ? ` and ${to.length - ends.length} more elsewhere` : '';
    return {
      stream,
      from: { ...from, name: name(from.node) },
      to,
      broker: [...new Set(to.map((end) => end.broker))].sort().join(', '),
      why: `${reason(from.node, from.gateway)}; ${ends.join(', ')}${more}.`,
      level,
      ...(options === undefined ? {} : { options }),
    };
  });
}
