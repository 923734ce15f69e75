/** What ECHO last wrote to each gateway, and what must still be written or taken back there. */
import type { DatabaseSync } from 'node:sqlite';
import type { RawFlow } from '../../flow/types.ts';

export interface Deployed {
  readonly application: string;
  readonly gateway: string;
  readonly version: number;
  /** The fragment as it was written. */
  readonly nodes: RawFlow;
  /** Ids in it that were the gateway's own before (shared config nodes); they stay when ECHO leaves. */
  readonly shared: readonly string[];
}

/** A gateway that was away when it should have been written. */
export interface Pending {
  readonly application: string;
  readonly gateway: string;
  /** `apply`: the deployed row is not there yet. `undo`: something newer may be there and must go. */
  readonly kind: 'apply' | 'undo';
  /** The deploy that could not finish there; its gate may still be closed. */
  readonly deploy: string;
  /** What may stand there besides the deployed fragment. */
  readonly nodes: RawFlow;
  readonly since: number;
}

export interface DeployedStore {
  ofApplication(application: string): Deployed[];
  ofGateway(gateway: string): Deployed[];
  find(application: string, gateway: string): Deployed | undefined;
  put(deployed: Deployed): void;
  remove(application: string, gateway: string): void;
  pending(filter?: { application?: string; gateway?: string }): Pending[];
  putPending(pending: Pending): void;
  removePending(application: string, gateway: string): void;
}

type DeployedRow = { application: string; gateway: string; version: number; nodes: string; shared: string };
type PendingRow = {
  application: string;
  gateway: string;
  kind: 'apply' | 'undo';
  deploy: string;
  nodes: string;
  since: number;
};

const toDeployed = (row: DeployedRow): Deployed => ({
  ...row,
  nodes: JSON.parse(row.nodes) as RawFlow,
  shared: JSON.parse(row.shared) as string[],
});
const toPending = (row: PendingRow): Pending => ({ ...row, nodes: JSON.parse(row.nodes) as RawFlow });

export function deployedStore(db: DatabaseSync): DeployedStore {
  const byApplication = db.prepare('SELECT * FROM deployed WHERE application = ? ORDER BY gateway');
  const byGateway = db.prepare('SELECT * FROM deployed WHERE gateway = ? ORDER BY application');
  const one = db.prepare('SELECT * FROM deployed WHERE application = ? AND gateway = ?');
  const put = db.prepare('INSERT OR REPLACE INTO deployed VALUES (?, ?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM deployed WHERE application = ? AND gateway = ?');
  const pending = db.prepare('SELECT * FROM pending ORDER BY since, application, gateway');
  const putPending = db.prepare('INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?, ?)');
  const removePending = db.prepare('DELETE FROM pending WHERE application = ? AND gateway = ?');
  return {
    ofApplication: (id) => (byApplication.all(id) as DeployedRow[]).map(toDeployed),
    ofGateway: (id) => (byGateway.all(id) as DeployedRow[]).map(toDeployed),
    find(application, gateway) {
      const row = one.get(application, gateway) as DeployedRow | undefined;
      return row && toDeployed(row);
    },
    put(d) {
      put.run(d.application, d.gateway, d.version, JSON.stringify(d.nodes), JSON.stringify(d.shared));
    },
    remove: (application, gateway) => void remove.run(application, gateway),
    pending: ({ application, gateway } = {}) =>
      (pending.all() as PendingRow[])
        .filter((row) => application === undefined || row.application === application)
        .filter((row) => gateway === undefined || row.gateway === gateway)
        .map(toPending),
    putPending(p) {
      putPending.run(p.application, p.gateway, p.kind, p.deploy, JSON.stringify(p.nodes), p.since);
    },
    removePending: (application, gateway) => void removePending.run(application, gateway),
  };
}
