import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { DataLink } from '../../../nodes/gateway/src/streams/DataLink.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';

describe('data connection', function () {
  this.timeout(20_000);
  const kit = disposables();

  /** A broker that lets in who knows the password, and refuses or ignores its first subscriptions. */
  async function guarded(
    password: string,
    moody: { readonly refuses?: number; readonly ignores?: boolean } = {},
  ): Promise<{ url: string; refused: () => number }> {
    let refused = 0;
    let subscriptions = 0;
    const aedes = await Aedes.createBroker({
      authorizeSubscribe: (_client, subscription, done) => {
        if (!moody.ignores) done(null, subscriptions++ < (moody.refuses ?? 0) ? null : subscription);
      },
      authenticate: (_client, _username, given, done) => {
        const ok = given?.toString() === password;
        if (!ok) refused++;
        done(null, ok);
      },
    });
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {});
      aedes.handle(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    kit.add(server, () => new Promise((resolve) => aedes.close(() => server.close(resolve))));
    return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, refused: () => refused };
  }

  function link(brokers: { url: string; password: string }[]) {
    const warnings: string[] = [];
    const heard: string[] = [];
    const connection = new DataLink({
      clientId: 'c',
      brokers: brokers.map((b) => ({ ...b, username: 'u' })),
      onMessage: (topic, payload) => heard.push(`${topic} ${payload}`),
      onSubscribed: (topic) => heard.push(`subscribed ${topic}`),
      onDown: () => heard.push('down'),
      onDrain: () => {},
      patienceMs: 300,
      log: { info: () => {}, warn: (text) => warnings.push(text) },
    });
    return kit.add({ connection, warnings, heard }, () => connection.close());
  }

  it('goes on trying after a refusal, warns once and never shows the password', async () => {
    const broker = await guarded('right');
    const { connection, warnings } = link([{ url: broker.url, password: 'wrong-secret' }]);
    await waitFor(() => broker.refused() >= 3, { what: 'three attempts' });
    assert.equal(connection.connected, false);
    assert.equal(warnings.length, 1);
    assert.ok(!warnings[0]?.includes('wrong-secret'));
  });

  it('finds the broker that lets it in', async () => {
    const [one, two] = [await guarded('one'), await guarded('two')];
    const { connection, heard } = link([
      { url: one.url, password: 'two' },
      { url: two.url, password: 'two' },
    ]);
    connection.subscribe('echo/1/c/data/p');
    await waitFor(() => heard.includes('subscribed echo/1/c/data/p'), { what: 'the subscription' });
    connection.publish('echo/1/c/data/p', Buffer.from('hello'));
    await waitFor(() => heard.includes('echo/1/c/data/p hello'), { what: 'the message' });
  });

  it('leaves a broker that answers no subscription for the next', async () => {
    const [one, two] = [await guarded('p', { ignores: true }), await guarded('p')];
    const { connection, heard } = link([
      { url: one.url, password: 'p' },
      { url: two.url, password: 'p' },
    ]);
    connection.subscribe('t');
    await waitFor(() => heard.includes('subscribed t'), { what: 'the subscription' });
    assert.equal(heard[0], 'down');
  });

  it('tries a subscription again that was refused, and says so once', async () => {
    const broker = await guarded('p', { refuses: 2 });
    const { connection, heard, warnings } = link([{ url: broker.url, password: 'p' }]);
    connection.subscribe('t');
    await waitFor(() => heard.includes('subscribed t'), { what: 'the subscription' });
    assert.deepEqual(heard, ['subscribed t']);
    assert.equal(warnings.length, 1);
  });
});
