import assert from 'node:assert/strict';
import { pino } from 'pino';
import { createApi } from '../../../src/orchestrator/api/createApi.ts';
import { openApiPath } from '../../../src/orchestrator/api/openapi.ts';
import { memoryService } from './memoryService.ts';
import { type ServedApi, serveApi } from './serveApi.ts';

interface Operation {
  operationId: string;
  summary: string;
  parameters: { name: string; in: string; required: boolean }[];
  responses: Record<string, unknown>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
}
interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

describe('OpenAPI document', () => {
  let api: ServedApi;
  let document: Document;
  before(async () => {
    api = await serveApi();
    document = (await (await fetch(`${api.url}/api/v1/openapi.json`)).json()) as Document;
  });
  after(() => api.close());

  it('holds every route that express serves, and no other', () => {
    const app = createApi({
      service: memoryService(),
      settings: { host: '127.0.0.1' },
      log: pino({ level: 'silent' }),
    });
    const served = (app.router as unknown as { stack: Layer[] }).stack.flatMap(({ route }) =>
      route === undefined
        ? []
        : Object.keys(route.methods)
            .filter((method) => method !== '_all')
            .map((method) => `${method} ${openApiPath(route.path)}`),
    );
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    assert.ok(served.length > 25);
    assert.deepEqual(documented.sort(), served.sort());
  });

  it('names each operation once and each parameter of its path', () => {
    const ids = new Set<string>();
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const operation of Object.values(methods)) {
        assert.ok(!ids.has(operation.operationId), operation.operationId);
        ids.add(operation.operationId);
        const inPath = operation.parameters.filter((p) => p.in === 'path').map((p) => `{${p.name}}`);
        assert.deepEqual(inPath, path.match(/{\w+}/g) ?? [], path);
      }
    }
  });

  it('refers only to what it holds', () => {
    assert.equal(document.openapi, '3.1.0');
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)];
    assert.ok(refs.length > 30);
    for (const [, kind = '', name = ''] of refs)
      assert.ok(document.components[kind]?.[name], `${kind}/${name}`);
    assert.equal(refs.length, [...JSON.stringify(document).matchAll(/"\$ref"/g)].length);
  });
});
