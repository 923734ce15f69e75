/** What the faces rely on in an OrchestratorService, held over HTTP: the real one and the one in memory alike. */
import assert from 'node:assert/strict';
import type { z } from 'zod';
import type { RawFlow } from '../../../src/flow/types.ts';
import { type SchemaName, schemas } from '../../../src/orchestrator/api/schemas.ts';

export interface Contract {
  readonly url: string;
  /** A flow placed on two gateways or more. */
  readonly flow: RawFlow;
  /** A task of it that has a name. */
  readonly task: string;
}

export function serviceContract(start: () => Promise<Contract>): void {
  let at: Contract;
  let id = '';
  before(async () => {
    at = await start();
  });

  const ask = async (method: string, path: string, body?: unknown) => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(`${at.url}/api/v1${path}`, init);
    const text = await answer.text();
    return { status: answer.status, value: text === '' ? undefined : (JSON.parse(text) as unknown) };
  };
  const fits = async <N extends SchemaName>(name: N, method: string, path: string, body?: unknown) => {
    const { status, value } = await ask(method, path, body);
    assert.ok(status < 300, JSON.stringify(value));
    return schemas[name].parse(value) as z.output<(typeof schemas)[N]>;
  };
  const fitAll = async (name: SchemaName, path: string) => {
    const { value } = await ask('GET', path);
    for (const one of value as unknown[]) schemas[name].parse(one);
    return value as Record<string, unknown>[];
  };
  const refused = async (code: string, method: string, path: string, body?: unknown) => {
    const { status, value } = await ask(method, path, body);
    assert.equal(schemas.ProblemDocument.parse(value).code, code);
    assert.ok(status >= 400 && status < 500);
  };

  it('plans without touching anything', async () => {
    const plan = await fits('Plan', 'POST', '/plan', at.flow);
    assert.ok(plan.gateways.length >= 2 && plan.cutWires.length >= 1);
    assert.deepEqual(await fitAll('AppSummary', '/apps'), []);
  });

  it('deploys, then has nothing to do', async () => {
    const deployment = await fits('Deployment', 'POST', '/deploy', { flow: at.flow, name: 'Contract' });
    assert.deepEqual([deployment.version, deployment.status], [1, 'running']);
    id = deployment.application;
    const again = await fits('Deployment', 'POST', `/deploy?application=${id}`, at.flow);
    assert.deepEqual([again.version, again.status], [1, 'unchanged']);
  });

  it('shows the application, its streams, history, diff and reasons', async () => {
    const [summary] = await fitAll('AppSummary', '/apps');
    assert.deepEqual([summary?.id, summary?.name, summary?.status], [id, 'Contract', 'running']);
    const app = await fits('AppDetail', 'GET', `/apps/${id}`);
    const streams = await fitAll('StreamView', '/streams');
    assert.deepEqual(
      streams.map((view) => view.stream),
      app.streams.map((wire) => wire.stream),
    );
    assert.equal((await fitAll('VersionSummary', `/apps/${id}/history`)).length, 1);
    assert.equal((await fits('AppDiff', 'GET', `/apps/${id}/diff`)).clean, true);
    const reasons = await fits('Explanation', 'GET', `/apps/${id}/tasks/${at.task}/explain`);
    assert.equal(reasons.gateway, app.placement[reasons.task]);
  });

  it('shows what waits and what was set aside, and knows no other stream', async () => {
    const [view] = await fitAll('StreamView', '/streams');
    const path = `/streams/${encodeURIComponent(String(view?.stream))}`;
    await fits('Inspection', 'GET', `${path}/records`);
    await fits('Purged', 'POST', `${path}/purge`);
    await fitAll('DeadLetter', '/dead-letters');
    await refused('ECHO_STREAM_UNKNOWN', 'GET', '/streams/nowhere/records');
    await refused('ECHO_GATEWAY_UNKNOWN', 'GET', '/gateways/none/dead-letters/1');
  });

  it('shows the fleet', async () => {
    const gateways = await fitAll('GatewayView', '/gateways');
    assert.ok(gateways.length >= 3);
    for (const gateway of gateways) await fits('GatewayDetail', 'GET', `/gateways/${String(gateway.id)}`);
    assert.match((await fits('EnrolToken', 'POST', '/tokens', { name: 'new-1' })).token, /./);
  });

  it('stops, starts, rolls back and removes', async () => {
    assert.equal((await fits('AppSummary', 'POST', `/apps/${id}/stop`)).status, 'stopped');
    assert.equal((await fits('AppSummary', 'POST', `/apps/${id}/start`)).status, 'running');
    await fits('Deployment', 'POST', `/apps/${id}/rollback`, { version: 1 });
    await refused('ECHO_VERSION_UNKNOWN', 'POST', `/apps/${id}/rollback`, { version: 99 });
    assert.equal((await ask('DELETE', `/apps/${id}`)).status, 204);
    assert.deepEqual(await fitAll('AppSummary', '/apps'), []);
  });

  it('knows what it does not know', async () => {
    for (const path of ['', '/history', '/diff'])
      await refused('ECHO_APP_UNKNOWN', 'GET', `/apps/none${path}`);
    for (const verb of ['stop', 'start']) await refused('ECHO_APP_UNKNOWN', 'POST', `/apps/none/${verb}`);
    await refused('ECHO_APP_UNKNOWN', 'DELETE', '/apps/none');
    await refused('ECHO_APP_UNKNOWN', 'POST', '/apps/none/rollback', { version: 1 });
    await refused('ECHO_GATEWAY_UNKNOWN', 'GET', '/gateways/none');
    await refused('ECHO_GATEWAY_UNKNOWN', 'DELETE', '/gateways/none');
    await refused('ECHO_GATEWAY_UNKNOWN', 'POST', '/gateways/none/import');
  });
}
