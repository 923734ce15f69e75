/** An orchestrator over three simulated gateways that have flows of their own. */

import { pino } from 'pino';
import type { RawFlow } from '../../../src/flow/types.ts';
import { Orchestrator } from '../../../src/orchestrator/Orchestrator.ts';
import { solver } from '../../../src/placement/solver.ts';
import type { Disposables } from '../../kit/cleanup.ts';
import type { SimulatedGateway } from '../../kit/simulator/index.ts';
import {
  type SimulatedFleet,
  type SimulatedFleetOptions,
  startSimulatedFleet,
} from '../../kit/simulator/simulatedFleet.ts';

export interface Rig {
  readonly sim: SimulatedFleet;
  readonly orchestrator: Orchestrator;
  close(): Promise<void>;
}

export interface RigOptions extends SimulatedFleetOptions {
  readonly fault?: (point: string) => void | Promise<void>;
}

export async function startRig(kit: Disposables, options: RigOptions = {}): Promise<Rig> {
  const sim = await startSimulatedFleet(kit, options);
  const { fleet, desk, store } = sim;
  const orchestrator = new Orchestrator({
    store,
    fleet,
    solver,
    enrolment: { enrol: (request) => fleet.enrol(request), createToken: (o) => desk.createToken(o) },
    log: pino({ level: process.env.ECHO_TEST_LOG ?? 'silent' }),
    deploy: { drainMs: 500, concurrency: 8 },
    ...(options.fault === undefined ? {} : { fault: options.fault }),
  });
  return {
    sim,
    orchestrator,
    async close() {
      await orchestrator.close();
      await sim.close();
    },
  };
}

export const TIERS = ['edge', 'fog', 'cloud'] as const;
export const names = TIERS.map((tier) => `${tier}-1`);

/** A flow the gateway had before ECHO came. */
export const ownFlow = (gateway: string): RawFlow => [
  { id: `${gateway}-tab`, type: 'tab', label: 'Own', disabled: false, info: '' },
  {
    id: `${gateway}-in`,
    type: 'inject',
    z: `${gateway}-tab`,
    name: '',
    x: 1,
    y: 1,
    wires: [[`${gateway}-out`]],
  },
  { id: `${gateway}-out`, type: 'debug', z: `${gateway}-tab`, name: '', x: 2, y: 1, wires: [] },
];

export async function joinThree(sim: SimulatedFleet): Promise<SimulatedGateway[]> {
  const gateways: SimulatedGateway[] = [];
  for (const tier of TIERS) {
    const gateway = await sim.join({ name: `${tier}-1`, tier });
    gateway.admin.edit(ownFlow(gateway.name));
    gateways.push(gateway);
  }
  return gateways;
}

/** inject on edge → function on fog → debug on cloud; `body` is the function's code. */
export const chain = (body = 'return msg;', prefix = 'c'): RawFlow => [
  { id: `${prefix}-tab`, type: 'tab', label: 'Chain' },
  node(prefix, 'in', 'inject', 'edge', [[`${prefix}-fn`]]),
  { ...node(prefix, 'fn', 'function', 'fog', [[`${prefix}-out`]]), func: body, outputs: 1 },
  node(prefix, 'out', 'debug', 'cloud', []),
];

const node = (prefix: string, name: string, type: string, tier: string, wires: string[][]) => ({
  id: `${prefix}-${name}`,
  type,
  z: `${prefix}-tab`,
  name,
  echo: { tier },
  x: 10,
  y: 10,
  wires,
});

/** Everything the admin APIs can tell of the gateways. */
export const snapshot = (gateways: readonly SimulatedGateway[]) =>
  gateways.map(({ name, admin }) => ({
    name,
    rev: admin.rev,
    flows: JSON.parse(JSON.stringify(admin.flows)) as RawFlow,
    credentials: Object.fromEntries(admin.credentials),
  }));

export const gatesOf = (gateways: readonly SimulatedGateway[]): string[] =>
  gateways.flatMap(({ control }) =>
    control.requests.flatMap((request) =>
      request.method === 'gate.close' && control.gateLevel(request.params.deploy) !== 'open'
        ? [request.params.deploy]
        : [],
    ),
  );
