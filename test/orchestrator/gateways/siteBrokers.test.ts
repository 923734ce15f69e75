import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Brokers, type BrokersOptions } from '../../../src/orchestrator/gateways/brokers.ts';
import type { GatewayFacts } from '../../../src/wire/control.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function brokers(options: Partial<BrokersOptions> = {}): Brokers {
  return new Brokers({
    shared: { embedded: 'mqtt://orchestrator:1899' },
    sites: {},
    derive: (purpose) => `derived ${purpose}`,
    ...options,
  });
}

function join(
  map: Brokers,
  id: string,
  facts: Partial<GatewayFacts> = {},
  secretHash = `hash of ${id}`,
): void {
  map.note({ id, facts: facts as GatewayFacts, secretHash });
}

describe('what a gateway is granted of brokers', () => {
  it('is the shared broker, with its own name and secret on the embedded one', () => {
    const map = brokers();
    join(map, 'edge-1');
    const { brokers: shared, site, members } = map.grant('edge-1', 'secret');
    assert.deepEqual(shared, [{ url: 'mqtt://orchestrator:1899', username: 'edge-1', password: 'secret' }]);
    assert.deepEqual([site, members], [undefined, undefined]);
  });

  it('is every node of a cluster, with the same credentials', () => {
    const map = brokers({ shared: { url: ['mqtt://a', 'mqtt://b'], username: 'u', password: 'p' } });
    join(map, 'edge-1');
    const access = { username: 'u', password: 'p' };
    assert.deepEqual(map.grant('edge-1', 's').brokers, [
      { url: 'mqtt://a', ...access },
      { url: 'mqtt://b', ...access },
    ]);
  });

  it('is the broker a gateway of its site offers, which lets in exactly the gateways of the site', () => {
    const map = brokers();
    join(map, 'fog-1', { site: 'hall', siteBroker: 'mqtt://fog:1890' });
    join(map, 'edge-1', { site: 'hall' });
    join(map, 'edge-2', { site: 'yard' });
    const { site } = map.grant('edge-1', 's');
    assert.equal(site?.brokers[0]?.url, 'mqtt://fog:1890');
    assert.deepEqual(Object.keys(map.grant('fog-1', 's').members ?? {}), ['edge-1', 'fog-1']);
    assert.equal(map.grant('fog-1', 's').members?.['edge-1'], sha256(site?.brokers[0]?.password ?? ''));
    assert.equal(map.grant('edge-1', 's').members, undefined);
    assert.equal(map.grant('edge-2', 's').site, undefined);
  });

  it('is one broker a site: the declared one, else that of the first gateway by name', () => {
    const offers = (map: Brokers) => {
      for (const id of ['fog-2', 'fog-1']) join(map, id, { site: 'hall', siteBroker: `mqtt://${id}` });
      return map.grant('fog-2', 's').site?.brokers.map(({ url }) => url);
    };
    assert.deepEqual(offers(brokers()), ['mqtt://fog-1']);
    assert.deepEqual(offers(brokers({ sites: { hall: { broker: { url: ['mqtt://own'] } } } })), [
      'mqtt://own',
    ]);
  });

  it('leaves out gateways the settings do not name for the broker of the site', () => {
    const map = brokers({ sites: { hall: { broker: { url: ['mqtt://own'] }, gateways: ['edge-1'] } } });
    for (const id of ['edge-1', 'edge-2']) join(map, id, { site: 'hall' });
    assert.ok(map.grant('edge-1', 's').site);
    assert.equal(map.grant('edge-2', 's').site, undefined);
  });

  it('ends with the secret: a gateway let in anew has another password at the site', () => {
    const map = brokers();
    join(map, 'fog-1', { site: 'hall', siteBroker: 'mqtt://fog' });
    join(map, 'edge-1', { site: 'hall' });
    const before = map.grant('edge-1', 's').site?.brokers[0]?.password;
    join(map, 'edge-1', { site: 'hall' }, 'another hash');
    assert.notEqual(map.grant('edge-1', 's').site?.brokers[0]?.password, before);
  });

  it('has a name that changes with it, for those concerned alone', () => {
    const map = brokers();
    join(map, 'fog-1', { site: 'hall', siteBroker: 'mqtt://fog' });
    join(map, 'edge-2', { site: 'yard' });
    const names = () => ['fog-1', 'edge-2'].map((id) => map.grantName(id));
    const before = names();
    assert.deepEqual(names(), before);
    join(map, 'edge-1', { site: 'hall' });
    const after = names();
    assert.notEqual(after[0], before[0]);
    assert.equal(after[1], before[1]);
    map.forget('edge-1');
    assert.deepEqual(names(), before);
  });
});

describe('the reachability map', () => {
  it('shows each broker, who is meant to reach it and who does, and no password', () => {
    const map = brokers({
      shared: { url: ['mqtt://u:word@a:1883'] },
      sites: { hall: { broker: { url: ['mqtt://own'] }, gateways: ['edge-1', 'edge-3'] } },
    });
    for (const id of ['edge-1', 'edge-2', 'edge-3']) join(map, id, { site: 'hall' });
    const views = map.views((id) =>
      id === 'edge-3'
        ? undefined
        : [
            { role: 'shared', url: 'mqtt://a:1883', reachable: true },
            { role: 'site', url: 'mqtt://own', reachable: false },
          ],
    );
    assert.deepEqual(
      views.map(({ name, urls, from }) => [name, urls, from]),
      [
        ['shared', ['mqtt://a:1883'], 'settings'],
        ['site/hall', ['mqtt://own'], 'settings'],
      ],
    );
    assert.deepEqual(views[1]?.gateways, [
      { gateway: 'edge-1', declared: true, probed: false },
      { gateway: 'edge-2', declared: false },
      { gateway: 'edge-3', declared: true },
    ]);
  });
});
