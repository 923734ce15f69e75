/** What a write does to a real Node-RED: the promises the simulator cannot make. */
import assert from 'node:assert/strict';
import type { RawFlow } from '../../../src/flow/types.ts';
import { type Rewrite, rewrite } from '../../../src/orchestrator/deploy/rewrite.ts';
import { AdminClient } from '../../../src/orchestrator/gateways/adminClient.ts';
import { disposables } from '../../kit/cleanup.ts';
import { startRealGateway } from '../../kit/gateways.ts';
import { waitFor } from '../../kit/wait.ts';

/** Answers GET /state with how often its function node was started. */
const own: RawFlow = [
  { id: 'own', type: 'tab', label: 'Own', disabled: false, info: '', env: [] },
  {
    id: 'o1',
    type: 'http in',
    z: 'own',
    name: '',
    url: '/state',
    method: 'get',
    upload: false,
    x: 1,
    y: 1,
    wires: [['o2']],
  },
  {
    id: 'o2',
    type: 'function',
    z: 'own',
    name: '',
    func: 'msg.payload = { starts: global.get("starts") }; return msg;',
    initialize: 'global.set("starts", (global.get("starts") || 0) + 1);',
    finalize: '',
    outputs: 1,
    libs: [],
    x: 2,
    y: 1,
    wires: [['o3']],
  },
  { id: 'o3', type: 'http response', z: 'own', name: '', x: 3, y: 1, wires: [] },
];

const fragment = (func: string): RawFlow => [
  { id: 'e', type: 'tab', label: 'Echo', locked: true },
  {
    id: 'e1',
    type: 'function',
    z: 'e',
    name: '',
    func,
    initialize: 'global.set("e", 1);',
    outputs: 1,
    x: 1,
    y: 1,
    wires: [['e2']],
  },
  {
    id: 'e2',
    type: 'http request',
    z: 'e',
    name: '',
    method: 'GET',
    url: 'http://127.0.0.1:9',
    authType: 'basic',
    x: 2,
    y: 1,
    wires: [[]],
  },
];

for (const version of ['4.1', '5.0'] as const) {
  describe(`a write to a real Node-RED ${version}`, function () {
    this.timeout(120_000);
    const kit = disposables();
    let url: string;
    let admin: AdminClient;
    let was: { rev: string; flows: RawFlow };
    before(async () => {
      const gateway = await startRealGateway(kit, { version });
      url = gateway.url;
      admin = kit.add(new AdminClient({ gateway: 'g', url, access: {}, timeoutMs: 10_000 }), () =>
        admin.close(),
      );
      const { rev } = await admin.flows();
      await admin.putFlows({ rev, flows: own });
      was = await admin.flows();
      await waitFor(async () => (await starts()) === 1, { what: 'the own flow to answer' });
    });
    const starts = async (): Promise<unknown> => {
      const answer = await fetch(`${url}/state`);
      return answer.ok ? ((await answer.json()) as { starts: number }).starts : undefined;
    };
    const user = async () => {
      const answer = await fetch(`${url}/credentials/http-request/e2`);
      return ((await answer.json()) as { user?: string }).user;
    };
    const write = (what: Partial<Rewrite>) =>
      rewrite({
        admin,
        gateway: 'g',
        before: [],
        after: [],
        others: new Map(),
        shared: new Set(),
        credentials: { before: {}, after: {} },
        ...what,
      });
    const secret = (name: string) => ({ e2: { user: name, password: 'p' } });

    it('leaves the gateway’s own nodes running, gives credentials to new nodes, replaces changed ones', async () => {
      await write({ after: fragment('return msg;'), credentials: { before: {}, after: secret('anna') } });
      assert.equal(await user(), 'anna');
      await write({
        before: fragment('return msg;'),
        after: fragment('return msg;'),
        credentials: { before: secret('anna'), after: secret('berta') },
      });
      assert.equal(await user(), 'berta');
      // A change that says nothing of credentials keeps them.
      const same = { before: secret('berta'), after: secret('berta') };
      await write({ before: fragment('return msg;'), after: fragment('return null;'), credentials: same });
      assert.equal(await user(), 'berta');
      assert.equal(await starts(), 1);
      const { flows } = await admin.flows();
      assert.equal(JSON.stringify(flows).includes('berta'), false);
    });

    it('undone, gives back the very revision that was there before', async () => {
      const order = was.flows.map((n) => n.id);
      await write({ before: fragment('return null;'), order });
      const now = await admin.flows();
      assert.equal(JSON.stringify(now.flows), JSON.stringify(was.flows));
      assert.equal(now.rev, was.rev);
      assert.equal(await starts(), 1);
    });

    it('adopting a tab restarts nothing on it', async () => {
      const adopted = was.flows.map((n) =>
        n.type === 'tab' ? { ...n, locked: true, echo: { app: 'hall' } } : n,
      );
      await write({ before: was.flows, after: adopted });
      const { flows } = await admin.flows();
      assert.equal(flows[0]?.locked, true);
      assert.equal(await starts(), 1);
    });
  });
}
