/** Simulated gateways in a thread of their own, so that the orchestrator under measurement has its core to itself. */
import { parentPort, workerData } from 'node:worker_threads';
import { enrolOverHttp, GatewaySimulator } from '../kit/simulator/index.ts';
import type { BenchGateway } from './deployFlow.ts';

export interface SimulatorJob {
  readonly orchestrator: string;
  readonly gateways: readonly (BenchGateway & { readonly token: string })[];
}

/** Enrolments under way at once. */
const AT_ONCE = 16;

const { orchestrator, gateways } = workerData as SimulatorJob;
const simulator = await GatewaySimulator.start();
const enrol = enrolOverHttp(orchestrator);
const queue = [...gateways];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { name, tier, token } = next;
      await simulator.add({ name, tier }).enrol(enrol, token);
    }
  }),
);
parentPort?.postMessage('enrolled');
parentPort?.once('message', () => void simulator.close().then(() => process.exit(0)));
