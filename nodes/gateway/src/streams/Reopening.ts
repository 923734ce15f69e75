/** Streams there was no room on the disk to open: they are opened again until there is. */
import { isNoRoom } from './overload.ts';

const AGAIN_MS = 500;

export class Reopening {
  readonly #waiting = new Map<string, () => void>();
  readonly #warn: (text: string) => void;

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** Some stream waits for room. */
  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  has(stream: string): boolean {
    return this.#waiting.has(stream);
  }

  /** Opens it now, or once there is room. Throws what else is wrong. */
  open(stream: string, open: () => void): void {
    this.#waiting.delete(stream);
    try {
      open();
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#warn(`${stream} is opened when there is room: ${(error as Error).message}`);
      this.#waiting.set(stream, open);
      setTimeout(() => this.#again(stream, open), AGAIN_MS).unref();
    }
  }

  /** It is not to be opened any more. */
  forget(stream: string): void {
    this.#waiting.delete(stream);
  }

  close(): void {
    this.#waiting.clear();
  }

  #again(stream: string, open: () => void): void {
    if (this.#waiting.get(stream) !== open) return;
    try {
      this.open(stream, open);
    } catch (error) {
      this.#warn(`${stream} cannot be opened: ${(error as Error).message}`);
    }
  }
}
