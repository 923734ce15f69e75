/** Whose application a submitted flow is, and what forbids that it is. */
import type { FlowModel } from '../../flow/types.ts';
import type { Store } from '../store/Store.ts';
import type { DeployInput } from '../types.ts';
import { deployError } from './errors.ts';
import { type Intake, markedApplication, nameOf, newApplication } from './intake.ts';

export interface Identity {
  readonly id: string;
  readonly name: string;
}

/** Throws ECHO_APP_UNKNOWN for one that is named and not there. */
export function identityOf(store: Store, input: DeployInput, { model, name: given }: Intake): Identity {
  if (input.application !== undefined) {
    const app = store.applications.get(input.application);
    return { id: app.id, name: given ?? app.name };
  }
  const created = (id: string) => store.applications.find(id)?.created;
  const name = given ?? nameOf(model);
  const id = markedApplication(model, created) ?? newApplication(name, model);
  return { id, name: given ?? store.applications.find(id)?.name ?? name };
}

/** Two applications with one tab would write over each other wherever they meet. */
export function refuseForeignTabs(store: Store, id: string, model: FlowModel): void {
  const tabs = new Set(model.tabs.map((tab) => tab.id));
  for (const app of store.applications.list()) {
    if (app.id === id) continue;
    const theirs = store.applications.version(app.id, app.version).flow;
    const tab = theirs.find((n) => n.type === 'tab' && tabs.has(n.id));
    if (tab === undefined) continue;
    throw deployError('ECHO_ID_CONFLICT', {
      message: `The tab '${tab.id}' belongs to application '${app.id}' (${app.name}).`,
      where: tab.id,
      remedy: `Deploy the flow as '${app.id}', remove that application first, or give the tab another id.`,
      details: { application: app.id, node: tab.id },
    });
  }
}

export function refuseStale(id: string, version: number, wanted: number | undefined): void {
  if (wanted === undefined || wanted === version) return;
  throw deployError('ECHO_VERSION_STALE', {
    message: `Application '${id}' is at version ${version}; the deploy was made from version ${wanted}.`,
    where: id,
    details: { current: version, expected: wanted },
  });
}
