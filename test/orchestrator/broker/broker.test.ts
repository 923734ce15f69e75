import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { createServer, connect as tcp } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { type EmbeddedBroker, startBroker } from '../../../src/orchestrator/broker/EmbeddedBroker.ts';
import { mayPublish, maySubscribe, ORCHESTRATOR_USER } from '../../../src/wire/access.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { topics } from '../../../src/wire/topics.ts';
import { disposables } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';

/** The client's own typing of its events does not fit `once`. */
const event = (client: MqttClient, name: string): Promise<unknown[]> =>
  once(client as unknown as EventEmitter, name);

describe('broker access', () => {
  const rows: readonly (readonly [topic: string, publish: boolean, subscribe: boolean])[] = [
    [topics.status('me'), true, false],
    [topics.up('me'), true, false],
    [topics.down('me'), false, true],
    [topics.data('other', 'me'), true, false],
    [topics.data('me', 'other'), false, true],
    [topics.ack('other', 'me'), true, false],
    [topics.ack('me', 'other'), false, true],
    [topics.status('other'), false, false],
    [topics.up('other'), false, false],
    [topics.down('other'), false, false],
    [topics.data('other', 'third'), false, false],
    ['#', false, false],
    ['echo/1/+/down', false, false],
    ['echo/1/me/data/+', false, false],
    ['$SYS/broker', false, false],
    ['', false, false],
  ];
  for (const [topic, publish, subscribe] of rows) {
    it(`a gateway ${publish ? 'may' : 'may not'} publish to and ${subscribe ? 'may' : 'may not'} subscribe "${topic}"`, () => {
      assert.equal(mayPublish('me', topic), publish);
      assert.equal(maySubscribe('me', topic), subscribe);
    });
  }

  it('the orchestrator may use every ECHO topic and no other', () => {
    assert.ok(mayPublish(ORCHESTRATOR_USER, topics.down('any')));
    assert.ok(maySubscribe(ORCHESTRATOR_USER, topics.up('any')));
    assert.ok(!maySubscribe(ORCHESTRATOR_USER, '#'));
  });
});

describe('embedded broker', () => {
  const kit = disposables();
  let broker: EmbeddedBroker;
  before(async () => {
    broker = await startBroker({
      host: '127.0.0.1',
      port: 0,
      log: pino({ level: 'silent' }),
      authenticate: (user, password) => password === `secret of ${user}`,
    });
    kit.add(broker, () => broker.close());
  });

  const open = (username: string, options: IClientOptions = {}): MqttClient => {
    const client = connect({
      host: '127.0.0.1',
      port: broker.port,
      username,
      password: `secret of ${username}`,
      reconnectPeriod: 0,
      ...options,
    });
    client.on('error', () => {});
    return kit.add(client, () => client.endAsync(true));
  };

  it('refuses a wrong password and nobody', async () => {
    for (const options of [{ password: 'wrong' }, { password: '' }]) {
      const client = open('edge', options);
      const [error] = (await event(client, 'error')) as [Error & { code?: number }];
      assert.equal(error.code, 4);
    }
  });

  it('carries what a gateway says to the orchestrator, and what it answers', async () => {
    const boss = open(ORCHESTRATOR_USER);
    const edge = open('edge');
    await boss.subscribeAsync(topics.up('edge'), { qos: 1 });
    await edge.subscribeAsync(topics.down('edge'), { qos: 1 });
    boss.on('message', (_topic, payload) => boss.publish(topics.down('edge'), `${payload}!`, { qos: 1 }));
    const answer = event(edge, 'message');
    await edge.publishAsync(topics.up('edge'), 'hello', { qos: 1 });
    assert.equal(String((await answer)[1]), 'hello!');
  });

  it('publishes the last will of a gateway that vanishes', async () => {
    const boss = open(ORCHESTRATOR_USER);
    await boss.subscribeAsync(topics.status('mortal'), { qos: 1 });
    const will = {
      topic: topics.status('mortal'),
      payload: Buffer.from('offline'),
      qos: 1 as const,
      retain: true,
    };
    const edge = open('mortal', { will });
    await event(edge, 'connect');
    const said = event(boss, 'message');
    edge.stream.destroy();
    assert.equal(String((await said)[1]), 'offline');
  });

  it('ends the connection of a gateway that speaks for another', async () => {
    const edge = open('liar');
    await event(edge, 'connect');
    edge.publish(topics.up('edge'), 'I am edge', { qos: 0 });
    await event(edge, 'close');
  });

  it('gives no subscription to what is not addressed to the gateway', async () => {
    const edge = open('nosy');
    await assert.rejects(edge.subscribeAsync(topics.down('edge'), { qos: 1 }));
  });

  it('ends the connections of a user who was taken out', async () => {
    const edge = open('gone');
    await event(edge, 'connect');
    broker.disconnect('gone');
    await waitFor(() => !edge.connected, { what: 'the connection to end' });
  });

  it('says which port is taken and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    kit.add(server, () => server.close());
    const { port } = server.address() as { port: number };
    const start = startBroker({
      host: '127.0.0.1',
      port,
      log: pino({ level: 'silent' }),
      authenticate: () => false,
    });
    await assert.rejects(
      start,
      (e) => isEchoError(e, 'ECHO_BROKER_PORT_IN_USE') && e.message.includes(String(port)),
    );
  });

  it('lives on when it is sent rubbish', async () => {
    const socket = tcp(broker.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(Buffer.alloc(1024 * 1024, 0xff));
    await new Promise((resolve) => socket.once('close', resolve));
    await event(open('edge2'), 'connect');
  });
});
