/**
 * Completes messages when what they wait for is settled. What is appended in one turn of the event loop shares one
 * promise: it is waited for once, not once a message.
 */
type Done = (error?: unknown) => void;

export class Completions {
  #promise: Promise<void> | undefined;
  #waiting: Done[] = [];

  /** Calls `done` once the promise is settled, in the order in which they came. */
  add(promise: Promise<void>, done: Done): void {
    if (promise !== this.#promise) this.#await(promise);
    this.#waiting.push(done);
  }

  #await(promise: Promise<void>): void {
    const waiting: Done[] = [];
    const settle = (error?: unknown): void => {
      if (this.#promise === promise) this.#promise = undefined;
      for (const done of waiting) complete(done, error);
    };
    this.#promise = promise;
    this.#waiting = waiting;
    promise.then(() => settle(), settle);
  }
}

/** One that throws is no matter of the others. */
function complete(done: Done, error: unknown): void {
  try {
    done(error);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
