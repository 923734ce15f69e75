/** Holding and releasing deliveries on the gateways of a deploy. */
import { setTimeout as delay } from 'node:timers/promises';
import type { GateStatus, StreamStatus } from '../../wire/control.ts';
import type { ControlChannel } from '../gateways/types.ts';
import { each } from './each.ts';
import { deployError } from './errors.ts';

/** How long a gate stays closed without a word from the orchestrator; every look renews it. */
const LEASE_MS = 30_000;
const POLL_MS = { first: 10, most: 250 };

export interface GateOf {
  readonly gateway: string;
  readonly tabs: readonly string[];
}

type Level = 'sources' | 'all';

export class Gates {
  readonly #control: ControlChannel;
  readonly #deploy: string;
  readonly #concurrency: number;

  constructor(control: ControlChannel, deploy: string, concurrency: number) {
    this.#control = control;
    this.#deploy = deploy;
    this.#concurrency = concurrency;
  }

  /** Closes, raises or renews. Rejects with the first gateway's error. */
  close(gates: readonly GateOf[], level: Level, sealed = false): Promise<GateStatus[]> {
    return each(gates, this.#concurrency, ({ gateway, tabs }) =>
      this.#control.request(gateway, {
        method: 'gate.close',
        params: { deploy: this.#deploy, tabs: [...tabs], level, leaseMs: LEASE_MS, sealed },
      }),
    );
  }

  /** Opens all it can. Rejects with the first gateway's error after all have been asked. */
  open(gates: readonly GateOf[]): Promise<unknown> {
    const params = { deploy: this.#deploy, orphans: 'drop' } as const;
    return each(
      gates,
      this.#concurrency,
      ({ gateway }) => this.#control.request(gateway, { method: 'gate.open', params }),
      { goOn: true },
    );
  }

  /**
   * Waits until nothing is in flight behind the gates and the named streams are drained, twice in a row with no
   * record appended in between (what one look at gateways one after another cannot tell).
   * Throws ECHO_DRAIN_TIMEOUT naming what is busy; with `force` it gives up waiting for tasks, never for streams.
   */
  async quiet(
    gates: readonly GateOf[],
    level: Level,
    streams: readonly string[],
    limits: { readonly drainMs: number; readonly force: boolean },
  ): Promise<void> {
    const deadline = Date.now() + limits.drainMs;
    let before: string | undefined;
    for (let pause = POLL_MS.first; ; pause = Math.min(pause * 2, POLL_MS.most)) {
      const statuses = await this.close(gates, level);
      const undrained = undrainedIn(gates, statuses, streams);
      const busy = [...busyIn(gates, statuses), ...undrained];
      const mark = busy.length > 0 ? undefined : JSON.stringify(heads(statuses));
      if (mark !== undefined && (mark === before || streams.length === 0)) return;
      if (Date.now() >= deadline) {
        if (limits.force && undrained.length === 0) return;
        const what = busy.length > 0 ? busy.slice(0, 5).join('; ') : 'records keep arriving';
        throw deployError('ECHO_DRAIN_TIMEOUT', {
          message: `Not drained within ${limits.drainMs} ms: ${what}.`,
          details: { busy },
        });
      }
      before = mark;
      await delay(mark === undefined ? pause : POLL_MS.first);
    }
  }
}

const heads = (statuses: readonly GateStatus[]) =>
  statuses.map((status) =>
    status.streams.map((s) => (s.role === 'out' ? [s.stream, s.head] : [s.stream, s.received])),
  );

function busyIn(gates: readonly GateOf[], statuses: readonly GateStatus[]): string[] {
  return statuses.flatMap(({ inFlight, busy }, i) => {
    const gateway = gates[i]?.gateway;
    if (inFlight === 0) return [];
    if (busy.length === 0) return [`${inFlight} messages on ${gateway}`];
    return busy.map(({ node, type, count }) => `${type} ${node} on ${gateway} works on ${count}`);
  });
}

function undrainedIn(
  gates: readonly GateOf[],
  statuses: readonly GateStatus[],
  streams: readonly string[],
): string[] {
  const waited = new Set(streams);
  return statuses.flatMap((status, i) =>
    status.streams
      .filter((s) => waited.has(s.stream) && !drained(s))
      .map((s) => `stream ${s.stream} on ${gates[i]?.gateway} still holds records`),
  );
}

const drained = (s: StreamStatus): boolean =>
  s.role === 'out'
    ? Object.values(s.consumers).every((consumer) => consumer.stable >= s.head)
    : s.done >= s.received;
