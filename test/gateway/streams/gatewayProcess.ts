/**
 * A gateway without Node-RED in a process of its own, to be killed: reads its task as JSON from the first argument.
 * Middle gateways pass each message on; what arrives at the last is appended, one JSON line each, to `out`.
 */
import { appendFileSync } from 'node:fs';
import type { Follower, Lineage } from '../../../nodes/gateway/src/ports.ts';
import { StreamManager } from '../../../nodes/gateway/src/streams/StreamManager.ts';

export interface GatewayTask {
  readonly gateway: string;
  readonly folder: string;
  readonly url: string;
  readonly from?: { readonly gateway: string; readonly stream: string };
  readonly to?: { readonly gateway: string; readonly stream: string };
  readonly out?: string;
  /** Number of the message that ends the process whenever it arrives. */
  readonly poison?: number;
}

const task = JSON.parse(process.argv[2]!) as GatewayTask;
const causes = new WeakMap<object, Lineage>();
let cause: Lineage | undefined;
let settle: () => void = () => {};

const follower: Pick<Follower, 'follow'> = {
  follow(given, emit, settled) {
    cause = given;
    settle = () => settled({ kind: 'done' });
    emit();
    return { parked: false };
  },
};
const streams = new StreamManager({
  folder: task.folder,
  follower,
  gate: { holdsIncoming: () => false, onChange: () => () => {} },
  log: { info: () => {}, warn: () => {}, error: console.error },
});

function onMessage(msg: object): void {
  if ((msg as { n: number }).n === task.poison) process.kill(process.pid, 'SIGKILL');
  causes.set(msg, cause!);
  const done = settle;
  const { id } = cause!;
  if (task.out !== undefined) appendFileSync(task.out, `${JSON.stringify({ ...msg, id })}\n`);
  if (task.to === undefined) done();
  else void streams.append(task.to.stream, msg, causes.get(msg)).then(done);
}

if (task.to !== undefined)
  streams.openOut({
    stream: task.to.stream,
    epoch: 1,
    level: 'at-least-once',
    consumers: [task.to.gateway],
    tab: 't',
  });
if (task.from !== undefined)
  streams.openIn({
    stream: task.from.stream,
    epoch: 1,
    level: 'at-least-once',
    producer: task.from.gateway,
    tab: 't',
    deliver: onMessage,
  });
streams.connect(task.gateway, [{ url: task.url }]);
process.on('message', (count: { from: number; to: number }) => {
  for (let n = count.from; n < count.to; n++) void streams.append(task.to!.stream, { n }, undefined);
});
setInterval(() => process.send?.(streams.status()), 20);
process.on('disconnect', () => process.exit());
