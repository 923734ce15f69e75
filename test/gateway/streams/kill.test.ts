import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InStreamStatus, OutStreamStatus, StreamStatus } from '../../../src/wire/control.ts';
import { startAedes, type TestBroker } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';
import type { GatewayTask } from './gatewayProcess.ts';
import { range } from './rig.ts';

/** Three gateways in processes of their own: edge → fog → cloud. */
describe('gateways killed with SIGKILL', function () {
  this.timeout(60_000);
  const kit = disposables();
  let broker: TestBroker;
  before(async () => {
    broker = await startAedes(kit);
  });

  for (const victim of ['edge', 'fog', 'cloud'] as const) {
    it(`${victim}: every record arrives in order, and repetitions are recognised`, async () => {
      const chain = new Chain(broker.url);
      const { edge, fog, cloud } = chain.gateways;
      await waitFor(() => [edge, fog, cloud].every((g) => g.status.length > 0), { what: 'three gateways' });
      edge.append(0, 2_000);
      await waitFor(() => chain.arrived().length > 300, { what: 'the first arrivals', every: 5 });
      await chain.gateways[victim].kill();
      if (victim !== 'edge') edge.append(2_000, 3_000);
      chain.gateways[victim].start();
      if (victim === 'edge') {
        await waitFor(() => edge.status.length > 0, { what: 'the restarted edge' });
        const { head } = edge.out();
        edge.append(head, 3_000);
      }
      await waitFor(() => edge.out()?.head >= 3_000 && edge.drained() && fog.drained(), {
        what: 'the chain to drain',
        timeout: 30_000,
      });
      const { order, repeats } = distinct(chain.arrived());
      assert.deepEqual(order, range(0, 3_000));
      const counted = fog.in().repeated + cloud.in().repeated;
      assert.ok(repeats <= counted, `${repeats} repetitions, ${counted} counted`);
      assert.equal(fog.in().lost + cloud.in().lost, 0);
    });
  }

  class Chain {
    readonly #out = join(kit.folder(), 'arrived.jsonl');
    readonly gateways: Record<'edge' | 'fog' | 'cloud', GatewayProcess>;

    constructor(url: string) {
      writeFileSync(this.#out, '');
      const id = (name: string): string => `${name}-${process.pid}-${++count}`;
      const [edge, fog, cloud] = [id('edge'), id('fog'), id('cloud')];
      const start = (task: Omit<GatewayTask, 'url' | 'folder'>): GatewayProcess => {
        const gateway = new GatewayProcess({ ...task, url, folder: kit.folder() });
        return kit.add(gateway, () => gateway.kill());
      };
      this.gateways = {
        edge: start({ gateway: edge, to: { gateway: fog, stream: 'app/a:0' } }),
        fog: start({
          gateway: fog,
          from: { gateway: edge, stream: 'app/a:0' },
          to: { gateway: cloud, stream: 'app/b:0' },
        }),
        cloud: start({ gateway: cloud, from: { gateway: fog, stream: 'app/b:0' }, out: this.#out }),
      };
    }

    arrived(): { n: number; id: number }[] {
      const lines = readFileSync(this.#out, 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line));
    }
  }
});

let count = 0;

/** What arrived for the first time, in order, and how much came again; a repetition carries a known id. */
function distinct(arrived: { n: number; id: number }[]): { order: number[]; repeats: number } {
  const ids = new Map<number, number>();
  const order: number[] = [];
  for (const { n, id } of arrived) {
    if (ids.has(n)) assert.equal(id, ids.get(n), `message ${n} came again under another id`);
    else order.push(n);
    ids.set(n, id);
  }
  return { order, repeats: arrived.length - order.length };
}

class GatewayProcess {
  status: StreamStatus[] = [];
  readonly #task: GatewayTask;
  #child: ChildProcess | undefined;

  constructor(task: GatewayTask) {
    this.#task = task;
    this.start();
  }

  start(): void {
    this.status = [];
    const script = join(import.meta.dirname, 'gatewayProcess.ts');
    this.#child = fork(script, [JSON.stringify(this.#task)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (status) => {
      this.status = status as StreamStatus[];
    });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  append(from: number, to: number): void {
    this.#child?.send({ from, to });
  }

  out(): OutStreamStatus {
    return this.status.find((s) => s.role === 'out') as OutStreamStatus;
  }

  in(): InStreamStatus {
    return this.status.find((s) => s.role === 'in') as InStreamStatus;
  }

  drained(): boolean {
    const out = this.out();
    return Object.values(out?.consumers ?? {}).every((c) => c.stable === out.head);
  }
}
