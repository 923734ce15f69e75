/** The messages a node holds, as they came in: for a task that holds messages for long, and whose checkpoints keep them. */
import { type EncodedMessage, encodeMessage } from '../../../../src/wire/codec.ts';
import type { HeldByTask, Lineage } from '../ports.ts';

let lastId = 0;

export class TaskQueue {
  readonly #held = new Map<object, Omit<HeldByTask, 'node'>>();

  get size(): number {
    return this.#held.size;
  }

  [Symbol.iterator](): Iterator<Omit<HeldByTask, 'node'>> {
    return this.#held.values();
  }

  /** Encodes now, before the node may change it. Returns why it cannot be kept, if it cannot. */
  add(msg: object, cause: Lineage | undefined): Error | undefined {
    let message: EncodedMessage;
    try {
      message = encodeMessage(msg);
    } catch (error) {
      return error as Error;
    }
    this.#held.set(msg, { id: ++lastId, message, cause });
    return undefined;
  }

  delete(msg: object): void {
    this.#held.delete(msg);
  }
}
