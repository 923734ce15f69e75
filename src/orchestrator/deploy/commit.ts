/** What the store learns at the end of a deploy: one transaction, the same when it is run again after a crash. */
import type { Store } from '../store/Store.ts';
import { equalEntries, indexById, isGlobal, union } from './nodes.ts';
import type { DeployRecord, Target } from './record.ts';

/** The new version becomes the truth. */
export function commit(store: Store, record: DeployRecord, now: number): void {
  store.transaction(() => {
    const { application: id, version, kind } = record;
    for (const target of record.targets) settleTarget(store, record, target, now);
    if (kind === 'remove') return store.applications.remove(id);
    for (const row of store.deployed.ofApplication(id)) {
      if (row.version !== version) store.deployed.put({ ...row, version });
    }
    const app = store.applications.get(id);
    const state = kind === 'stop' ? 'stopped' : 'running';
    const current = kind === 'stop' ? app.version : version;
    store.applications.put({ ...app, name: record.name, version: current, state, updated: now });
    if (kind === 'deploy') store.applications.commit(id, version);
  });
}

function settleTarget(store: Store, record: DeployRecord, target: Target, now: number): void {
  const { application, version } = record;
  const { gateway, after: nodes, shared } = target;
  if (target.offline) {
    const left = store.deployed.pending({ application, gateway })[0]?.nodes ?? [];
    const stray = union(left, target.before);
    store.deployed.putPending({
      application,
      gateway,
      kind: 'apply',
      deploy: record.id,
      nodes: stray,
      since: now,
    });
  } else {
    store.deployed.removePending(application, gateway);
  }
  if (nodes.length === 0) store.deployed.remove(application, gateway);
  else store.deployed.put({ application, gateway, version, nodes, shared });
  alignOwners(store, application, target);
}

/** A config node of several applications has one content: what was deployed last. */
function alignOwners(store: Store, application: string, { gateway, after }: Target): void {
  const written = indexById(after.filter(isGlobal));
  if (written.size === 0) return;
  for (const row of store.deployed.ofGateway(gateway)) {
    if (row.application === application) continue;
    const nodes = row.nodes.map((n) => {
      const now = written.get(n.id);
      return now === undefined || equalEntries(n, now) ? n : now;
    });
    if (nodes.some((n, i) => n !== row.nodes[i])) store.deployed.put({ ...row, nodes });
  }
}

/** The new version never was. */
export function discard(store: Store, { application, version, kind }: DeployRecord): void {
  if (kind === 'deploy') store.applications.discard(application, version);
}
