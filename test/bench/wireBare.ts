/** One end of the bare pair: a process with an MQTT client and nothing else, told over IPC what to do. */
import mqtt from 'mqtt';
import { createSink, createSource, type Load } from './wireLoad.ts';

export interface BareJob {
  readonly url: string;
  readonly qos: 0 | 1;
}
export type BareRequest =
  | { readonly do: 'start' | 'expect'; readonly load: Load }
  | { readonly do: 'sent' | 'received' | 'report' };

const { url, qos } = JSON.parse(process.argv[2]!) as BareJob;
const TOPIC = `bench/bare/${qos}`;
const now = (): number => Number(process.hrtime.bigint()) / 1000;
const source = createSource(now);
const sink = createSink(now);
const client = await mqtt.connectAsync(url, { protocolVersion: 4 });
(client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
client.on('message', (_topic, payload) => sink.take(payload.toString()));

function answer(request: BareRequest): unknown {
  switch (request.do) {
    case 'start':
      return source.start(request.load, (text) => client.publish(TOPIC, text, { qos }));
    case 'expect':
      return client.subscribeAsync(TOPIC, { qos }).then(() => sink.expect(request.load));
    case 'sent':
      return source.sent();
    case 'received':
      return { received: sink.received() };
    case 'report':
      return sink.report();
  }
}

process.on('message', async (request: BareRequest) => {
  process.send?.((await answer(request)) ?? {});
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
