import assert from 'node:assert/strict';
import { allValues, CATALOGUE_TYPE, type Catalogue, firstValue, rels } from '../../src/registry/types.ts';
import { disposables } from '../kit/cleanup.ts';
import { item, serve } from './fixtures.ts';

const json = { 'content-type': 'application/json' };
const body = (value: unknown, headers: Record<string, string> = json) => ({
  headers,
  body: typeof value === 'string' ? value : JSON.stringify(value),
});

describe('/cat', () => {
  const kit = disposables();
  let url: string;
  beforeEach(async () => {
    ({ url } = await serve(kit, { readOnly: (href) => href.startsWith('/gateway/') }));
  });

  const call = (method: string, query = '', init: RequestInit = {}) =>
    fetch(url + query, { ...init, method });
  const hrefs = async (query = ''): Promise<string[]> => {
    const answer = await call('GET', query);
    assert.equal(answer.status, 200);
    return ((await answer.json()) as Catalogue).items.map(({ href }) => href);
  };
  const refused = async (answer: Response, status: number, code: string): Promise<void> => {
    assert.equal(answer.status, status);
    assert.match(answer.headers.get('content-type') ?? '', /application\/problem\+json/);
    const problem = (await answer.json()) as { code: string; detail: string; remedy: string };
    assert.equal(problem.code, code);
    assert.ok(problem.detail.length > 0 && problem.remedy.length > 0);
  };

  it('answers an empty catalogue with its mandatory rels and an empty list', async () => {
    const answer = await call('GET');
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    const catalogue = (await answer.json()) as Catalogue;
    assert.deepEqual(catalogue.items, []);
    const metadata = catalogue['catalogue-metadata'];
    assert.equal(firstValue(metadata, rels.contentType), CATALOGUE_TYPE);
    assert.ok(firstValue(metadata, rels.description));
    assert.deepEqual(allValues(metadata, rels.supportsSearch), [
      'urn:X-hypercat:search:simple',
      'urn:X-hypercat:search:prefix',
    ]);
  });

  it('uses the vendor type only when it is asked for', async () => {
    const asked = await call('GET', '', { headers: { accept: CATALOGUE_TYPE } });
    assert.ok(asked.headers.get('content-type')?.startsWith(CATALOGUE_TYPE));
    const any = await call('GET', '', { headers: { accept: '*/*' } });
    assert.match(any.headers.get('content-type') ?? '', /^application\/json/);
  });

  it('POST ?href= makes an item (201, Location), then replaces it (200)', async () => {
    const first = await call('POST', '?href=/a%20b', body(item('/a b')));
    assert.equal(first.status, 201);
    assert.equal(first.headers.get('location'), '/cat?href=%2Fa%20b');
    const second = await call('POST', '?href=/a%20b', body(item('/a b', ['x', 'y'])));
    assert.equal(second.status, 200);
    assert.deepEqual(await hrefs('?val=y'), ['/a b']);
  });

  it('POST ?href= takes the href from the query when the body has none', async () => {
    const { 'item-metadata': metadata } = item('/a');
    assert.equal((await call('POST', '?href=/a', body({ 'item-metadata': metadata }))).status, 201);
    assert.deepEqual(await hrefs(), ['/a']);
  });

  it('POST ?href= with another href in the body is refused', async () => {
    await refused(await call('POST', '?href=/a', body(item('/b'))), 400, 'ECHO_CATALOGUE_HREF_MISMATCH');
  });

  it('POST without href adds; the same href again is refused', async () => {
    assert.equal((await call('POST', '', body(item('/a')))).status, 200);
    await refused(await call('POST', '', body(item('/a'))), 400, 'ECHO_CATALOGUE_HREF_TAKEN');
  });

  it('PUT replaces; unknown, taken and missing hrefs are refused', async () => {
    await call('POST', '', body(item('/a')));
    await call('POST', '', body(item('/b')));
    assert.equal((await call('PUT', '?href=/a', body(item('/a', ['x', 'new'])))).status, 200);
    assert.deepEqual(await hrefs('?val=new'), ['/a']);
    await refused(await call('PUT', '?href=/x', body(item('/x'))), 404, 'ECHO_CATALOGUE_ITEM_UNKNOWN');
    await refused(await call('PUT', '?href=/a', body(item('/b'))), 400, 'ECHO_CATALOGUE_HREF_TAKEN');
    await refused(await call('PUT', '', body(item('/a'))), 400, 'ECHO_CATALOGUE_HREF_REQUIRED');
    await refused(await call('PUT', '?href=', body(item('/a'))), 400, 'ECHO_CATALOGUE_HREF_REQUIRED');
  });

  it('PUT renames', async () => {
    await call('POST', '', body(item('/a')));
    const answer = await call('PUT', '?href=/a', body(item('/c')));
    assert.equal(answer.headers.get('location'), '/cat?href=%2Fc');
    assert.deepEqual(await hrefs(), ['/c']);
  });

  it('DELETE removes one item, and never everything', async () => {
    await call('POST', '', body(item('/a')));
    await call('POST', '', body(item('/b')));
    assert.equal((await call('DELETE', '?href=/a')).status, 200);
    await refused(await call('DELETE', '?href=/a'), 404, 'ECHO_CATALOGUE_ITEM_UNKNOWN');
    await refused(await call('DELETE'), 400, 'ECHO_CATALOGUE_HREF_REQUIRED');
    assert.deepEqual(await hrefs(), ['/b']);
  });

  it("takes items ECHO's way, as text/plain, and finds them by prefix", async () => {
    const plain = body(item('/device/cpu/x'), { 'content-type': 'text/plain' });
    assert.ok((await call('POST', '?href=/device/cpu/x', plain)).ok);
    assert.deepEqual(await hrefs('?prefix-href=/device/cpu'), ['/device/cpu/x']);
  });

  it('keeps its hands off the items of ECHO itself', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const init = method === 'DELETE' ? {} : body(item('/gateway/x'));
      await refused(await call(method, '?href=/gateway/x', init), 403, 'ECHO_CATALOGUE_READ_ONLY');
    }
    await call('POST', '', body(item('/a')));
    await refused(await call('PUT', '?href=/a', body(item('/gateway/x'))), 403, 'ECHO_CATALOGUE_READ_ONLY');
  });

  it('refuses what is not JSON, or not an item, with a reason', async () => {
    await refused(await call('POST', '', body('{"href":')), 400, 'ECHO_CATALOGUE_NOT_JSON');
    await refused(await call('POST', '', { headers: json }), 400, 'ECHO_CATALOGUE_NOT_JSON');
    await refused(await call('POST', '', body('null')), 400, 'ECHO_CATALOGUE_ITEM_INVALID');
    await refused(await call('POST', '', body({ href: '/a' })), 400, 'ECHO_CATALOGUE_ITEM_INVALID');
    await refused(await call('POST', '?href=', body(item('/a'))), 400, 'ECHO_CATALOGUE_HREF_REQUIRED');
    const odd = body('x', { 'content-type': 'text/plain; charset=klingon' });
    await refused(await call('POST', '', odd), 400, 'ECHO_CATALOGUE_NOT_JSON');
  });

  it('refuses 10 MB of rubbish on every method and lives on', async () => {
    const rubbish = Buffer.alloc(10 * 1024 * 1024, 'x');
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await call(method, '?href=/a', { headers: json, body: rubbish });
      await refused(answer, 413, 'ECHO_CATALOGUE_BODY_TOO_LARGE');
    }
    assert.deepEqual(await hrefs(), []);
  });

  it('survives queries of any kind', async () => {
    for (const query of [
      '?href[]=x',
      '?__proto__=1',
      '?rel=%FF%FE',
      '?href=a&href=b',
      `?val=${'x'.repeat(7000)}`,
    ])
      assert.equal((await call('GET', query)).status, 200);
  });

  it('with a key set, answers only who has it: Basic user name, x-api-key or bearer', async () => {
    const { url: guarded } = await serve(kit, { key: 'key-of-this-catalogue' });
    const ask = (headers: Record<string, string>) => fetch(guarded, { headers });
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    for (const wrong of [{}, basic('wrong:'), { 'x-api-key': 'wrong' }, { authorization: 'Basic' }]) {
      const answer = await ask(wrong as Record<string, string>);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic/);
      await refused(answer, 401, 'ECHO_CATALOGUE_KEY_WRONG');
    }
    assert.equal((await ask(basic('key-of-this-catalogue:'))).status, 200);
    assert.equal((await ask({ 'x-api-key': 'key-of-this-catalogue' })).status, 200);
    assert.equal((await ask({ authorization: 'Bearer key-of-this-catalogue' })).status, 200);
  });
});
