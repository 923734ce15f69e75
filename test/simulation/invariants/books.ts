/** Which log an incarnation of a stream stands for. */
import type { Incarnation } from '../../../src/wire/stream.ts';
import type { Observations } from '../world/Witness.ts';

export type Report = (text: string) => void;

export class Logs {
  readonly #logs = new Map<string, number>();

  opened({ stream, log, incarnation }: Observations['opened']): void {
    this.#logs.set(key(stream, incarnation), log);
  }

  of(stream: string, incarnation: Incarnation): number {
    return this.#logs.get(key(stream, incarnation)) ?? 0;
  }
}

const key = (stream: string, { pe, born }: Incarnation): string => `${stream} ${pe} ${born}`;

/** The value kept for `key`, made when there is none. */
export function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
