import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HypercatClient } from '../../src/registry/client.ts';
import { isEchoError } from '../../src/wire/errors.ts';
import { disposables } from '../kit/cleanup.ts';
import { item, serve } from './fixtures.ts';

describe('Hypercat client', () => {
  const kit = disposables();

  it('puts, gets, searches, renames and removes items of our own server', async () => {
    const { url } = await serve(kit, { key: 'a-key' });
    const client = new HypercatClient({ url, key: 'a-key' });
    assert.equal(await client.put(item('/a', ['x', '1'])), true);
    assert.equal(await client.put(item('/a', ['x', '2'])), false);
    assert.deepEqual(await client.get('/a'), item('/a', ['x', '2']));
    await client.replace('/a', item('/b'));
    assert.equal(await client.get('/a'), undefined);
    assert.equal((await client.search({ 'prefix-href': '/' })).items.length, 1);
    await client.remove('/b');
    assert.deepEqual((await client.search()).items, []);
  });

  it('says what went wrong: no server, wrong key, unknown item, not a catalogue', async () => {
    const { url } = await serve(kit, { key: 'a-key' });
    const gone = new HypercatClient({ url: 'http://127.0.0.1:1/cat' });
    await assert.rejects(gone.search(), (e) => isEchoError(e, 'ECHO_CATALOGUE_UNREACHABLE'));
    const stranger = new HypercatClient({ url });
    await assert.rejects(stranger.search(), (e) => isEchoError(e, 'ECHO_CATALOGUE_KEY_WRONG'));
    const client = new HypercatClient({ url, key: 'a-key' });
    await assert.rejects(client.remove('/none'), (e) => isEchoError(e, 'ECHO_CATALOGUE_ITEM_UNKNOWN'));
    const server = createServer((_req, res) => res.end('<html>')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    kit.add(server, () => server.close());
    const other = new HypercatClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
    await assert.rejects(other.search(), (e) => isEchoError(e, 'ECHO_CATALOGUE_INVALID'));
  });
});
