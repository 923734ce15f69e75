/** What is measured of a stream beside its counters, at no cost to the records that pass. */

const RATE_OVER_MS = 10_000;
const RATE_STEP_MS = 1_000;

/** Growth of a counter a second, over the last ten, from looks at it. */
export class Rate {
  #looks: { readonly at: number; readonly count: number }[] = [];

  /** `at` in ms of a clock that does not go back. Undefined before there are two looks. */
  of(count: number, at: number): number | undefined {
    const [oldest] = this.#looks;
    const last = this.#looks.at(-1);
    if (last === undefined || at - last.at >= RATE_STEP_MS) {
      this.#looks.push({ at, count });
      while (this.#looks[1] !== undefined && at - this.#looks[1].at >= RATE_OVER_MS) this.#looks.shift();
    }
    if (oldest === undefined || at <= oldest.at) return undefined;
    return Math.round(((count - oldest.count) * 10_000) / (at - oldest.at)) / 10;
  }
}

const KEPT = 512;

/** The last 512 values, and what half and all but one in a hundred of them stay below. */
export class Sample {
  readonly #values = new Float64Array(KEPT);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count++ % KEPT] = value;
  }

  quantiles(): { readonly p50: number; readonly p99: number } | undefined {
    const size = Math.min(this.#count, KEPT);
    if (size === 0) return undefined;
    const sorted = this.#values.slice(0, size).sort();
    const at = (part: number): number => sorted[Math.min(size - 1, Math.floor(part * size))]!;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
