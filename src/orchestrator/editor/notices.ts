/** Plans, deployments and refusals in the words of the editor plugin. Pure. */
import type { RawFlow } from '../../flow/types.ts';
import type {
  ApplicationSummary,
  CutWireSummary,
  DeployNotice,
  GatewaySummary,
  PlanSummary,
  ProblemSummary,
} from '../../wire/editor.ts';
import { isEchoError } from '../../wire/errors.ts';
import { inQuestion, type StrandedStream } from '../../wire/stranded.ts';
import type { AppDetail, CutWire, Deployment, GatewayPlan, Plan, Problem } from '../types.ts';
import type { Unit } from './canvas.ts';

export type About = Pick<DeployNotice, 'application' | 'name' | 'tabs'>;

export const aboutOf = (unit: Unit): About => ({
  ...(unit.application === undefined ? {} : { application: unit.application }),
  name: unit.name,
  tabs: unit.tabs,
});

const gatewayOf = (plan: GatewayPlan): GatewaySummary => {
  const count = (...kinds: string[]): number =>
    plan.changes.filter(({ change }) => kinds.includes(change)).length;
  return {
    gateway: plan.gateway,
    online: plan.online,
    tasks: plan.tasks.length,
    added: count('add'),
    changed: count('change', 'rewire', 'move'),
    removed: count('remove'),
    restarts: plan.restarts,
  };
};

const wireOf = ({ from, to, broker, why, level, options }: CutWire): CutWireSummary => ({
  from: { node: from.node, name: from.name, gateway: from.gateway },
  to,
  broker,
  why,
  level,
  ...(options === undefined ? {} : { options }),
});

export function summaryOf(unit: Unit, deployment: Deployment): DeployNotice {
  const { plan } = deployment;
  return {
    ...aboutOf(unit),
    kind: 'done',
    application: deployment.application,
    version: deployment.version,
    status: deployment.status,
    seconds: deployment.seconds,
    gateways: plan.gateways.map(gatewayOf),
    cutWires: plan.cutWires.length,
    pending: deployment.pending,
    warnings: plan.warnings.map(({ message }) => message),
  };
}

export function planSummary(unit: Unit, plan: Plan): PlanSummary {
  return {
    ...aboutOf(unit),
    kind: 'plan',
    gateways: plan.gateways.map(gatewayOf),
    cutWires: plan.cutWires.map(wireOf),
    placement: plan.placement,
    warnings: plan.warnings.map(({ message }) => message),
    blockers:
      inQuestion(plan.blockers, plan.stranded).length > 0
        ? []
        : plan.blockers.map((blocker) => pointed(blocker, unit.flow)),
    stranded: plan.stranded,
  };
}

type Refusal = Extract<DeployNotice, { kind: 'refused' | 'stranded' }>;

/** What stood in the way of a deploy, as its error's details or its plan tell. */
interface Hindrance {
  readonly blockers?: readonly Problem[];
  readonly stranded?: readonly StrandedStream[];
}

/** Why a deploy failed or, where nothing else is in the way, the question what becomes of records that wait. */
export const refusalOf = (about: About, error: unknown, flow: RawFlow): Refusal =>
  refusal(about, problemOf(error, flow), (isEchoError(error) && error.details) || {});

/** The same of a plan with blockers. */
export const blockedBy = (about: About, first: Problem, plan: Plan, flow: RawFlow): Refusal =>
  refusal(about, pointed(first, flow), plan);

function refusal(about: About, problem: ProblemSummary, { blockers, stranded }: Hindrance): Refusal {
  const { application } = about;
  const waiting = inQuestion(blockers ?? [problem], stranded);
  if (application === undefined || waiting.length === 0) return { ...about, kind: 'refused', problem };
  const what = blockers?.find(({ code }) => code === 'ECHO_STREAM_NOT_DRAINED') ?? problem;
  return { ...about, application, kind: 'stranded', problem: what, stranded: waiting };
}

export function applicationSummary(detail: AppDetail, draft: boolean): ApplicationSummary {
  return {
    id: detail.id,
    name: detail.name,
    version: detail.version,
    status: detail.status,
    tabs: detail.flow.filter((entry) => entry.type === 'tab').map((entry) => entry.id),
    placement: detail.placement,
    cutWires: detail.streams.map(wireOf),
    draft,
  };
}

/** Any error as a problem for the user, pointing at the node it is about when it says so. */
export function problemOf(error: unknown, flow: RawFlow): ProblemSummary {
  if (isEchoError(error)) {
    const { code, message, where, remedy } = error;
    return pointed({ code, message, remedy, ...(where === undefined ? {} : { where }) }, flow);
  }
  return {
    code: 'ECHO_INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    remedy: 'This is a defect of ECHO. Report it with the orchestrator’s log.',
  };
}

function pointed(problem: Problem, flow: RawFlow): ProblemSummary {
  const node = nodeAt(problem.where, flow);
  return node === undefined ? problem : { ...problem, node };
}

/** `where` is a JSON path into the flow (`/3/wires/0/1`), or names a node, perhaps among other words. */
function nodeAt(where: string | undefined, flow: RawFlow): string | undefined {
  if (where === undefined) return undefined;
  const path = /^(?:\/flow)?\/(\d+)(?:\/|$)/.exec(where);
  if (path !== null) return flow[Number(path[1])]?.id;
  const words = new Set(where.split(/[^\w.-]+/));
  return flow.find((entry) => entry.id === where || words.has(entry.id))?.id;
}
