/**
 * Identity of work: a record's id is a hash of the path from the record that started it. Work done again after a crash
 * follows the same path, so its records carry the same ids under new sequence numbers and are recognised.
 */
import type { Incarnation } from './stream.ts';

/** Identity of one effect of one cause, carried with a record. */
export interface Lineage {
  /** Stream and sequence of the first cut wire the message's ancestry crossed. */
  readonly origin: { readonly stream: string; readonly seq: number };
  /** Hash of the path from the origin to this record; a safe integer. */
  readonly id: number;
}

/** 53-bit hash of a string (cyrb53), for stream names. */
export function hashText(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  return finish(a, b);
}

function mix(hash: number, value: number): number {
  const low = value >>> 0;
  const high = Math.floor(value / 0x1_0000_0000) >>> 0;
  let a = (hash >>> 0) ^ 0x9e3779b9;
  let b = Math.floor(hash / 0x1_0000_0000) ^ 0x41c6ce57;
  a = Math.imul(a ^ low, 2654435761);
  b = Math.imul(b ^ low, 1597334677);
  a = Math.imul(a ^ high, 2246822507);
  b = Math.imul(b ^ high, 3266489909);
  return finish(a, b);
}

function finish(a: number, b: number): number {
  let x = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  let y = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  x = Math.imul(x ^ (x >>> 15), 2654435761);
  y = Math.imul(y ^ (y >>> 14), 1597334677);
  return 0x1_0000_0000 * (y & 0x1f_ffff) + (x >>> 0);
}

/** Lineage of a record that no record caused: it is its own origin. The incarnation tells logs of one name apart. */
export function rootLineage(
  stream: string,
  streamHash: number,
  { pe, born }: Incarnation,
  seq: number,
): Lineage {
  return { origin: { stream, seq }, id: mix(mix(mix(streamHash, pe), born), seq) };
}

/** Lineage of the `ordinal`-th record (from 0) that one delivery of `cause` put into the stream. */
export function childLineage(cause: Lineage, streamHash: number, ordinal: number): Lineage {
  return { origin: cause.origin, id: mix(mix(cause.id, streamHash), ordinal) };
}

/** Recognises ids seen before among the last `size` to `2 × size` ids; older ones are forgotten. */
export class RepeatDetector {
  readonly #size: number;
  #young = new IdSet();
  #old = new IdSet();

  constructor(size = 8192) {
    this.#size = size;
  }

  /** True when the id was seen before; remembers it either way. */
  seen(id: number): boolean {
    if (!this.#young.add(id)) return true;
    const repeated = this.#old.has(id);
    if (this.#young.size >= this.#size) {
      const emptied = this.#old;
      this.#old = this.#young;
      this.#young = emptied;
      emptied.clear();
    }
    return repeated;
  }
}

const FIRST_CAPACITY = 64;
const EMPTY = -1;

/**
 * Ids in an open-addressing table at most half full: a `Set` would make an object of each id, once a record. The ids
 * are hashes, so their low bits spread.
 */
class IdSet {
  #table = new Float64Array(FIRST_CAPACITY).fill(EMPTY);
  size = 0;

  has(id: number): boolean {
    return this.#table[this.#slotOf(id)] === id;
  }

  /** False when it was there already. */
  add(id: number): boolean {
    const slot = this.#slotOf(id);
    if (this.#table[slot] === id) return false;
    this.#table[slot] = id;
    this.size++;
    if (this.size * 2 > this.#table.length) this.#grow();
    return true;
  }

  clear(): void {
    this.#table.fill(EMPTY);
    this.size = 0;
  }

  /** Where the id stands, or the free place it would take. */
  #slotOf(id: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    let slot = id & mask;
    while (table[slot] !== EMPTY && table[slot] !== id) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const before = this.#table;
    this.#table = new Float64Array(before.length * 2).fill(EMPTY);
    for (const id of before) if (id !== EMPTY) this.#table[this.#slotOf(id)] = id;
  }
}
