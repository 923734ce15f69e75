/**
 * Proves that the admin API of a gateway can be used, in the background: a gateway enrols before its Node-RED
 * listens. Tries again, ever slower, until it succeeds or is called off; a few gateways at a time.
 */
import { isEchoError } from '../../wire/errors.ts';

export interface VerifierOptions {
  /** Throws the reason why the gateway cannot be used. */
  readonly check: (gateway: string) => Promise<void>;
  /** After each attempt: undefined when it can be used. */
  readonly onResult: (gateway: string, problem: string | undefined) => void;
  readonly concurrency?: number;
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
}

interface Attempt {
  delay: number;
  timer?: NodeJS.Timeout;
}

export class Verifier {
  readonly #options: Required<VerifierOptions>;
  readonly #attempts = new Map<string, Attempt>();
  readonly #queue: { readonly gateway: string; readonly attempt: Attempt }[] = [];
  #running = 0;

  constructor(options: VerifierOptions) {
    this.#options = { concurrency: 16, firstDelayMs: 250, maxDelayMs: 30_000, ...options };
  }

  /** Verifies now, whatever was going on for this gateway. */
  begin(gateway: string): void {
    this.cancel(gateway);
    const attempt: Attempt = { delay: this.#options.firstDelayMs };
    this.#attempts.set(gateway, attempt);
    this.#enqueue(gateway, attempt);
  }

  cancel(gateway: string): void {
    clearTimeout(this.#attempts.get(gateway)?.timer);
    this.#attempts.delete(gateway);
  }

  close(): void {
    for (const gateway of [...this.#attempts.keys()]) this.cancel(gateway);
  }

  #enqueue(gateway: string, attempt: Attempt): void {
    this.#queue.push({ gateway, attempt });
    this.#next();
  }

  #next(): void {
    if (this.#running >= this.#options.concurrency) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    this.#running += 1;
    void this.#run(job.gateway, job.attempt).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #run(gateway: string, attempt: Attempt): Promise<void> {
    const current = (): boolean => this.#attempts.get(gateway) === attempt;
    if (!current()) return;
    const problem = await this.#options.check(gateway).then(() => undefined, describe);
    if (!current()) return;
    if (problem === undefined) {
      this.#attempts.delete(gateway);
    } else {
      attempt.timer = setTimeout(() => this.#enqueue(gateway, attempt), attempt.delay);
      attempt.timer.unref();
      attempt.delay = Math.min(attempt.delay * 2, this.#options.maxDelayMs);
    }
    this.#options.onResult(gateway, problem);
  }
}

function describe(error: unknown): string {
  return isEchoError(error) ? `${error.message}. ${error.remedy}` : String(error);
}
