/** What the faces see of applications, read from the store. */
import type { Explanation } from '../../placement/types.ts';
import type { ApplicationRow, Version } from '../store/applications.ts';
import { storeError } from '../store/errors.ts';
import type { Store } from '../store/Store.ts';
import type { AppDetail, AppSummary, VersionSummary } from '../types.ts';
import { deployError } from './errors.ts';

type Status = AppSummary['status'];

export class Views {
  readonly #store: Store;
  readonly #busy: (application: string) => boolean;
  /** Current versions, parsed; a version never changes, but an application may be removed and made anew. */
  readonly #current = new Map<string, { readonly of: number; readonly version: Version }>();

  constructor(store: Store, busy: (application: string) => boolean) {
    this.#store = store;
    this.#busy = busy;
  }

  list(): AppSummary[] {
    const rows = this.#store.applications.list();
    const ids = new Set(rows.map((row) => row.id));
    for (const id of this.#current.keys()) if (!ids.has(id)) this.#current.delete(id);
    return rows.map((row) => this.#summarize(row));
  }

  /** Throws ECHO_APP_UNKNOWN. */
  summary(id: string): AppSummary {
    return this.#summarize(this.#row(id));
  }

  detail(id: string): AppDetail {
    const { flow, placement, cutWires } = this.#version(this.#row(id));
    return { ...this.summary(id), flow, placement, streams: cutWires };
  }

  history(id: string): VersionSummary[] {
    return this.#store.applications.history(id).map(({ application: _, created, ...head }) => ({
      ...head,
      created: new Date(created).toISOString(),
    }));
  }

  explain(id: string, task: string): Explanation {
    const found = this.#version(this.#row(id)).explanations[task];
    if (found === undefined) throw unknownTask(task, id);
    return found;
  }

  /** Where a task of a running application stands. */
  gatewayOf(task: string): string {
    for (const row of this.#store.applications.list()) {
      const gateway = row.state === 'running' ? this.#version(row).placement[task] : undefined;
      if (gateway !== undefined) return gateway;
    }
    throw unknownTask(task);
  }

  /** Gateways the application still waits for. */
  pendingOf(application: string): string[] {
    return this.#store.deployed.pending({ application }).map((row) => row.gateway);
  }

  /** What running applications put on each gateway. */
  carried(): (gateway: string) => { readonly tasks: number; readonly applications: readonly string[] } {
    const all = new Map<string, { tasks: number; applications: Set<string> }>();
    for (const row of this.#store.applications.list()) {
      if (row.state !== 'running') continue;
      for (const gateway of Object.values(this.#version(row).placement)) {
        const entry = all.get(gateway) ?? { tasks: 0, applications: new Set<string>() };
        entry.tasks += 1;
        entry.applications.add(row.id);
        all.set(gateway, entry);
      }
    }
    return (gateway) => {
      const entry = all.get(gateway);
      return { tasks: entry?.tasks ?? 0, applications: [...(entry?.applications ?? [])] };
    };
  }

  #summarize(row: ApplicationRow): AppSummary {
    const version = this.#version(row);
    const running = row.state === 'running';
    return {
      id: row.id,
      name: row.name,
      version: row.version,
      status: this.#status(row),
      gateways: running ? [...new Set(Object.values(version.placement))].sort() : [],
      tasks: version.tasks,
      cutWires: version.streams.length,
      updated: new Date(row.updated).toISOString(),
    };
  }

  #status({ id, state }: ApplicationRow): Status {
    if (this.#busy(id)) return 'deploying';
    const pending = this.#store.deployed.pending({ application: id });
    if (pending.some((row) => row.kind === 'undo')) return 'undo-pending';
    if (pending.length > 0) return 'pending-offline';
    return state;
  }

  /** One whose first deploy is still under way is not there yet. */
  #row(id: string): ApplicationRow {
    const row = this.#store.applications.get(id);
    if (row.version > 0) return row;
    throw storeError('ECHO_APP_UNKNOWN', { message: `Application '${id}' is not deployed yet.`, where: id });
  }

  #version({ id, version, created }: ApplicationRow): Version {
    const known = this.#current.get(id);
    if (known?.of === created && known.version.version === version) return known.version;
    const read = this.#store.applications.version(id, version);
    this.#current.set(id, { of: created, version: read });
    return read;
  }
}

const unknownTask = (task: string, application?: string) =>
  deployError('ECHO_TASK_UNKNOWN', {
    message:
      application === undefined
        ? `No running application has a task '${task}'.`
        : `Application '${application}' has no task '${task}'.`,
    where: task,
  });
