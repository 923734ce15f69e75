/**
 * What arrives over a wire by hand and over the `mqtt out` and `mqtt in` of Node-RED, side by side between two plain
 * Node-REDs, while the broker restarts and the receiver is killed.
 *
 *     npm run -s bench -- by-hand [--json]
 *
 * The core nodes get their best settings: QoS 1, a persistent session, a broker that keeps it on disk. Progress goes to
 * standard error; the last line is one JSON object.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { node, startProbedGateway, TAB, type TestNode } from '../gateway/kit/probed.ts';
import { startMosquitto } from '../kit/brokers.ts';
import { disposables } from '../kit/cleanup.ts';
import { programOptions } from '../kit/options.ts';
import { account } from '../kit/pace.ts';
import { waitFor } from '../kit/wait.ts';

const RATE = 500;
const COUNT = 10_000;
const DOWN_MS = 3_000;
/** Nothing more has arrived for this long: nothing more will. */
const QUIET_MS = 5_000;
const WIRES = ['byHand', 'mqttQos1'] as const;
type Wire = (typeof WIRES)[number];

programOptions({ json: { type: 'boolean' } });
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const kit = disposables();
say('starting two Node-REDs and mosquitto');
const store = kit.folder('echo-mosquitto-');
const broker = await startMosquitto(kit, [
  'persistence true',
  `persistence_location ${store}/`,
  'autosave_on_changes true',
  'autosave_interval 1',
]);
const [sender, receiver] = await Promise.all([
  startProbedGateway(kit, '5.0', { echo: null }),
  startProbedGateway(kit, '5.0', { echo: null }),
]);

const files = Object.fromEntries(WIRES.map((wire) => [wire, join(kit.folder(), 'arrived')]));
const arrived = (wire: Wire): number[] => {
  try {
    return readFileSync(files[wire]!, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((text) => Number(text) + 1);
  } catch {
    return [];
  }
};
const brokers = (own: string): TestNode[] => [
  { id: TAB, type: 'tab', label: own },
  { id: 'hand', type: 'echo broker', name: '', url: broker.url, gateway: own },
  {
    ...{ id: 'core', type: 'mqtt-broker', name: '', broker: '127.0.0.1', port: String(broker.port) },
    ...{ clientid: own, autoConnect: true, usetls: false, protocolVersion: '4', keepalive: '10' },
    ...{ cleansession: false, autoUnsubscribe: false },
  },
];
await receiver.deploy([
  ...brokers('receiver'),
  node('in', 'echo in', [['sunk']], { broker: 'hand', stream: 'numbers' }),
  node('sunk', 'probe-sink', [], { file: files.byHand }),
  node('core-in', 'mqtt in', [['core-sunk']], {
    ...{ broker: 'core', topic: 'numbers', qos: '1', datatype: 'auto-detect', inputs: 0 },
  }),
  node('core-sunk', 'probe-sink', [], { file: files.mqttQos1 }),
]);
const ends = (sources: TestNode[]): TestNode[] => [
  ...brokers('sender'),
  ...sources,
  node('out', 'echo out', [], { broker: 'hand', stream: 'numbers', receivers: 'receiver' }),
  node('core-out', 'mqtt out', [], { broker: 'core', topic: 'numbers', qos: '1', retain: 'false' }),
];
await sender.deploy(ends([]));
const joined = async () =>
  JSON.stringify(await (await fetch(`${receiver.url}/echo/wires`)).json()).includes('"joined"');
await waitFor(joined, { what: 'the receiver to join' });

const started = performance.now();
await sender.deploy(
  ends([node('source', 'probe-source', [['out', 'core-out']], { rate: RATE, count: COUNT, run: 1 })]),
);
say(`${COUNT} messages, ${RATE} a second, over each wire`);
await waitFor(() => WIRES.every((wire) => arrived(wire).length > COUNT / 5), {
  what: 'messages',
  timeout: 30_000,
});
say(`the broker goes away for ${DOWN_MS / 1000} s`);
await broker.kill();
await delay(DOWN_MS);
await broker.start();
await waitFor(() => arrived('byHand').length > (3 * COUNT) / 5, { what: 'messages', timeout: 60_000 });
say('the receiver is killed and started again');
await receiver.kill();
await receiver.start();
let last = -1;
for (let total = 0; total !== last; ) {
  last = total;
  await delay(QUIET_MS);
  total = WIRES.reduce((sum, wire) => sum + arrived(wire).length, 0);
}
const seconds = (performance.now() - started) / 1000;
const results = WIRES.map((wire) => ({ wire, sent: COUNT, ...account(arrived(wire), COUNT) }));
await kit.end();
for (const { wire, sent, lost, repeated, reordered } of results)
  process.stdout.write(
    `${wire.padEnd(10)} sent ${sent}, lost ${lost}, repeated ${repeated}, out of order ${reordered}\n`,
  );
const figures = Object.fromEntries(results.map(({ wire, ...rest }) => [wire, rest]));
process.stdout.write(`${JSON.stringify({ bench: 'by-hand', seconds: Math.round(seconds), ...figures })}\n`);
process.exit(0);
