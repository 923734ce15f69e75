/** How the wires by hand of this Node-RED stand, and what an operator may ask of them. */
import { z } from 'zod';
import { handStreamOf } from '../../../../src/wire/byHand.ts';
import type { InStreamStatus, OutStreamStatus, StreamStatus } from '../../../../src/wire/control.ts';
import { type DeadLetter, operations, type StreamOperation } from '../../../../src/wire/operate.ts';
import { handError } from './errors.ts';
import type { HandBroker } from './HandBroker.ts';
import type { InStanding } from './HandIn.ts';
import type { OutStanding } from './HandOut.ts';
import type { OpenHand } from './Hands.ts';

interface OutFacts extends Partial<Omit<OutStreamStatus, 'stream' | 'consumers'>> {
  readonly stream: string;
  readonly role: 'out';
  readonly standing: OutStanding;
  /** Who has the stream, where this one was refused. */
  readonly rival?: string;
  /** Messages nobody was there for. */
  readonly unheard: number;
  /** How far each is; null where no log says so. */
  readonly consumers: Readonly<Record<string, OutStreamStatus['consumers'][string] | null>>;
}

interface InFacts extends Partial<Omit<InStreamStatus, 'stream'>> {
  readonly stream: string;
  readonly role: 'in';
  readonly standing: InStanding;
  readonly producer: string;
}

export interface HandFacts {
  /** Id and name of the `echo broker`. */
  readonly id: string;
  readonly name: string;
  /** What this Node-RED is called there. */
  readonly gateway: string;
  readonly connected: boolean;
  readonly wires: readonly (OutFacts | InFacts)[];
  readonly dead: readonly DeadLetter[];
}

export async function factsOf({ id, name, broker }: OpenHand): Promise<HandFacts> {
  const { gateway, connected } = broker;
  const dead = (await broker.streams.operate({ method: 'dead.list', params: {} })) as DeadLetter[];
  const named = dead.map((letter) => ({ ...letter, stream: handStreamOf(letter.stream) }));
  return { id, name, gateway, connected, wires: wiresOf(broker), dead: named };
}

function wiresOf({ streams, outs, ins }: HandBroker): (OutFacts | InFacts)[] {
  const all = streams.status();
  const statusOf = <R extends 'out' | 'in'>(role: R, log: string | undefined) =>
    all.find((s) => s.stream === log && s.role === role) as Extract<StreamStatus, { role: R }> | undefined;
  return [
    ...outs.map((out): OutFacts => {
      const { standing, rival, unheard, wire } = out;
      const refused = standing === 'refused' ? { rival } : {};
      const status = statusOf('out', out.log);
      const positions = status?.consumers ?? {};
      const consumers = Object.fromEntries(out.consumers.map((name) => [name, positions[name] ?? null]));
      return { ...status, stream: wire.stream, role: 'out', standing, ...refused, unheard, consumers };
    }),
    ...ins.map((into): InFacts => {
      const { standing, producer, wire, log } = into;
      return { ...statusOf('in', log), stream: wire.stream, role: 'in', standing, producer };
    }),
  ];
}

/** A consumer that will not return gets nothing more. */
const forget = z.object({
  method: z.literal('consumers.forget'),
  params: z.object({ stream: z.string(), consumer: z.string() }),
});
/** What may be asked: of streams by the names their nodes say. */
export const handOperation = z.discriminatedUnion('method', [...operations, forget]);
export type HandOperation = z.infer<typeof handOperation>;

/** Rejects with ECHO_HAND_NO_STREAM, and with what a stream rejects with. */
export async function operateByHand(broker: HandBroker, operation: HandOperation): Promise<unknown> {
  switch (operation.method) {
    case 'consumers.forget': {
      const { stream, consumer } = operation.params;
      const out = broker.out(stream);
      if (out === undefined) throw noStream(stream);
      return { forgotten: out.forget(consumer, performance.now()) ? 1 : 0 };
    }
    case 'streams.inspect':
    case 'streams.purge':
      return broker.streams.operate(of(operation, broker.out(operation.params.stream)?.log));
    case 'streams.skip':
      return broker.streams.operate(of(operation, broker.in(operation.params.stream)?.log));
    case 'dead.list': {
      const { stream } = operation.params;
      if (stream === undefined) return broker.streams.operate(operation);
      return broker.streams.operate(of(operation, broker.in(stream)?.log));
    }
    default:
      return broker.streams.operate(operation);
  }
}

/** The same of the log the stream has here. */
function of(
  operation: Extract<StreamOperation, { params: { stream?: string | undefined } }>,
  log: string | undefined,
): StreamOperation {
  if (log === undefined) throw noStream(operation.params.stream ?? '');
  return { ...operation, params: { ...operation.params, stream: log } } as StreamOperation;
}

const noStream = (stream: string): Error =>
  handError('ECHO_HAND_NO_STREAM', {
    message: `no wire of this kind is called "${stream}"`,
    where: stream,
  });
