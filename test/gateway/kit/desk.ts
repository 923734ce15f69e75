/** The orchestrator's side of enrolment and control, small and strict: HTTP desk and control topics on real parts. */
import { createServer, type IncomingMessage } from 'node:http';
import mqtt, { type MqttClient } from 'mqtt';
import {
  type ControlRequest,
  type EnrolReply,
  type EnrolRequest,
  encodeEnvelope,
  enrolRequest,
  parseUp,
  type UpEnvelope,
} from '../../../src/wire/control.ts';
import { PROTOCOL_VERSION, topics } from '../../../src/wire/topics.ts';
import { startAedes, type TestBroker } from '../../kit/brokers.ts';
import { type Disposables, freePort } from '../../kit/cleanup.ts';
import { waitFor } from '../../kit/wait.ts';

export type Up<T extends UpEnvelope['type']> = Extract<UpEnvelope, { type: T }>;

export interface Desk {
  readonly url: string;
  readonly broker: TestBroker;
  /** Every enrolment asked for, validated. */
  readonly asked: EnrolRequest[];
  /** What came on the up topic, validated; and the status topic's payloads. */
  readonly said: UpEnvelope[];
  readonly statuses: string[];
  answer: (request: EnrolRequest) => { status: number; body: unknown };
  heard<T extends UpEnvelope['type']>(type: T, test?: (envelope: Up<T>) => boolean): Promise<Up<T>>;
  request(request: ControlRequest | { method: string; params: object }, id?: string): Promise<Up<'reply'>>;
  publish(payload: string | Buffer): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export const GATEWAY = 'edge-1';

/** A desk that enrols everyone, by the name asked for; it listens to what `edge-1` says. */
export async function startDesk(kit: Disposables): Promise<Desk> {
  const broker = await startAedes(kit);
  const port = await freePort();
  const asked: EnrolRequest[] = [];
  const said: UpEnvelope[] = [];
  const statuses: string[] = [];
  const server = createServer(async (req, res) => {
    const request = enrolRequest.parse(JSON.parse(await text(req)));
    asked.push(request);
    const { status, body } = desk.answer(request);
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const reply: EnrolReply = {
    v: PROTOCOL_VERSION,
    gateway: GATEWAY,
    secret: 'the-secret',
    // The first is dead.
    brokers: [
      { url: `mqtt://127.0.0.1:${await freePort()}` },
      { url: broker.url, username: 'any', password: 'x' },
    ],
    heartbeatMs: 200,
  };
  const client: MqttClient = await mqtt.connectAsync(broker.url, { reconnectPeriod: 50 });
  kit.add(client, () => client.endAsync(true));
  await client.subscribeAsync([topics.up(GATEWAY), topics.status(GATEWAY)], { qos: 1 });
  client.on('message', (topic, payload) => {
    if (topic === topics.status(GATEWAY)) statuses.push(payload.toString());
    else {
      const parsed = parseUp(payload);
      if (!parsed.ok) throw new Error(parsed.reason);
      said.push(parsed.value);
    }
  });
  const publish = (payload: string | Buffer): void => {
    client.publish(topics.down(GATEWAY), payload, { qos: 1 });
  };
  const heard: Desk['heard'] = (type, test = () => true) =>
    waitFor(() => said.find((e): e is Up<typeof type> => e.type === type && test(e as Up<typeof type>)), {
      what: `a ${type}`,
    });
  let requests = 0;
  const desk: Desk = {
    url: `http://127.0.0.1:${port}`,
    broker,
    asked,
    said,
    statuses,
    answer: ({ name, gateway }) => ({ status: 200, body: { ...reply, gateway: name ?? gateway ?? GATEWAY } }),
    heard,
    publish,
    request(request, id = `r${++requests}`) {
      const envelope = { v: PROTOCOL_VERSION, type: 'request', id, request } as const;
      publish(encodeEnvelope(envelope as never));
      return heard('reply', (e) => e.id === id);
    },
    start: () => new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve())),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await desk.start();
  return kit.add(desk, () => desk.stop());
}

async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
