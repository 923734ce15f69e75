import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HandBroker } from '../../../nodes/gateway/src/byHand/HandBroker.ts';
import { readBroker, readIn, readOut } from '../../../nodes/gateway/src/byHand/settings.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { findMosquitto, startMosquitto } from '../../kit/brokers.ts';
import { disposables } from '../../kit/cleanup.ts';
import { skip } from '../../kit/skip.ts';
import { waitFor } from '../../kit/wait.ts';

describe('an echo broker', function () {
  this.timeout(30_000);
  const kit = disposables();
  const warnings: string[] = [];

  /** Everything that is delivered is processed at once. */
  const open = (): HandBroker => {
    const broker = new HandBroker({
      folder: kit.folder(),
      follower: {
        follow: (_cause, emit, settled) => {
          emit();
          settled({ kind: 'done' });
          return { parked: false };
        },
      },
      gate: { holdsIncoming: () => false, onChange: () => () => {} },
      log: { info: () => {}, warn: (text) => warnings.push(text), error: (text) => warnings.push(text) },
    });
    return kit.add(broker, () => broker.close());
  };
  const wire = (more: object = {}) => ({ z: 't', stream: 'Hall 1/temperature', ...more });

  it('carries messages under the access list that docs/wires-by-hand.md gives', async function () {
    if (findMosquitto() === undefined) skip(this, 'mosquitto is not installed');
    const folder = kit.folder('echo-mosquitto-');
    const [passwords, list] = [join(folder, 'passwords'), join(folder, 'acl')];
    const names = ['hall-a', 'hall-b'];
    for (const [i, name] of names.entries())
      execFileSync('mosquitto_passwd', [
        '-b',
        ...(i === 0 ? ['-c'] : []),
        passwords,
        name,
        `secret of ${name}`,
      ]);
    const rules = names.flatMap((name) => [
      `user ${name}`,
      'topic readwrite echo/hand/1/stream/Hall%201%2Ftemperature',
      ...['data', 'ack'].map((kind) => `topic read echo/hand/1/${name}/${kind}/+`),
      ...['data', 'ack'].map((kind) => `topic write echo/hand/1/+/${kind}/${name}`),
    ]);
    writeFileSync(list, `${rules.join('\n')}\n`);
    const mosquitto = await startMosquitto(kit, [
      'user root',
      `password_file ${passwords}`,
      `acl_file ${list}`,
    ]);
    const [a, b] = names.map((gateway) => {
      const broker = open();
      broker.connect(
        readBroker({ url: mosquitto.url, gateway }, { user: gateway, password: `secret of ${gateway}` }),
      );
      return broker;
    });
    const arrived: object[] = [];
    const out = a!.openOut(readOut(wire()));
    const into = b!.openIn({ ...readIn(wire()), deliver: (msg) => arrived.push(msg) });
    await waitFor(() => into.standing === 'joined', { what: 'the receiver to join' });
    for (let payload = 0; payload < 10; payload++) await out.append({ payload }, undefined);
    await waitFor(() => arrived.length === 10, { what: 'the messages' });
    assert.deepEqual(
      arrived.map((msg) => (msg as { payload: number }).payload),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    assert.deepEqual(warnings, []);
  });

  it('is named after the machine, and always the same, unless its user says', () => {
    const broker = open();
    broker.connect(readBroker({ url: 'mqtt://127.0.0.1:9', gateway: '' }));
    const { gateway } = broker;
    assert.match(gateway, /^[a-z0-9-]+-[0-9a-f]{4}$/);
    broker.connect(readBroker({ url: 'mqtt://127.0.0.1:9', gateway: 'hall-a' }));
    assert.equal(broker.gateway, 'hall-a');
    broker.connect(readBroker({ url: 'mqtt://127.0.0.1:9', gateway: '' }));
    assert.equal(broker.gateway, gateway);
  });

  it('has one node of each kind for a stream', () => {
    const broker = open();
    broker.connect(readBroker({ url: 'mqtt://127.0.0.1:9' }));
    broker.openOut(readOut(wire()));
    assert.throws(
      () => broker.openOut(readOut(wire())),
      (e) => isEchoError(e, 'ECHO_HAND_NODE_TWICE'),
    );
    broker.openIn({ ...readIn(wire()), deliver: () => {} });
    const again = () => broker.openIn({ ...readIn(wire()), deliver: () => {} });
    assert.throws(again, (e) => isEchoError(e, 'ECHO_HAND_NODE_TWICE'));
  });
});

describe('what wire nodes say that are set up by hand', () => {
  it('is read as their dialogs save it', () => {
    const saved = {
      z: 't',
      stream: ' readings ',
      receivers: 'hall-b, hall-c',
      level: '',
      window: '10',
      whenFull: 'sample',
      start: '',
    };
    assert.deepEqual(readOut(saved), {
      ...{ stream: 'readings', level: 'at-least-once', receivers: ['hall-b', 'hall-c'], tab: 't' },
      choice: { window: 10, whenFull: 'sample' },
    });
    assert.deepEqual(readBroker({ url: 'mqtt://a:1, wss://b' }, { user: 'u', password: '' }), {
      gateway: '',
      brokers: [
        { url: 'mqtt://a:1', username: 'u' },
        { url: 'wss://b', username: 'u' },
      ],
    });
  });

  it('is refused where it is of no use, with the name of the field', () => {
    const refused: [RegExp, () => unknown][] = [
      [/stream/, () => readOut({ z: 't', stream: '' } as never)],
      [/receivers/, () => readOut({ z: 't', stream: 's', receivers: 'Hall B' } as never)],
      [/level/, () => readOut({ z: 't', stream: 's', level: 'effectively-once' } as never)],
      [/window is a whole number/, () => readOut({ z: 't', stream: 's', window: '0' } as never)],
      [/producer/, () => readIn({ z: 't', stream: 's', producer: 'Hall B' } as never)],
      [/url: no broker/, () => readBroker({ url: '' })],
      [/url: no MQTT URL/, () => readBroker({ url: 'http://a' })],
      [/gateway/, () => readBroker({ url: 'mqtt://a', gateway: 'Hall A' })],
    ];
    for (const [message, read] of refused)
      assert.throws(read, (e) => isEchoError(e, 'ECHO_HAND_SETTINGS') && message.test((e as Error).message));
  });
});
