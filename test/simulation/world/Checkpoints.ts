/** The checkpoints of a gateway's tasks as its disk keeps them: one whole record each; the last one counts. */
import type { ReceiverCursor } from '../../../src/wire/receiver.ts';
import type { TaskState } from './Tasks.ts';

/** Which log of a stream, and how far its records are released. */
export interface Released {
  readonly epoch: number;
  readonly upTo: number;
}

export interface Checkpoint {
  readonly cursors: ReadonlyMap<string, ReceiverCursor>;
  /** By the stream that each task takes its messages from. */
  readonly tasks: ReadonlyMap<string, TaskState>;
  readonly released: ReadonlyMap<string, Released>;
}

/** Most records a power cut takes. */
const MOST_LOST = 3;

export class CheckpointFile {
  #kept: Checkpoint | undefined;
  /** A power cut may take the last of these; one that is torn is passed over. */
  #unsynced: Checkpoint[] = [];

  get last(): Checkpoint | undefined {
    return this.#unsynced.at(-1) ?? this.#kept;
  }

  write(checkpoint: Checkpoint): void {
    this.#unsynced.push(checkpoint);
    if (this.#unsynced.length > MOST_LOST) this.#kept = this.#unsynced.shift();
  }

  sync(): void {
    this.#kept = this.last;
    this.#unsynced = [];
  }

  loseWrites(random: number): void {
    this.#unsynced.length -= Math.floor(random * (this.#unsynced.length + 1));
  }

  /** The tasks are kept no longer. */
  clear(): void {
    this.#kept = undefined;
    this.#unsynced = [];
  }
}
