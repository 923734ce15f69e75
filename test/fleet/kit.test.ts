import assert from 'node:assert/strict';
import { connect } from 'node:net';
import mqtt from 'mqtt';
import { findMosquitto, startAedes, startMosquitto, type TestBroker } from '../kit/brokers.ts';
import { type Disposables, disposables } from '../kit/cleanup.ts';
import { skip } from '../kit/skip.ts';
import { connectsTo, startTcpProxy } from '../kit/tcp-proxy.ts';
import { waitFor } from '../kit/wait.ts';

describe('test kit', () => {
  const kit = disposables();

  for (const [kind, start] of [
    ['mosquitto', startMosquitto],
    ['aedes', startAedes],
  ] as const) {
    describe(kind, () => {
      let broker: TestBroker;
      before(async function () {
        if (kind === 'mosquitto' && findMosquitto() === undefined) skip(this, 'mosquitto is not installed');
        broker = await start(kit);
      });

      it('carries a message, and again after a restart on the same port', async () => {
        const client = using(kit, mqtt.connect(broker.url, { reconnectPeriod: 50 }));
        const got: string[] = [];
        client.on('message', (_topic, payload) => got.push(payload.toString()));
        await client.subscribeAsync('t', { qos: 1 });
        await client.publishAsync('t', 'one', { qos: 1 });
        await waitFor(() => got.includes('one'), { what: 'the first message' });
        await broker.kill();
        assert.equal(await connectsTo(broker.port), false);
        await broker.start();
        await waitFor(() => client.connected, { what: 'the client to come back' });
        await client.publishAsync('t', 'two', { qos: 1 });
        await waitFor(() => got.includes('two'), { what: 'the second message' });
      });
    });
  }

  describe('tcp proxy', () => {
    const own = disposables();

    it('delays, stalls, cuts and heals a link without reordering what it carries', async () => {
      const broker = await startAedes(kit);
      const proxy = await startTcpProxy(kit, broker);
      const url = `mqtt://127.0.0.1:${proxy.port}`;
      const client = using(kit, mqtt.connect(url, { reconnectPeriod: 50 }));
      const got: number[] = [];
      client.on('message', (_topic, payload) => got.push(Number(payload)));
      await client.subscribeAsync('t', { qos: 1 });

      proxy.setDelay(40);
      const started = Date.now();
      await client.publishAsync('t', '0', { qos: 1 });
      assert.ok(Date.now() - started >= 80, 'a round trip takes both delays');
      proxy.setDelay(0);

      proxy.stall();
      const sent = Array.from({ length: 50 }, (_, i) => client.publishAsync('t', String(i + 1), { qos: 1 }));
      assert.equal(await Promise.race([sent[0], new Promise((r) => setImmediate(r, 'held'))]), 'held');
      proxy.heal();
      await Promise.all(sent);
      await waitFor(() => got.length === 51, { what: 'all messages' });
      assert.deepEqual(
        got,
        Array.from({ length: 51 }, (_, i) => i),
      );

      proxy.cut();
      await waitFor(() => !client.connected, { what: 'the client to notice the cut' });
      assert.equal(proxy.connections, 0);
      proxy.heal();
      await waitFor(() => client.connected, { what: 'the client to come back' });
    });

    it('throttles to the rate it is given', async () => {
      const broker = await startAedes(kit);
      const proxy = await startTcpProxy(kit, broker);
      const client = using(kit, mqtt.connect(`mqtt://127.0.0.1:${proxy.port}`));
      await waitFor(() => client.connected, { what: 'the connection' });
      proxy.setRate(100_000);
      const started = Date.now();
      await client.publishAsync('t', Buffer.alloc(30_000), { qos: 1 });
      assert.ok(Date.now() - started >= 200, '30 kB at 100 kB/s take 0.3 s');
    });

    it('ends while something is held up that one end does not wait for any more', async () => {
      const broker = await startAedes(own);
      const proxy = await startTcpProxy(own, broker);
      const socket = connect(proxy.port, '127.0.0.1').on('error', () => {});
      await waitFor(() => proxy.connections === 1, { what: 'the connection' });
      proxy.stall();
      socket.write(Buffer.alloc(1_000_000));
      await waitFor(() => proxy.stalled > 0, { what: 'what is held up' });
      await broker.kill();
      await waitFor(() => proxy.connections === 0, { what: 'the far end to be gone' });
      await own.end();
      socket.destroy();
    });

    it('refuses connections while it is cut', async () => {
      const broker = await startAedes(kit);
      const proxy = await startTcpProxy(kit, broker);
      proxy.cut();
      const socket = connect(proxy.port, '127.0.0.1');
      await new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
      assert.equal(proxy.connections, 0);
    });
  });
});

function using(kit: Disposables, client: mqtt.MqttClient): mqtt.MqttClient {
  return kit.add(client, () => client.endAsync(true));
}
