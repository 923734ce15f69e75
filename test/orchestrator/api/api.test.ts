import assert from 'node:assert/strict';
import type { RequestHandler } from 'express';
import { schemas } from '../../../src/orchestrator/api/schemas.ts';
import type { Deployment } from '../../../src/orchestrator/types.ts';
import { exampleFlow, heartbeat } from './memoryService.ts';
import { rawRequest, type ServedApi, serveApi } from './serveApi.ts';

type Json = Record<string, unknown>;

describe('REST API', () => {
  let api: ServedApi;
  beforeEach(async () => {
    api = await serveApi();
  });
  afterEach(() => api.close());

  const get = (path: string, headers: Record<string, string> = {}) => fetch(api.url + path, { headers });
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(api.url + path, {
      method: 'POST',
      headers,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const json = async (response: Response | Promise<Response>): Promise<Json> =>
    (await response).json() as Promise<Json>;
  const problem = async (
    response: Response | Promise<Response>,
    status: number,
    code: string,
  ): Promise<Json> => {
    const answer = await response;
    const body = (await answer.json()) as Json;
    assert.equal(body.code, code, JSON.stringify(body));
    assert.equal(answer.status, status);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.doesNotThrow(() => schemas.ProblemDocument.parse(body));
    return body;
  };

  describe('plan and deploy', () => {
    it('plans a flow given as a plain array', async () => {
      const plan = schemas.Plan.parse(await json(post('/api/v1/plan', exampleFlow)));
      assert.deepEqual(
        plan.gateways.map((g) => g.gateway),
        ['cloud-1', 'edge-1', 'fog-1'],
      );
      assert.equal(api.service.applications().length, 0);
    });

    it('deploys and answers 201 with the address of the application, then 200 when nothing changed', async () => {
      const first = await post('/api/v1/deploy', { flow: exampleFlow, application: 'city', name: 'City' });
      assert.equal(first.status, 201);
      assert.equal(first.headers.get('location'), '/api/v1/apps/city');
      schemas.Deployment.parse(await first.json());
      const again = await post('/api/v1/deploy', { flow: exampleFlow, application: 'city' });
      assert.equal(again.status, 200);
    });

    it('takes options from the query and from the body', async () => {
      await post('/api/v1/deploy?overwrite&ifVersion=3&application=city', {
        flow: exampleFlow,
        options: { force: true },
      });
      const asked = api.service.asked.at(-1);
      assert.deepEqual(asked?.options, { force: true, overwrite: true, ifVersion: 3 });
      assert.equal(asked?.application, 'city');
      assert.equal(asked?.origin, 'api');
    });

    it('refuses an option it does not know, naming it', async () => {
      const body = await problem(
        post('/api/v1/deploy?overwritte=1', exampleFlow),
        400,
        'ECHO_REQUEST_INVALID',
      );
      assert.match(String(body.detail), /overwritte/);
    });

    it('refuses a body field it does not know', () =>
      problem(post('/api/v1/deploy', { flow: exampleFlow, option: {} }), 400, 'ECHO_REQUEST_INVALID'));

    it('passes a body that is no flow to the flow reader, whose error it answers', async () => {
      for (const body of [{}, 1, 'null', '"flow"', [{ id: 1 }], { flow: 3 }]) {
        await problem(post('/api/v1/deploy', body), 400, 'TEST_NOT_A_FLOW');
      }
    });

    it('answers 202 at once when asked, and tells the end under /operations', async () => {
      const answer = await post('/api/v1/deploy', exampleFlow, { Prefer: 'respond-async' });
      assert.equal(answer.status, 202);
      const location = answer.headers.get('location') ?? '';
      assert.match(location, /^\/api\/v1\/operations\//);
      const events = await (await get(`${location}/events`)).text();
      assert.equal(events.match(/^event: progress$/gm)?.length, 3);
      assert.match(events, /^event: finished$/m);
      const operation = schemas.Operation.parse(await json(get(location)));
      assert.equal(operation.status, 'done');
      assert.equal((operation.result as Deployment).status, 'running');
    });

    it('keeps the problem of an operation that was refused', async () => {
      const { id } = await json(post('/api/v1/deploy?async', { flow: 1 }));
      await (await get(`/api/v1/operations/${id}/events`)).text();
      const operation = schemas.Operation.parse(await json(get(`/api/v1/operations/${id}`)));
      assert.equal(operation.status, 'failed');
      assert.equal(operation.problem?.code, 'TEST_NOT_A_FLOW');
    });

    it('streams progress as JSON lines that end with the result', async () => {
      const answer = await post('/api/v1/deploy', exampleFlow, { Accept: 'application/x-ndjson' });
      assert.match(answer.headers.get('content-type') ?? '', /^application\/x-ndjson/);
      const lines = (await answer.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Json);
      assert.deepEqual(
        lines.map((line) => line.type),
        ['progress', 'progress', 'progress', 'result'],
      );
      assert.equal(lines.at(-1)?.status, 201);
    });

    it('answers a refusal before the first step with its own status, lines or not', () =>
      problem(
        post('/api/v1/deploy', { flow: 1 }, { Accept: 'application/x-ndjson' }),
        400,
        'TEST_NOT_A_FLOW',
      ));
  });

  describe('applications', () => {
    beforeEach(async () => {
      await post('/api/v1/deploy', { flow: exampleFlow, application: 'city', name: 'City sensors' });
    });

    it('are listed and shown, by id and by a unique name', async () => {
      const list = (await json(get('/api/v1/apps'))) as unknown as unknown[];
      assert.equal(schemas.AppSummary.parse(list[0]).id, 'city');
      for (const name of ['city', 'City%20sensors']) {
        assert.equal(schemas.AppDetail.parse(await json(get(`/api/v1/apps/${name}`))).tasks, 4);
      }
    });

    it('have a history, a diff and explained tasks', async () => {
      const history = (await json(get('/api/v1/apps/city/history'))) as unknown as unknown[];
      assert.equal(schemas.VersionSummary.parse(history[0]).version, 1);
      assert.equal(schemas.AppDiff.parse(await json(get('/api/v1/apps/city/diff'))).clean, true);
      for (const task of ['avg', 'average']) {
        const reasons = schemas.Explanation.parse(await json(get(`/api/v1/apps/city/tasks/${task}/explain`)));
        assert.deepEqual([reasons.task, reasons.gateway], ['avg', 'fog-1']);
      }
    });

    it('refuse a task name that several tasks have, listing them', async () => {
      const twins = exampleFlow.map((node) => (node.id === 'avg' ? { ...node, name: 'parse' } : node));
      await post('/api/v1/deploy', { flow: twins, application: 'city' });
      const path = '/api/v1/apps/city/tasks/parse/explain';
      // A node whose id is `parse` wins over nodes of that name.
      assert.equal((await json(get(path))).task, 'parse');
      const same = twins.map((node) =>
        node.id === 'show' || node.id === 'avg' ? { ...node, name: 'x' } : node,
      );
      await post('/api/v1/deploy', { flow: same, application: 'city' });
      const body = await problem(get('/api/v1/apps/city/tasks/x/explain'), 409, 'ECHO_TASK_AMBIGUOUS');
      assert.deepEqual((body.details as Json).tasks, ['avg', 'show']);
    });

    it('stop, start, roll back and go', async () => {
      assert.equal((await json(post('/api/v1/apps/city/stop'))).status, 'stopped');
      assert.equal((await json(post('/api/v1/apps/city/start'))).status, 'running');
      const back = await json(post('/api/v1/apps/city/rollback', { version: 1 }));
      assert.equal(schemas.Deployment.parse(back).application, 'city');
      await problem(post('/api/v1/apps/city/rollback', { version: 9 }), 404, 'ECHO_VERSION_UNKNOWN');
      const gone = await fetch(`${api.url}/api/v1/apps/city`, { method: 'DELETE' });
      assert.equal(gone.status, 204);
      await problem(get('/api/v1/apps/city'), 404, 'ECHO_APP_UNKNOWN');
    });

    it('take what becomes of waiting records where they stop and go', async () => {
      const stop = await post('/api/v1/apps/city/stop?discard&drainMs=100');
      assert.equal(stop.status, 200);
      await problem(post('/api/v1/apps/city/stop?force'), 400, 'ECHO_REQUEST_INVALID');
      const gone = await fetch(`${api.url}/api/v1/apps/city?drain=1`, { method: 'DELETE' });
      assert.equal(gone.status, 204);
      assert.deepEqual(api.service.stood, [
        ['stop', { discard: true, drainMs: 100 }],
        ['remove', { drain: true }],
      ]);
    });

    it('show their streams with what both sides report', async () => {
      const views = (await json(get('/api/v1/streams'))) as unknown as unknown[];
      const view = schemas.StreamView.parse(views[0]);
      assert.equal(view.stream, 'city/parse:0');
      assert.equal(view.producer?.backlog, 3);
      assert.deepEqual(
        view.consumers.map((c) => [c.gateway, c.delivered, c.repeated]),
        [['fog-1', 100, 1]],
      );
      assert.deepEqual([view.producer?.backlogBytes, view.producer?.backlogAgeMs], [480, 1_500]);
      assert.deepEqual([view.consumers[0]?.latencyMs?.p99, view.consumers[0]?.dead], [40, 1]);
    });

    it('show what waits, give it up and pass over it', async () => {
      const path = `/api/v1/streams/${encodeURIComponent('city/parse:0')}`;
      const { records } = schemas.Inspection.parse(await json(get(`${path}/records?limit=1&preview=40`)));
      assert.deepEqual([records.length, records[0]?.body], [1, '{"payload":21.5}']);
      await problem(get(`${path}/records?limit=1000`), 400, 'ECHO_REQUEST_INVALID');
      assert.deepEqual(schemas.Purged.parse(await json(post(`${path}/purge`))).consumers, { 'fog-1': 1 });
      const skipped = await json(post(`${path}/skip`, { consumer: 'fog-1', count: 2 }));
      assert.deepEqual(schemas.Skipped.parse(skipped).seqs, [1, 2]);
      await problem(post(`${path}/skip`, {}), 400, 'ECHO_REQUEST_INVALID');
      await problem(get('/api/v1/streams/nowhere/records'), 404, 'ECHO_STREAM_UNKNOWN');
    });

    it('show, replay and drop what was set aside', async () => {
      const [letter] = (await json(get('/api/v1/dead-letters'))) as unknown as unknown[];
      assert.equal(schemas.DeadLetter.parse(letter).gateway, 'fog-1');
      const path = '/api/v1/gateways/fog-1/dead-letters/1';
      assert.equal(schemas.DeadLetterDetail.parse(await json(get(path))).body, '{"payload":"bad"}');
      assert.deepEqual(await json(post(`${path}/replay`)), { outcome: 'done' });
      await problem(fetch(api.url + path, { method: 'DELETE' }), 404, 'ECHO_DEAD_LETTER_UNKNOWN');
    });

    it('are counted for Prometheus, with their streams', async () => {
      const answer = await get('/metrics');
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
      const text = await answer.text();
      for (const line of [
        'echo_gateways{health="up"} 3',
        'echo_applications{status="running"} 1',
        'echo_stream_appended_total{application="city",stream="city/parse:0",gateway="edge-1"} 100',
        'echo_stream_delivered_total{application="city",stream="city/parse:0",gateway="fog-1"} 100',
        'echo_stream_retransmitted_total{application="city",stream="city/parse:0",gateway="edge-1"} 2',
        'echo_stream_duplicates_total{application="city",stream="city/parse:0",gateway="fog-1"} 2',
        'echo_stream_lost_total{application="city",stream="city/parse:0",gateway="edge-1"} 0',
        'echo_stream_lost_total{application="city",stream="city/parse:0",gateway="fog-1"} 0',
        'echo_stream_retried_total{application="city",stream="city/parse:0",gateway="fog-1"} 1',
        'echo_stream_unfollowed_total{application="city",stream="city/parse:0",gateway="fog-1"} 4',
        'echo_stream_repeated_total{application="city",stream="city/parse:0",gateway="fog-1"} 1',
        'echo_stream_backlog_records{application="city",stream="city/parse:0",gateway="edge-1"} 3',
        'echo_stream_backlog_bytes{application="city",stream="city/parse:0",gateway="edge-1"} 480',
        'echo_stream_backlog_age_seconds{application="city",stream="city/parse:0",gateway="edge-1"} 1.5',
        'echo_stream_rate{application="city",stream="city/parse:0",gateway="edge-1"} 12.5',
        'echo_stream_dead_letters{application="city",stream="city/parse:0",gateway="fog-1"} 1',
        'echo_stream_latency_seconds{application="city",stream="city/parse:0",gateway="fog-1",quantile="0.99"} 0.04',
        'echo_checkpoints{application="city",gateway="fog-1"} 7',
        'echo_checkpoint_bytes{application="city",gateway="fog-1"} 1024',
        'echo_checkpoint_cost_seconds{application="city",gateway="fog-1"} 0.002',
        'echo_checkpoint_waiting_seconds{application="city",gateway="fog-1"} 0.03',
      ]) {
        assert.ok(text.includes(line), `missing: ${line}`);
      }
      assert.match(text, /process_cpu_seconds_total/);
    });
  });

  describe('gateways', () => {
    it('are listed, shown, and unknown ones refused', async () => {
      const list = (await json(get('/api/v1/gateways'))) as unknown as unknown[];
      assert.equal(list.length, 3);
      schemas.GatewayView.parse(list[0]);
      schemas.GatewayDetail.parse(await json(get('/api/v1/gateways/fog-1')));
      await problem(get('/api/v1/gateways/nope'), 404, 'ECHO_GATEWAY_UNKNOWN');
    });

    it('leave, are imported from, and have their buttons pressed', async () => {
      assert.equal((await post('/api/v1/gateways/fog-1/import', { name: 'Own' })).status, 201);
      assert.equal((await post('/api/v1/gateways/fog-1/import')).status, 201);
      assert.equal((await post('/api/v1/inject/src')).status, 204);
      assert.deepEqual(api.service.pressed, [['src', {}]]);
      assert.equal((await fetch(`${api.url}/api/v1/gateways/fog-1`, { method: 'DELETE' })).status, 204);
      await problem(get('/api/v1/gateways/fog-1'), 404, 'ECHO_GATEWAY_UNKNOWN');
    });

    it('enrol with a token that was made for them, and with no other', async () => {
      const { token } = schemas.EnrolToken.parse(await json(post('/api/v1/tokens', { name: 'shop-1' })));
      const facts = {
        tier: 'edge',
        adminUrl: 'http://127.0.0.1:1880',
        nodeRedVersion: '5.0.7',
        nodeVersion: '24.0.0',
        agentVersion: '0.1.0',
        arch: 'x64',
        platform: 'linux',
        cpuCores: 2,
        memTotalMB: 100,
        nodeTypes: ['inject'],
        apiMaxBytes: 5_000_000,
      };
      const reply = await json(post('/api/v1/enrol', { v: 1, token, name: 'shop-1', facts }));
      assert.equal(schemas.EnrolReply.parse(reply).gateway, 'shop-1');
      await problem(post('/api/v1/enrol', { v: 1, token: 'x', facts }), 401, 'ECHO_TOKEN_INVALID');
      const bad = await problem(
        post('/api/v1/enrol', { v: 1, token, facts: { ...facts, tier: 'sky' } }),
        400,
        'ECHO_REQUEST_INVALID',
      );
      assert.equal(bad.where, 'body/facts/tier');
    });
  });

  describe("ECHO's own /DAG", () => {
    it('takes a Node-RED flow, shows it and stops it', async () => {
      const answer = await post('/DAG', { flow: exampleFlow, name: 'City' });
      assert.equal(answer.status, 201);
      const dataflow = schemas.Dataflow.parse(await answer.json());
      assert.deepEqual(dataflow.deviceMapping, {
        src: 'edge-1',
        parse: 'edge-1',
        avg: 'fog-1',
        show: 'cloud-1',
      });
      assert.equal(api.service.asked[0]?.origin, 'dag');
      const { uuid } = dataflow;
      assert.equal(schemas.Dataflow.parse(await json(get(`/DAG?uuid=${uuid}`))).status, 'running');
      assert.equal(schemas.Dataflow.parse(await json(post(`/DAG/stop?uuid=${uuid}`))).status, 'stopped');
      await problem(post(`/DAG/rebalance?uuid=${uuid}`), 501, 'ECHO_REBALANCE_UNAVAILABLE');
      await problem(get('/DAG?uuid=nope'), 404, 'ECHO_APP_UNKNOWN');
      const { detail } = await problem(get('/DAG'), 400, 'ECHO_REQUEST_INVALID');
      assert.equal(detail, 'query/uuid: is missing');
      await problem(get('/DAG'), 400, 'ECHO_REQUEST_INVALID');
    });

    it("says what to send instead of the original ECHO's dataflow", async () => {
      const original = { processors: [{ name: 'GetFile' }], wiring: [] };
      for (const [path, body] of [
        ['/DAG', original],
        ['/api/v1/deploy', { flow: original }],
      ] as const) {
        const refusal = await problem(post(path, body), 422, 'ECHO_DAG_UNSUPPORTED');
        assert.match(String(refusal.remedy), /Node-RED/);
      }
    });
  });

  describe('events', () => {
    it('carry gateways, heartbeats, progress and applications as they happen', async () => {
      const answer = await get('/api/v1/events');
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      const until = async (mark: string) => {
        while (!text.includes(mark)) {
          const { value, done } = await reader.read();
          if (done) throw new Error(`ended before ${mark}: ${text}`);
          text += value;
        }
      };
      await until('retry:');
      api.service.say('gateway', 'edge-1', 'down');
      api.service.say('heartbeat', 'fog-1', heartbeat('fog-1', 1, 5));
      await until('event: heartbeat');
      await post('/api/v1/deploy', exampleFlow);
      await until('event: deployed');
      assert.match(text, /event: gateway\ndata: {"gateway":"edge-1","change":"down"}/);
      assert.match(text, /event: progress/);
      assert.match(text, /event: application/);
      await reader.cancel();
    });
  });

  it('answers HEAD of an event stream without opening one', async () => {
    const answer = await fetch(`${api.url}/api/v1/events`, { method: 'HEAD' });
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  });

  describe('bad requests', () => {
    it('that are not JSON are refused with line and column', async () => {
      for (const [body, line, column] of [
        ['{"a":1,\n  }', 2, 3],
        ['[{"id":"x"},\n oops]', 2, 2],
        ['[1,2', 1, 5],
        ['{"a":tru}', 1, 9],
        ['rubbish', 1, 1],
      ] as const) {
        const refusal = await problem(post('/api/v1/plan', body), 400, 'ECHO_BODY_NOT_JSON');
        assert.deepEqual(refusal.details, { line, column }, body);
      }
    });

    it('never quote the body back: it may hold a secret', async () => {
      const refusal = await problem(post('/api/v1/plan', '{"password": hunter2}'), 400, 'ECHO_BODY_NOT_JSON');
      assert.doesNotMatch(JSON.stringify(refusal), /hunter2/);
    });

    it('without the body they need are refused', () =>
      problem(post('/api/v1/plan'), 400, 'ECHO_BODY_MISSING'));

    it('to addresses and methods that are not there are told so', async () => {
      await problem(get('/api/v1/nothing'), 404, 'ECHO_ROUTE_UNKNOWN');
      await problem(get('/api/v1/operations/none'), 404, 'ECHO_OPERATION_UNKNOWN');
      await problem(get('/api/v1/errors/NONE'), 404, 'ECHO_ERROR_UNKNOWN');
      const answer = await fetch(`${api.url}/api/v1/apps`, { method: 'PUT' });
      assert.equal(answer.headers.get('allow'), 'GET, HEAD');
      await problem(answer, 405, 'ECHO_METHOD_NOT_ALLOWED');
      await problem(get('/api/v1/apps/%E0%A4%A'), 400, 'ECHO_REQUEST_INVALID');
    });

    it('that hit a defect answer an id that the log knows, and no inside', async () => {
      api.service.failWith(new TypeError('secret inside'));
      const refusal = await problem(post('/api/v1/plan', exampleFlow), 500, 'ECHO_INTERNAL');
      assert.doesNotMatch(JSON.stringify(refusal), /secret inside|at .*\.ts/);
      const { id } = refusal.details as { id: string };
      assert.ok(api.logged.some((line) => line.includes(id) && line.includes('secret inside')));
    });
  });

  describe('on loopback', () => {
    it('serves localhost by each of its names, and no other host', async () => {
      const { port } = new URL(api.url);
      for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`]) {
        assert.equal((await rawRequest(`${api.url}/api/v1/apps`, { host })).status, 200, host);
      }
      const answer = await rawRequest(`${api.url}/api/v1/apps`, { host: `rebound.example:${port}` });
      assert.equal(answer.status, 403);
      assert.match(answer.body, /ECHO_HOST_REFUSED/);
    });

    it('refuses pages of other sites, and serves its own', async () => {
      for (const origin of ['https://example.com', 'null', 'http://127.0.0.1:1']) {
        await problem(post('/api/v1/plan', exampleFlow, { Origin: origin }), 403, 'ECHO_ORIGIN_REFUSED');
      }
      assert.equal((await post('/api/v1/plan', exampleFlow, { Origin: api.url })).status, 200);
    });
  });
});

describe('REST API with a key', () => {
  const apiKey = 'a-key-of-sixteen-or-more';
  let api: ServedApi;
  before(async () => {
    const handler: RequestHandler = (_, res) => {
      res.end('served');
    };
    api = await serveApi({
      settings: { host: '127.0.0.1', apiKey },
      mounts: [
        { path: '/locked', handler },
        { path: '/own-login', handler, open: true },
      ],
    });
  });
  after(() => api.close());
  const status = async (path: string, headers: Record<string, string>) =>
    (await fetch(api.url + path, { headers })).status;

  it('serves nothing without it but health and enrolment', async () => {
    for (const path of [
      '/',
      '/api/v1/apps',
      '/metrics',
      '/api/v1/openapi.json',
      '/api/v1/events',
      '/nothing',
    ]) {
      assert.equal(await status(path, {}), 401, path);
    }
    assert.equal(await status('/api/v1/health', {}), 200);
    const enrol = await fetch(`${api.url}/api/v1/enrol`, { method: 'POST', body: '{}' });
    assert.equal(((await enrol.json()) as Json).code, 'ECHO_REQUEST_INVALID');
  });

  it('takes it as bearer, as header, as password of a browser and as name of a Hypercat client', async () => {
    const basic = (text: string) => Buffer.from(text).toString('base64');
    for (const headers of [
      { Authorization: `Bearer ${apiKey}` },
      { 'X-API-Key': apiKey },
      { Authorization: `Basic ${basic(`me:${apiKey}`)}` },
      { Authorization: `Basic ${basic(`${apiKey}:`)}` },
    ]) {
      assert.equal(await status('/api/v1/apps', headers as Record<string, string>), 200);
    }
    assert.equal(await status('/api/v1/apps', { Authorization: 'Bearer wrong' }), 401);
  });

  it('guards what is mounted beside it, except what has a login of its own', async () => {
    assert.equal(await status('/locked/x', {}), 401);
    assert.equal(await status('/own-login/x', { Authorization: 'Bearer a session of its own' }), 200);
    assert.equal(await status('/own-login/x', { Origin: 'https://example.com' }), 403);
  });

  it('asks a browser for it', async () => {
    const answer = await fetch(api.url, { headers: { Accept: 'text/html' } });
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic /);
  });
});
