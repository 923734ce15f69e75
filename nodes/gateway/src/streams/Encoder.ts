/** Makes the records of one stream: the message encoded, named after what caused it, of a size a wire carries. */
import { carryMessage } from '../../../../src/wire/codec.ts';
import { childLineage, hashText, type Lineage } from '../../../../src/wire/lineage.ts';
import { encodeRecord } from '../../../../src/wire/records.ts';
import { MAX_RECORD_BYTES } from '../../../../src/wire/stream.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';

export class Encoder {
  readonly #stream: string;
  readonly #hash: number;
  /** How many records each delivered record has caused in this stream. */
  readonly #ordinals = new WeakMap<Lineage, number>();

  constructor(stream: string) {
    this.#stream = stream;
    this.#hash = hashText(stream);
  }

  /** Throws ECHO_MESSAGE_NOT_CARRIED, ECHO_MESSAGE_TOO_LARGE; the message has then caused nothing. */
  encode(msg: object, cause: Lineage | undefined): Buffer {
    const { codec, body } = carryMessage(msg);
    const ordinal = cause === undefined ? 0 : (this.#ordinals.get(cause) ?? 0);
    const lineage = cause === undefined ? {} : { lineage: childLineage(cause, this.#hash, ordinal) };
    const payload = encodeRecord({ kind: 'message', ts: Date.now(), codec, body, ...lineage });
    if (payload.length > MAX_RECORD_BYTES) {
      throw wireError('ECHO_MESSAGE_TOO_LARGE', {
        message: `the message is ${payload.length} bytes; a wire carries ${MAX_RECORD_BYTES}`,
        where: this.#stream,
      });
    }
    if (cause !== undefined) this.#ordinals.set(cause, ordinal + 1);
    return payload;
  }
}
