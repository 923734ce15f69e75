/** Brings a gateway that was away in line with the store: what was left pending there is written or taken back. */
import { isEchoError } from '../../wire/errors.ts';
import { type ApplyPorts, othersOn } from './apply.ts';
import { Gates } from './gates.ts';
import { gatedTabs } from './merge.ts';
import { union } from './nodes.ts';
import { rewrite } from './rewrite.ts';

/** A gateway that comes back has nothing of value in flight: what it works on may end, no longer. */
const QUIET_MS = 2_000;

/** Applications that are settled now. A gateway that fails again stays pending. */
export async function settle(ports: ApplyPorts, gateway: string): Promise<string[]> {
  const settled: string[] = [];
  for (const pending of ports.store.deployed.pending({ gateway })) {
    try {
      await settleOne(ports, gateway, pending.application);
      settled.push(pending.application);
    } catch (err) {
      if (!isEchoError(err)) throw err;
      ports.log.warn({ gateway, application: pending.application, err }, 'gateway is not settled yet');
    }
  }
  return settled;
}

async function settleOne({ store, fleet, concurrency }: ApplyPorts, gateway: string, application: string) {
  const [pending] = store.deployed.pending({ gateway, application });
  if (pending === undefined) return;
  const row = store.deployed.find(application, gateway);
  const after = row?.nodes ?? [];
  const before = union(pending.nodes, after);
  const gate = [{ gateway, tabs: gatedTabs(before, after) }];
  const gates = new Gates(fleet.control, pending.deploy, concurrency);
  await gates.quiet(gate, 'all', [], { drainMs: QUIET_MS, force: true });
  await gates.close(gate, 'all', true);
  const shared = await rewrite({
    admin: fleet.admin(gateway),
    gateway,
    before,
    after,
    others: othersOn(store, gateway, application),
    shared: new Set(row?.shared ?? []),
    // What it has is not known for certain: everything its nodes need is sent.
    credentials: {
      before: {},
      after: row === undefined ? {} : store.applications.credentials(application, row.version),
    },
  });
  await gates.open(gate);
  store.transaction(() => {
    if (row !== undefined) store.deployed.put({ ...row, shared });
    store.deployed.removePending(application, gateway);
  });
}
