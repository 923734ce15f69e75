/** Which log an incarnation of a stream stands for. */
import type { Incarnation } from '../../../src/wire/stream.ts';
import type { Observations } from '../world/Witness.ts';

export type Report = (text: string) => void;

export class Logs {
  /** By stream, then by incarnation as one number. */
  readonly #logs = new Map<string, Map<number, number>>();

  opened({ stream, log, incarnation }: Observations['opened']): void {
    kept(this.#logs, stream, () => new Map<number, number>()).set(key(incarnation), log);
  }

  of(stream: string, incarnation: Incarnation): number {
    return this.#logs.get(stream)?.get(key(incarnation)) ?? 0;
  }
}

const key = ({ pe, born }: Incarnation): number => born * 256 + pe;

/** The value kept for `key`, made when there is none. */
export function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
