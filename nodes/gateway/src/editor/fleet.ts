/** What the editor knows of the fleet and the deployed applications; empty in a gateway's own editor. */
import type {
  ApplicationSummary,
  DeployAgain,
  DeployNotice,
  FleetSummary,
  PlanSummary,
} from '../../../../src/wire/editor.ts';
import { inDesign } from './red.ts';

type Gateway = FleetSummary['gateways'][number];

const state = {
  gateways: [] as readonly Gateway[],
  applications: [] as readonly ApplicationSummary[],
  /** By tab: what became of its last deploy from this editor. */
  lastDeploy: new Map<string, DeployNotice>(),
  plan: undefined as readonly PlanSummary[] | undefined,
  /** Counts plans asked for and deploys: an answer that is older than the last of them is not shown. */
  planned: 0,
  listeners: [] as (() => void)[],
};

export const gateways = (): readonly Gateway[] => state.gateways;
export const gateway = (id: string): Gateway | undefined => state.gateways.find((one) => one.id === id);
export const applications = (): readonly ApplicationSummary[] => state.applications;
export const applicationOf = (tab: string | undefined): ApplicationSummary | undefined =>
  tab === undefined ? undefined : state.applications.find(({ tabs }) => tabs.includes(tab));
export const lastDeploy = (tab: string): DeployNotice | undefined => state.lastDeploy.get(tab);
export const shownPlan = (): readonly PlanSummary[] | undefined => state.plan;

/** Where a task runs, as deployed. */
export function placedOn(node: { readonly id: string; readonly z?: string }): string | undefined {
  return applicationOf(node.z)?.placement[node.id];
}

export function onFleetChange(listener: () => void): void {
  state.listeners.push(listener);
}

function changed(): void {
  for (const listener of state.listeners) listener();
}

const get = (url: string): PromiseLike<unknown> => $.ajax({ url, dataType: 'json', cache: false });

let refreshing: Promise<void> | undefined;
let again = false;

/** Reads fleet and applications afresh; calls made meanwhile are answered by one more round. */
export function refreshFleet(): void {
  if (!inDesign()) return;
  if (refreshing !== undefined) {
    again = true;
    return;
  }
  refreshing = (async () => {
    try {
      const [fleet, applications] = await Promise.all([get('echo/fleet'), get('echo/applications')]);
      state.gateways = (fleet as FleetSummary).gateways;
      state.applications = applications as ApplicationSummary[];
      changed();
    } catch {
      // The editor itself tells of a lost connection; what is shown stays until it is back.
    } finally {
      refreshing = undefined;
      if (again) {
        again = false;
        refreshFleet();
      }
    }
  })();
}

export function noteDeploy(notice: DeployNotice): void {
  for (const tab of notice.tabs) state.lastDeploy.set(tab, notice);
  state.plan = undefined;
  state.planned += 1;
  changed();
}

/** What a Deploy of the canvas as it is now would do; undefined when a deploy or a later plan came in between. */
export async function planCanvas(): Promise<readonly PlanSummary[] | undefined> {
  state.planned += 1;
  const asked = state.planned;
  const plan = (await $.ajax({
    url: 'echo/plan',
    method: 'POST',
    contentType: 'application/json',
    dataType: 'json',
    data: JSON.stringify({ flows: RED.nodes.createCompleteNodeSet({ credentials: false }) }),
  })) as PlanSummary[];
  if (asked !== state.planned) return undefined;
  state.plan = plan;
  changed();
  return plan;
}

/** Tries the saved draft once more: a gateway may be back, or a question was answered. */
export function deployAgain(answer: DeployAgain = {}): void {
  const contentType = 'application/json';
  void $.ajax({
    url: 'echo/deploy',
    method: 'POST',
    contentType,
    dataType: 'json',
    data: JSON.stringify(answer),
  });
}

/** Load and health change without a notice; looked at while somebody looks. */
export function watchFleet(): void {
  refreshFleet();
  setInterval(() => {
    if (!document.hidden) refreshFleet();
  }, 5_000);
}
