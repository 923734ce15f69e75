/**
 * Source and sink of the wire benchmark. Each factory stands alone: its source text also runs inside the nodes of
 * `wireEnds.ts`, so that Node-RED pairs and the bare client pair generate and check in the same way. Times are µs of the machine's
 * monotonic clock, which all its processes share.
 */

export interface Load {
  /** Tells one load from what is left of the one before. */
  readonly run: number;
  /** Messages a second. */
  readonly rate: number;
  readonly count: number;
  /** Number of its first message; 0 when absent. */
  readonly first?: number;
  /** Length of the payload. */
  readonly bytes: number;
}

export interface Sent {
  readonly sent: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface Received {
  readonly received: number;
  readonly repeated: number;
  readonly reordered: number;
  readonly lastAt: number;
  /** Latency, µs. */
  readonly p50: number;
  readonly p99: number;
}

/**
 * Sends what is due each millisecond: one at a time at a low rate, bursts of a millisecond's worth at a high one. A
 * process that is too busy for its rate catches up in bursts of 5 ms' worth, and so is paced by its own load.
 */
export function createSource(now: () => number) {
  const pads = new Map<number, string>();
  let state = { sent: 0, firstAt: 0, lastAt: 0 };
  const start = (load: Load, emit: (text: string) => void): void => {
    if (!pads.has(load.bytes)) pads.set(load.bytes, 'x'.repeat(load.bytes));
    const pad = pads.get(load.bytes) ?? '';
    const first = load.first ?? 0;
    const mine = { sent: 0, firstAt: now(), lastAt: 0 };
    state = mine;
    const timer = setInterval(() => {
      const most = mine.sent + Math.ceil(load.rate / 200);
      const due = Math.min(load.count, most, Math.ceil(((now() - mine.firstAt) * load.rate) / 1e6));
      while (mine.sent < due) {
        const head = `${load.run},${first + mine.sent},${now()},`;
        mine.sent++;
        emit(head + pad.slice(head.length));
      }
      mine.lastAt = now();
      if (mine.sent >= load.count || state !== mine) clearInterval(timer);
    }, 1);
  };
  return { start, sent: () => state };
}

/** Takes what `createSource` sends and counts what is missing, repeated and out of order. */
export function createSink(now: () => number) {
  let run = -1;
  let seen = new Uint8Array(0);
  let latencies = new Float64Array(0);
  let counts = { received: 0, repeated: 0, reordered: 0, lastAt: 0 };
  let highest = -1;
  const expect = (load: Load): void => {
    run = load.run;
    seen = new Uint8Array(load.count);
    latencies = new Float64Array(load.count);
    counts = { received: 0, repeated: 0, reordered: 0, lastAt: 0 };
    highest = -1;
  };
  const take = (text: string): void => {
    const at = now();
    const first = text.indexOf(',');
    const second = text.indexOf(',', first + 1);
    if (Number(text.slice(0, first)) !== run) return;
    const number = Number(text.slice(first + 1, second));
    if (seen[number] === 1) {
      counts.repeated++;
      return;
    }
    seen[number] = 1;
    if (number < highest) counts.reordered++;
    else highest = number;
    latencies[counts.received++] = at - Number(text.slice(second + 1, text.indexOf(',', second + 1)));
    counts.lastAt = at;
  };
  const report = () => {
    const sorted = latencies.slice(0, counts.received).sort();
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    return { ...counts, p50: at(0.5), p99: at(0.99) };
  };
  return { expect, take, received: () => counts.received, report };
}
