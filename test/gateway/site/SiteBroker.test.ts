import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { type Members, SiteBroker } from '../../../nodes/gateway/src/site/SiteBroker.ts';
import { topics } from '../../../src/wire/topics.ts';
import { disposables, freePort } from '../../kit/cleanup.ts';
import { connectsTo } from '../../kit/tcp-proxy.ts';
import { waitFor } from '../../kit/wait.ts';

const passwords = (words: Record<string, string>): Members =>
  Object.fromEntries(
    Object.entries(words).map(([id, word]) => [id, createHash('sha256').update(word).digest('hex')]),
  );

describe('site broker', () => {
  const kit = disposables();
  let port: number;
  let broker: SiteBroker;

  before(async () => {
    port = await freePort();
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    broker = new SiteBroker({ port, host: '127.0.0.1', log });
    kit.add(broker, () => broker.close());
    broker.admit(passwords({ a: 'word a', b: 'word b' }));
    await waitFor(() => connectsTo(port), { what: 'the broker' });
  });

  const join = async (username: string, password: string): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      ...{ username, password, reconnectPeriod: 0 },
    });
    return kit.add(client, () => client.endAsync(true));
  };

  it('carries data and acknowledgements between the gateways of the site', async () => {
    const [a, b] = [await join('a', 'word a'), await join('b', 'word b')];
    const heard: string[] = [];
    for (const client of [a, b]) client.on('message', (topic) => heard.push(topic));
    await b.subscribeAsync(topics.data('b', 'a'));
    await a.subscribeAsync(topics.ack('a', 'b'));
    await a.publishAsync(topics.data('b', 'a'), 'frame');
    await b.publishAsync(topics.ack('a', 'b'), 'frame');
    await waitFor(() => heard.length === 2, { what: 'both frames' });
  });

  it('lets in nobody else', async () => {
    for (const [name, word] of [
      ['c', 'word a'],
      ['a', 'word b'],
      ['a', ''],
      ['__proto__', ''],
    ] as const) {
      await assert.rejects(join(name, word), /Bad|Not authorized|refused/i, `${name}/${word}`);
    }
  });

  it('lets a gateway speak as itself alone, and carries no control', async () => {
    const a = await join('a', 'word a');
    for (const topic of [
      topics.data('b', 'a').replace('/a', '/c'),
      topics.up('a'),
      topics.status('a'),
      'any',
    ]) {
      const other = await join('a', 'word a');
      const closed = new Promise<void>((resolve) => other.once('close', () => resolve()));
      other.publish(topic, 'x', { qos: 1 });
      await closed;
    }
    for (const topic of [topics.down('a'), topics.data('b', 'a'), '#']) {
      const granted = await a.subscribeAsync(topic).catch(() => [{ qos: 128 }]);
      assert.ok(
        granted.every(({ qos }) => qos === 128),
        topic,
      );
    }
  });

  it('ends the connection of a gateway that left, and of one whose password changed', async () => {
    const [a, b] = [await join('a', 'word a'), await join('b', 'word b')];
    const ended = [a, b].map(
      (client) => new Promise<void>((resolve) => client.once('close', () => resolve())),
    );
    broker.admit(passwords({ b: 'another' }));
    await Promise.all(ended);
    await assert.rejects(join('a', 'word a'));
    await join('b', 'another');
  });

  it('waits for its port, and says so', async () => {
    const said: string[] = [];
    const log = { info: () => {}, warn: () => {}, error: (text: string) => said.push(text) };
    const second = new SiteBroker({ port, host: '127.0.0.1', log });
    kit.add(second, () => second.close());
    await waitFor(() => said.length > 0, { what: 'the complaint' });
    assert.match(said[0] ?? '', /^ECHO_SITE_BROKER_FAILED: port \d+: .*EADDRINUSE/);
  });
});
