import assert from 'node:assert/strict';
import { Brokers } from '../../../src/orchestrator/gateways/brokers.ts';
import { DEFAULT_TOKEN_TTL_SECONDS, EnrolmentDesk } from '../../../src/orchestrator/gateways/enrolment.ts';
import { checkSettings, checkSupported, checkWireNodes } from '../../../src/orchestrator/gateways/support.ts';
import { openStore, type Store } from '../../../src/orchestrator/store/Store.ts';
import type { EnrolRequest } from '../../../src/wire/control.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { disposables } from '../../kit/cleanup.ts';
import { GatewaySimulator } from '../../kit/simulator/index.ts';

describe('enrolment', () => {
  const kit = disposables();
  let store: Store;
  let desk: EnrolmentDesk;
  let now: number;
  let facts: EnrolRequest['facts'];
  before(async () => {
    const simulator = await GatewaySimulator.start();
    kit.add(simulator, () => simulator.close());
    facts = simulator.add({ name: 'any' }).facts;
  });
  beforeEach(() => {
    now = 1_000_000;
    const opened = openStore(kit.folder());
    store = kit.add(opened, () => opened.close());
    desk = new EnrolmentDesk({
      ...store,
      clock: () => now,
      heartbeatMs: 2_000,
      brokers: new Brokers({ shared: { embedded: 'mqtt://b' }, sites: {}, derive: (purpose) => purpose }),
    });
  });

  const first = (more: Partial<EnrolRequest> = {}): EnrolRequest => ({
    v: 1,
    token: desk.createToken().token,
    facts,
    ...more,
  });
  const refuses = (request: EnrolRequest, code: string, words: RegExp) =>
    assert.throws(
      () => desk.admit(request),
      (e) => isEchoError(e, code) && words.test(e.message) && e.remedy.length > 0,
    );

  it('lets a gateway in by token under the name it asks for, with a secret and its broker access', () => {
    const reply = desk.admit(first({ name: 'edge-1' }));
    assert.equal(reply.gateway, 'edge-1');
    assert.ok(reply.secret.length >= 40);
    assert.deepEqual(reply.brokers, [{ url: 'mqtt://b', username: 'edge-1', password: reply.secret }]);
    assert.ok(desk.authenticate('edge-1', reply.secret));
    assert.ok(!desk.authenticate('edge-1', 'other'));
    assert.ok(!desk.authenticate('nobody', reply.secret));
  });

  it('makes up a name when none is asked for', () => {
    assert.match(desk.admit(first()).gateway, /^edge-[0-9a-f]{6}$/);
  });

  it('a gateway whose answer was lost gets in with its token again: from the same disk, for ten minutes', () => {
    const request = first({ disk: 'disk-a' });
    const lost = desk.admit(request);
    const again = desk.admit(request);
    assert.equal(again.gateway, lost.gateway);
    assert.ok(desk.authenticate(again.gateway, again.secret));
    assert.ok(!desk.authenticate(lost.gateway, lost.secret));
    refuses({ ...request, disk: 'disk-b' }, 'ECHO_TOKEN_INVALID', /used already/);
    now += 10 * 60_000;
    refuses(request, 'ECHO_TOKEN_INVALID', /expired/);
  });

  it('a gateway that was taken out does not come back with a token it has used', () => {
    const request = first({ disk: 'disk-a' });
    desk.remove(desk.admit(request).gateway);
    refuses(request, 'ECHO_TOKEN_INVALID', /used already/);
  });

  it('takes a token once', () => {
    const request = first({ name: 'edge-1' });
    desk.admit(request);
    refuses({ ...request, name: 'edge-2' }, 'ECHO_TOKEN_INVALID', /used already/);
  });

  it('refuses a wrong, a missing and an expired token', () => {
    refuses(first({ token: 'echo_wrong' }), 'ECHO_TOKEN_INVALID', /unknown/);
    const { token: _token, ...without } = first();
    refuses(without, 'ECHO_TOKEN_INVALID', /neither/);
    const late = first();
    now += DEFAULT_TOKEN_TTL_SECONDS * 1000;
    refuses(late, 'ECHO_TOKEN_INVALID', /expired|unknown/);
  });

  it('keeps a token to the name it was made for', () => {
    const { token, expires } = desk.createToken({ name: 'edge-1', ttlSeconds: 60 });
    assert.equal(Date.parse(expires), now + 60_000);
    refuses(first({ token, name: 'edge-2' }), 'ECHO_TOKEN_INVALID', /edge-1, not edge-2/);
    assert.equal(desk.admit(first({ token })).gateway, 'edge-1');
  });

  it('refuses a name that is taken, and leaves the token good for another', () => {
    desk.admit(first({ name: 'edge-1' }));
    const request = first({ name: 'edge-1' });
    refuses(request, 'ECHO_GATEWAY_NAME_TAKEN', /edge-1/);
    assert.equal(desk.admit({ ...request, name: 'edge-2' }).gateway, 'edge-2');
  });

  it('lets a gateway in again by a token made for its name, and ends its old secret', () => {
    const before = desk.admit(first({ name: 'edge-1' }));
    const { token } = desk.createToken({ name: 'edge-1' });
    const after = desk.admit(first({ token, name: 'edge-1' }));
    assert.equal(after.gateway, 'edge-1');
    assert.ok(desk.authenticate('edge-1', after.secret));
    assert.ok(!desk.authenticate('edge-1', before.secret));
  });

  it('lets a gateway in again by its secret, with new facts and new admin access', () => {
    const { secret } = desk.admit(first({ name: 'edge-1', admin: { username: 'a', password: 'p1' } }));
    const again = desk.admit({ v: 1, gateway: 'edge-1', secret, facts: { ...facts, cpuCores: 64 } });
    assert.equal(again.secret, secret);
    assert.equal(desk.get('edge-1')?.facts.cpuCores, 64);
    assert.deepEqual(desk.adminAccess('edge-1'), { username: 'a', password: 'p1' });
    desk.admit({ v: 1, gateway: 'edge-1', secret, facts, admin: { token: 't' } });
    assert.deepEqual(desk.adminAccess('edge-1'), { token: 't' });
  });

  it('refuses the secret of another gateway, of none, and of one taken out', () => {
    const { secret } = desk.admit(first({ name: 'edge-1' }));
    desk.admit(first({ name: 'edge-2' }));
    refuses({ v: 1, gateway: 'edge-2', secret, facts }, 'ECHO_TOKEN_INVALID', /edge-2/);
    refuses({ v: 1, secret, facts }, 'ECHO_TOKEN_INVALID', /without a gateway/);
    desk.remove('edge-1');
    refuses({ v: 1, gateway: 'edge-1', secret, facts }, 'ECHO_TOKEN_INVALID', /edge-1/);
  });

  it('keeps neither secret, token nor admin password in the clear', () => {
    const token = desk.createToken().token;
    const { secret } = desk.admit(first({ name: 'edge-1', admin: { username: 'a', password: 'hunter-2' } }));
    const text = JSON.stringify(store.enrolments.list());
    for (const hidden of [token, secret, 'hunter-2']) assert.ok(!text.includes(hidden));
  });

  it('refuses what cannot be supported, with the remedy', () => {
    const refusesFacts = (more: Partial<EnrolRequest['facts']>, words: RegExp) =>
      refuses(first({ facts: { ...facts, ...more } }), 'ECHO_GATEWAY_UNSUPPORTED', words);
    refusesFacts({ nodeRedVersion: '3.1.9' }, /3\.1\.9/);
    refusesFacts({ nodeRedVersion: 'odd' }, /odd/);
    refusesFacts({ nodeVersion: '18.20.0' }, /18\.20/);
    refuses(first({ admin: { certificate: 'no PEM' } }), 'ECHO_GATEWAY_UNSUPPORTED', /certificate/);
    for (const version of ['4.1.0', 'v4.1.15', '5.0.7', '10.0.0'])
      checkSupported({ ...facts, nodeRedVersion: version });
    assert.throws(() => checkSettings({ editorTheme: { projects: { enabled: true } } }), /Projects/);
    checkSettings({ editorTheme: { projects: { enabled: false } } });
    checkSettings({});
    assert.throws(() => checkWireNodes(new Set(['echo in'])), /"echo out"/);
  });
});
