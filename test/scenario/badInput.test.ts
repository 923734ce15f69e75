import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import type { RawNode } from '../../src/flow/types.ts';
import { encodeAck, encodeData } from '../../src/wire/frames.ts';
import { topics } from '../../src/wire/topics.ts';
import { CITY, exampleFlow, fedByHttp, feed, readTap, tapped } from '../kit/city.ts';
import { disposables } from '../kit/cleanup.ts';
import { type Echo, MIXED, startEcho } from '../kit/echo.ts';
import { account } from '../kit/pace.ts';
import { seededRows } from '../kit/senml.ts';
import { waitFor } from '../kit/wait.ts';

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
  readonly where?: string;
}

const inject = (id: string, wires: string[][], more: object = {}): RawNode => ({
  ...{ id, type: 'inject', z: 't', name: id, x: 1, y: 1, props: [], repeat: '', once: false, wires },
  ...more,
});
const tab: RawNode = { id: 't', type: 'tab', label: 'Bad', disabled: false, info: '' };

const FACTS = {
  ...{ tier: 'edge', adminUrl: 'http://127.0.0.1:1', nodeRedVersion: '5.0.7', nodeVersion: '24.0.0' },
  ...{ agentVersion: '1', arch: 'x64', platform: 'linux', cpuCores: 1, memTotalMB: 1, nodeTypes: [] },
  apiMaxBytes: 1_000_000,
};

