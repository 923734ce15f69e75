/** What must be known after a restart of the agreements the ends of the streams have come to; one small file. */
import { join } from 'node:path';
import { z } from 'zod';
import { HAND_LEVELS } from '../../../../src/wire/byHand.ts';
import { gatewayId } from '../../../../src/wire/control.ts';
import { readObject, writeWhole } from '../files.ts';

const speaker = { disk: z.string(), boot: z.number(), instance: z.string() };

const outEntry = z.object({
  /** When the stream was granted, ms since 1970; 0 while it is not. */
  since: z.number().default(0),
  /** Who has joined, and as which process it was last heard. */
  consumers: z.record(gatewayId, z.object(speaker)).default({}),
});
export type OutEntry = z.infer<typeof outEntry>;

const inEntry = z.object({
  producer: z.object({ gateway: gatewayId, ...speaker, since: z.number() }),
  level: z.enum(HAND_LEVELS),
  choice: z.object({
    window: z.number().exactOptional(),
    credit: z.enum(['push', 'pull']).exactOptional(),
    attempts: z.number().exactOptional(),
  }),
});
export type InEntry = z.infer<typeof inEntry>;

const pages = z.object({
  outs: z.record(z.string(), outEntry).default({}),
  ins: z.record(z.string(), inEntry).default({}),
});

export class Book {
  readonly #path: string;
  readonly #pages: z.infer<typeof pages>;

  /** A file that cannot be read is as none: the ends agree anew. */
  constructor(folder: string) {
    this.#path = join(folder, 'agreed.json');
    this.#pages = pages.catch({ outs: {}, ins: {} }).parse(readObject(this.#path) ?? {});
  }

  out(stream: string): OutEntry {
    return own(this.#pages.outs, stream) ?? { since: 0, consumers: {} };
  }

  in(stream: string): InEntry | undefined {
    return own(this.#pages.ins, stream);
  }

  /** On disk when it returns. */
  setOut(stream: string, entry: OutEntry): void {
    this.#pages.outs[stream] = entry;
    this.#write();
  }

  setIn(stream: string, entry: InEntry | undefined): void {
    if (entry === undefined) delete this.#pages.ins[stream];
    else this.#pages.ins[stream] = entry;
    this.#write();
  }

  #write(): void {
    writeWhole(this.#path, `${JSON.stringify({ v: 1, ...this.#pages })}\n`);
  }
}

/** A stream or a Node-RED may be called `constructor`. */
export const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;
