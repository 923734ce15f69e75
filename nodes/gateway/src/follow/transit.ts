/** The messages on their way to one node, in the order in which they were sent to it. */
import type { SendEvent } from '../red.ts';

export class Transit {
  #events: SendEvent[] = [];
  #head = 0;

  push(event: SendEvent): void {
    this.#events.push(event);
  }

  /**
   * The event of the message that arrives now; undefined when it came by no wire. What was sent before it and did
   * not arrive was stopped on the way, by someone else's hook.
   */
  take(msg: object): SendEvent | undefined {
    if (this.#events[this.#head]?.msg !== msg) {
      const index = this.#events.findIndex((event, at) => at > this.#head && event.msg === msg);
      if (index < 0) return undefined;
      this.#head = index;
    }
    const event = this.#events[this.#head++];
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}
