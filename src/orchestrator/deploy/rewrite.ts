/** Changes one application's part of one gateway's flows: read, merge, post; again when someone else was faster. */
import type { RawFlow } from '../../flow/types.ts';
import { isEchoError } from '../../wire/errors.ts';
import type { AdminApi } from '../gateways/types.ts';
import type { Credentials } from '../types.ts';
import { credentialsFor, type Put } from './credentials.ts';
import { type MergeInput, merge } from './merge.ts';

/** How often a stale revision is answered by reading and merging again. */
const ATTEMPTS = 5;

export interface Rewrite extends Omit<MergeInput, 'current'> {
  readonly admin: AdminApi;
  readonly credentials: { readonly before: Credentials; readonly after: Credentials };
}

/** Resolves with the shared ids. Rejects as `AdminApi` does. */
export async function rewrite({ admin, credentials, ...what }: Rewrite): Promise<readonly string[]> {
  let shared: readonly string[] = [];
  await revise(admin, (current) => {
    const merged = merge({ ...what, current });
    shared = merged.shared;
    return credentialsFor(merged.flows, current, what.after, credentials);
  });
  return shared;
}

/** A gateway that has it all already is not written. */
export async function revise(admin: AdminApi, change: (current: RawFlow) => Put): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { rev, flows: current } = await admin.flows();
    const put = change(current);
    if (put.credentials === undefined && same(put.flows, current)) return;
    try {
      await admin.putFlows({ rev, ...put });
      return;
    } catch (error) {
      if (!isEchoError(error, 'ECHO_FLOWS_CONFLICT') || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Entries that do not change are handed through as the same objects. */
const same = (a: RawFlow, b: RawFlow): boolean => a.length === b.length && a.every((n, i) => n === b[i]);
