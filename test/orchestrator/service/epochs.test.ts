/** Which producer epochs stand in the fragments after deploys that move, fail, stop and start. */
import assert from 'node:assert/strict';
import type { RawFlow } from '../../../src/flow/types.ts';
import { disposables } from '../../kit/cleanup.ts';
import type { SimulatedGateway } from '../../kit/simulator/index.ts';
import { chain, joinThree, type Rig, snapshot, startRig } from './rig.ts';

const INTO = 'c-in:0';
const OUT_OF = 'c-fn:0';

describe('producer epochs', () => {
  const kit = disposables();
  let rig: Rig;
  let gateways: SimulatedGateway[];
  beforeEach(async () => {
    rig = await startRig(kit);
    gateways = await joinThree(rig.sim);
  });

  /** The chain with its function on this gateway; streams go in from edge-1 and out to cloud-1. */
  const at = (gateway: string, func = 'return msg;'): RawFlow =>
    chain(func).map((n) => (n.id === 'c-fn' ? { ...n, echo: { gateway } } : n));
  const epochs = (): Record<string, number[]> => {
    const found: Record<string, number[]> = {};
    for (const n of gateways.flatMap(({ admin }) => admin.flows)) {
      if (!n.type.startsWith('echo ')) continue;
      const stream = String(n.stream).split('/')[1]!;
      found[stream] = [...(found[stream] ?? []), n.epoch as number];
    }
    return found;
  };
  const retired = (name: string): string[] =>
    gateways.find((g) => g.name === name)!.control.retired.map((stream) => stream.split('/')[1]!);

  it('grow when a stream gets another producer, also when it comes back to a former one', async () => {
    await rig.orchestrator.deploy({ flow: at('fog-1') });
    assert.deepEqual(epochs(), { [INTO]: [1, 1], [OUT_OF]: [1, 1] });
    const moved = at('fog-1').map((n) => (n.id === 'c-out' ? { ...n, echo: { gateway: 'edge-1' } } : n));
    await rig.orchestrator.deploy({ flow: moved });
    assert.deepEqual(epochs(), { [INTO]: [1, 1], [OUT_OF]: [1, 1] });
    await rig.orchestrator.deploy({ flow: at('fog-1') });
    await rig.orchestrator.deploy({ flow: at('edge-1') });
    assert.deepEqual(epochs(), { [OUT_OF]: [2, 2] });
    assert.deepEqual(retired('fog-1').sort(), [OUT_OF, INTO].sort());
    await rig.orchestrator.deploy({ flow: at('fog-1') });
    assert.deepEqual(epochs(), { [INTO]: [2, 2], [OUT_OF]: [3, 3] });
    await rig.orchestrator.deploy({ flow: at('fog-1', 'return null;') });
    assert.deepEqual(epochs(), { [INTO]: [2, 2], [OUT_OF]: [3, 3] });
  });

  it('a plan gives none out, an undone deploy those it had planned, never to be given again', async () => {
    await rig.orchestrator.deploy({ flow: at('fog-1') });
    const before = snapshot(gateways);
    for (let i = 0; i < 3; i++) await rig.orchestrator.plan({ flow: at('edge-1') });
    gateways[0]!.admin.faults.plan('POST /flows', { kind: 'answer', status: 500 });
    await assert.rejects(rig.orchestrator.deploy({ flow: at('edge-1') }), /./);
    assert.deepEqual(snapshot(gateways), before);
    await rig.orchestrator.deploy({ flow: at('edge-1') });
    assert.deepEqual(epochs(), { [OUT_OF]: [3, 3] });
  });

  it('a start gives new ones, which later deploys keep; so does an application that was removed', async () => {
    const { application } = await rig.orchestrator.deploy({ flow: at('fog-1') });
    await rig.orchestrator.stop(application);
    await rig.orchestrator.start(application);
    assert.deepEqual(epochs(), { [INTO]: [2, 2], [OUT_OF]: [2, 2] });
    const again = await rig.orchestrator.deploy({ flow: at('fog-1') });
    assert.equal(again.status, 'unchanged');
    assert.equal((await rig.orchestrator.diff(application)).clean, true);
    await rig.orchestrator.remove(application);
    await rig.orchestrator.deploy({ flow: at('fog-1') });
    assert.deepEqual(epochs(), { [INTO]: [3, 3], [OUT_OF]: [3, 3] });
  });
});
