/** Asks gateways to enrol again when what they were granted has changed, and again when they did not. */
import type { Logger } from 'pino';
import type { ControlChannel } from './types.ts';

const AGAIN_MS = 5_000;

export class Renewals {
  readonly #control: ControlChannel;
  readonly #log: Logger;
  readonly #clock: () => number;
  /** When each was asked last. */
  readonly #asked = new Map<string, number>();

  constructor(control: ControlChannel, log: Logger, clock: () => number) {
    this.#control = control;
    this.#log = log;
    this.#clock = clock;
  }

  ask(gateway: string): void {
    const now = this.#clock();
    if (now - (this.#asked.get(gateway) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    this.#asked.set(gateway, now);
    this.#control.request(gateway, { method: 'gateway.renew', params: {} }).catch((error: Error) => {
      this.#log.warn({ gateway, error: error.message }, 'the gateway was not told of other brokers');
    });
  }

  forget(gateway: string): void {
    this.#asked.delete(gateway);
  }
}