describe('bad input to a running fleet', function () {
  this.timeout(120_000);
  const kit = disposables();
  let echo: Echo;
  let tap: string;
  let fed = 0;

  /** The fleet still does its work: more rows go in, and come out once and in order. */
  const stillCarries = async () => {
    const rows = seededRows(100, 1, fed + 1);
    await waitFor(() => feed(echo.gateway('edge-1').url, rows, { first: fed + 1 }).then(() => true), {
      what: 'the feed to be taken',
    });
    fed += rows.length;
    await waitFor(() => readTap(tap).length >= fed, { what: `${fed} rows`, timeout: 20_000 });
    const out = readTap(tap).map(({ row }) => row);
    assert.deepEqual(account(out, fed), { lost: 0, repeated: 0, reordered: 0 });
  };
  const post = async (path: string, body: unknown): Promise<Problem> => {
    const response = await fetch(`${echo.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const problem = (await response.json()) as Problem;
    assert.equal(response.headers.get('content-type')?.split(';')[0], 'application/problem+json');
    assert.equal(problem.status, response.status);
    assert.ok(
      problem.title && problem.detail && problem.remedy,
      `says what and what to do: ${JSON.stringify(problem)}`,
    );
    return problem;
  };

  before(async () => {
    echo = await startEcho(kit, { broker: 'mosquitto' });
    tap = join(kit.folder(), 'annotated.jsonl');
    await echo.service.deploy({
      flow: tapped(fedByHttp(exampleFlow('city-etl')), CITY.annotate, tap),
      name: 'City',
    });
    await stillCarries();
  });

  const big = 'x'.repeat(6 * 1024 * 1024);
  const cases: [what: string, body: unknown, code: string, detail: RegExp][] = [
    ['not JSON', '[{"id": "a",]', 'ECHO_BODY_NOT_JSON', /line 1/],
    ['not a flow', { hello: 1 }, 'ECHO_FLOW_NOT_A_FLOW', /object/],
    ['an array that is not a flow', ['a', 1], 'ECHO_FLOW_BAD_NODE', /./],
    ['duplicate ids', [tab, inject('a', []), inject('a', [])], 'ECHO_FLOW_DUPLICATE_ID', /a/],
    ['a wire to nowhere', [tab, inject('a', [['gone']])], 'ECHO_FLOW_DANGLING_WIRE', /gone/],
    [
      'a node type nobody has',
      [tab, inject('a', [], { type: 'flux capacitor' })],
      'ECHO_NODE_TYPE_UNKNOWN',
      /flux capacitor/,
    ],
    [
      'a placement nobody satisfies',
      [tab, inject('a', [], { echo: { tier: 'edge', requires: ['camera'] } })],
      'ECHO_PLACEMENT_UNSATISFIABLE',
      /edge-1.*camera/s,
    ],
    ['a fragment over the body limit', [tab, inject('a', [], { payload: big })], 'ECHO_FLOWS_TOO_LARGE', /5/],
  ];
  for (const [what, body, code, detail] of cases) {
    it(`is refused with its own code: ${what}`, async () => {
      const problem = await post('/api/v1/deploy', Array.isArray(body) ? { flow: body, name: 'Bad' } : body);
      assert.equal(problem.code, code, problem.detail);
      assert.match(`${problem.detail} ${problem.where ?? ''}`, detail);
      assert.deepEqual(
        echo.service.applications().map(({ name }) => name),
        ['City'],
        'nothing half-done',
      );
    });
  }

  it('is refused with its own code: a wrong token', async () => {
    const request = { v: 1, token: 'echo_guess', name: 'edge-9', facts: FACTS };
    const problem = await post('/api/v1/enrol', request);
    assert.deepEqual([problem.code, problem.status], ['ECHO_TOKEN_INVALID', 401]);
  });

  it('is refused with its own code: a stale revision', async () => {
    const [city] = echo.service.applications();
    const { flow } = echo.service.application(city!.id);
    const problem = await post('/api/v1/deploy', { flow, application: city!.id, options: { ifVersion: 99 } });
    assert.deepEqual([problem.code, problem.status], ['ECHO_VERSION_STALE', 409]);
  });

  it('is refused with its own code: an unknown application', async () => {
    const problem = await post('/api/v1/apps/nobody/stop', {});
    assert.deepEqual([problem.code, problem.status], ['ECHO_APP_UNKNOWN', 404]);
  });

  it('10 MB of rubbish at every endpoint of a gateway fleet changes nothing', async () => {
    const { paths } = (await (await fetch(`${echo.url}/api/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const rubbish = randomBytes(10 * 1024 * 1024);
    const endpoints = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path.replace(/{\w+}/g, 'x')] as const),
    );
    for (const [method, path] of [...endpoints, ['POST', '/cat'] as const, ['PUT', '/cat?href=x'] as const]) {
      const status = await send(method, echo.url + path, rubbish);
      assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`);
    }
    await stillCarries();
  });

  it('malformed packets on every MQTT topic change nothing', async () => {
    const mqtt = await connectAsync(echo.broker!.url);
    kit.add(mqtt, () => mqtt.endAsync(true));
    const names = [...MIXED.map(({ name }) => name), 'nobody', '$SYS', '..'];
    const all = names.flatMap((a) => [
      ...[topics.up(a), topics.down(a), topics.status(a)],
      ...names.flatMap((b) => [topics.data(a, b), topics.ack(a, b)]),
    ]);
    const cut = (frame: Buffer) => frame.subarray(0, Math.floor(frame.length / 2));
    const packets = [
      Buffer.alloc(0),
      Buffer.from([0]),
      randomBytes(64),
      randomBytes(300_000),
      Buffer.from('{'),
      Buffer.from('null'),
      Buffer.from('{"v":1,"type":"hello"}'),
      Buffer.from('{"v":99,"type":"heartbeat","boot":{"disk":"x","count":1e9}}'),
      Buffer.from('{"v":1,"type":"request","id":"1","request":{"method":"rm -rf","params":{}}}'),
      Buffer.from(`{"__proto__":{"polluted":true},"a":${'['.repeat(2000)}${']'.repeat(2000)}}`),
      ...sampleFrames().flatMap((frame) => [cut(frame), flipped(frame)]),
    ];
    for (const topic of all.filter((name) => !name.includes('$'))) {
      for (const packet of packets) await mqtt.publishAsync(topic, packet, { qos: 0 });
    }
    await stillCarries();
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    await waitFor(() => echo.service.gateways().every(({ health }) => health === 'up'), {
      what: 'every gateway to be up',
    });
    await stillCarries();
  });
});

function send(method: string, url: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers: { 'content-length': body.length } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    req.once('error', reject).end(body);
  });
}

/** Sound frames of a stream nobody has, to be cut and bent. */
function sampleFrames(): Buffer[] {
  const of = { stream: 'a/b:0', boot: { disk: 'rubbish', count: 1 }, incarnation: { pe: 1, born: 1 } };
  return [
    encodeAck({ ...of, consumer: 'fog-1', ce: 0, received: 9, done: 9, stable: 9, credit: 99, want: 0 }),
    encodeData({ ...of, start: 1, base: 1, redeliveredTo: 0, first: 1, unlogged: false }, []),
  ];
}

function flipped(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  for (let i = 3; i < copy.length; i += 5) copy[i] = copy[i]! ^ 0xff;
  return copy;
}
