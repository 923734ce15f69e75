/** Virtual time: jobs run in order of their time, those of one time in the order they were planned. */
interface Job {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Clock {
  now = 0;
  #order = 0;
  /** A binary heap, the next job first. */
  readonly #jobs: Job[] = [];

  later(ms: number, run: () => void): void {
    const job = { at: this.now + ms, order: this.#order++, run };
    const jobs = this.#jobs;
    let i = jobs.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(job, jobs[parent]!)) break;
      jobs[i] = jobs[parent]!;
      i = parent;
    }
    jobs[i] = job;
  }

  /** Runs the next job unless it is due after `limit`; false when there is none. */
  step(limit: number): boolean {
    const next = this.#jobs[0];
    if (next === undefined || next.at > limit) return false;
    this.#removeFirst();
    this.now = next.at;
    next.run();
    return true;
  }

  #removeFirst(): void {
    const jobs = this.#jobs;
    const last = jobs.pop()!;
    const { length } = jobs;
    if (length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(jobs[child + 1]!, jobs[child]!)) child++;
      if (!isBefore(jobs[child]!, last)) break;
      jobs[i] = jobs[child]!;
      i = child;
    }
    jobs[i] = last;
  }
}

const isBefore = (a: Job, b: Job): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
