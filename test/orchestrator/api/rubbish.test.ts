import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { type ServedApi, serveApi } from './serveApi.ts';

interface Document {
  paths: Record<string, Record<string, unknown>>;
}

/** `fetch` sends no body with GET; rubbish does. */
function send(method: string, url: string, body: Buffer): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Length': body.length };
    const req = request(url, { method, headers }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    req.on('error', reject).end(body);
  });
}

describe('10 MB of rubbish', function () {
  this.timeout(60_000);
  let api: ServedApi;
  before(async () => {
    api = await serveApi();
  });
  after(() => api.close());

  it('at every endpoint is refused with 413, and all live on', async () => {
    const rubbish = randomBytes(10 * 1024 * 1024);
    const { paths } = (await (await fetch(`${api.url}/api/v1/openapi.json`)).json()) as Document;
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods)) {
        const answer = await send(method.toUpperCase(), api.url + path.replace(/{\w+}/g, 'x'), rubbish);
        assert.equal(answer.status, 413, `${method} ${path}`);
        assert.match(answer.body, /ECHO_BODY_TOO_LARGE/);
      }
    }
    const page = await fetch(api.url, { method: 'POST', body: rubbish });
    assert.equal(page.status, 413);
    assert.equal((await fetch(`${api.url}/api/v1/health`)).status, 200);
  });

  it('under the limit is refused as not being JSON', async () => {
    for (const path of ['/api/v1/plan', '/api/v1/deploy', '/DAG', '/api/v1/enrol', '/api/v1/tokens']) {
      const answer = await fetch(api.url + path, { method: 'POST', body: randomBytes(7 * 1024 * 1024) });
      assert.equal(answer.status, 400, path);
      assert.equal(((await answer.json()) as { code: string }).code, 'ECHO_BODY_NOT_JSON');
    }
  });

  it('in a compressed body is refused by its real size', async () => {
    const { gzipSync } = await import('node:zlib');
    const body = gzipSync(Buffer.alloc(64 * 1024 * 1024, '['));
    const answer = await fetch(`${api.url}/api/v1/plan`, {
      method: 'POST',
      body,
      headers: { 'Content-Encoding': 'gzip' },
    });
    assert.equal(answer.status, 413);
  });

  it('with a mistake at the very end of 7 MB of JSON is still placed, in bounded time', async () => {
    const started = performance.now();
    const answer = await fetch(`${api.url}/api/v1/plan`, {
      method: 'POST',
      body: `[${'1,'.repeat(3_500_000)}}`,
    });
    assert.equal(answer.status, 400);
    assert.deepEqual(((await answer.json()) as { details: unknown }).details, { line: 1, column: 7_000_002 });
    assert.ok(performance.now() - started < 15_000);
  });
});
