/** Sequences of a log that stand in it and are never sent, as ranges; few, since they are of the moments before a crash. */
interface Range {
  readonly from: number;
  to: number;
}

export class Voids {
  #ranges: Range[];

  /** From what `toJSON` gave. */
  constructor(known: unknown) {
    const pairs = Array.isArray(known) ? (known as [number, number][]) : [];
    this.#ranges = pairs.map(([from, to]) => ({ from, to }));
  }

  /** Sequences. */
  get size(): number {
    return this.#ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  has(seq: number): boolean {
    const last = this.#ranges.at(-1);
    return (
      last !== undefined && seq <= last.to && this.#ranges.some(({ from, to }) => from <= seq && seq <= to)
    );
  }

  /** In any order of calls, each sequence once or again. */
  add(seq: number): void {
    if (this.has(seq)) return;
    const last = this.#ranges.at(-1);
    if (last?.to === seq - 1) last.to = seq;
    else {
      this.#ranges.push({ from: seq, to: seq });
      this.#ranges.sort((a, b) => a.from - b.from);
    }
  }

  /** Those up to here have left the log. */
  trim(upTo: number): void {
    const first = this.#ranges[0];
    if (first !== undefined && first.to <= upTo) this.#ranges = this.#ranges.filter(({ to }) => to > upTo);
  }

  toJSON(): [number, number][] {
    return this.#ranges.map(({ from, to }) => [from, to]);
  }
}
