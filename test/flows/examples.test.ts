import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseFlow } from '../../src/flow/parse.ts';
import { split } from '../../src/flow/split.ts';
import { PINS } from '../../src/orchestrator/fleet/installs.ts';
import { solver } from '../../src/placement/solver.ts';
import type { Candidate } from '../../src/placement/types.ts';
import { exampleFlow } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { waitFor } from '../kit/wait.ts';

const NAMES = readdirSync(fileURLToPath(new URL('../../flows/', import.meta.url)))
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length));
const DOCUMENT = readFileSync(fileURLToPath(new URL('../../docs/examples.md', import.meta.url)), 'utf8');

/** A gateway that can run everything. */
const candidate = (id: string, tier: Candidate['tier'], nodeTypes: ReadonlySet<string>): Candidate => ({
  ...{ id, tier, health: 'up', nodeTypes, capabilities: new Set() },
});

for (const name of NAMES) {
  describe(`example ${name}`, () => {
    const flow = exampleFlow(name);

    it('is described in docs/examples.md', () => assert.ok(DOCUMENT.includes(`flows/${name}.json`)));

    it('is a sound flow that splits over edge, fog and cloud without a warning', () => {
      const model = parseFlow(flow);
      assert.deepEqual(model.warnings, []);
      assert.equal(model.units.length, 1, 'one application');
      const types = new Set([...model.tasks.values()].flatMap((task) => task.types));
      const candidates = (['edge', 'fog', 'cloud'] as const).map((tier) =>
        candidate(`${tier}-1`, tier, types),
      );
      const placed = solver.solve({
        ...{ tasks: [...model.tasks.values()], wires: model.wires, together: model.together, candidates },
      });
      assert.ok(placed.ok);
      const { fragments, streams } = split(model, placed.placement, { application: name });
      assert.equal(fragments.length, 3);
      assert.ok(streams.length >= 2);
    });

    it('shows every task in a group or on a tab that says where it may run', () => {
      const tabs = new Map(flow.filter(({ type }) => type === 'tab').map((tab) => [tab.id, tab]));
      for (const task of parseFlow(flow).tasks.values()) {
        assert.ok(task.group !== undefined || tabs.get(task.tab)?.echo !== undefined, task.id);
      }
    });
  });
}

for (const version of Object.keys(PINS) as (keyof typeof PINS)[]) {
  describe(`examples on a single Node-RED ${version}`, function () {
    this.timeout(120_000);
    const kit = disposables();

    it('are imported by hand and run with core nodes only; the machine hall raises its alarm', async () => {
      const gateway = await startRealGateway(kit, { version });
      const flows = NAMES.flatMap((name) => exampleFlow(name));
      const response = await fetch(`${gateway.url}/flows`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(flows),
      });
      assert.ok(response.ok, await response.text());

      const page = async () =>
        (await (await fetch(`${gateway.url}/city`)).text()).includes('<td>harbour</td>');
      await waitFor(page, { what: 'the city page to show a block', timeout: 20_000 });

      const alarms: string[] = [];
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/alarms`);
      socket.onmessage = ({ data }) => alarms.push(String(data));
      kit.add(socket, () => socket.close());
      await waitFor(() => socket.readyState === WebSocket.OPEN, { what: 'the WebSocket' });
      const press = () => fetch(`${gateway.url}/inject/hall-tick`, { method: 'POST' });
      const pressed = async () => {
        await press();
        return alarms.length > 0;
      };
      await waitFor(pressed, { what: 'an alarm', timeout: 30_000, every: 1 });
      const { machine, wear } = JSON.parse(alarms[0]!) as { machine: string; wear: number };
      assert.equal(typeof machine, 'string');
      assert.ok(wear >= 0.8);
      assert.ok(!/\[error\]|TypeError/.test(gateway.logTail), gateway.logTail);
    });
  });
}
