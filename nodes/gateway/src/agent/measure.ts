/** Load of the machine and of this process, from one heartbeat to the next. */
import { cpus, freemem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Heartbeat } from '../../../../src/wire/control.ts';

const RESOLUTION_MS = 20;

export type Load = Pick<Heartbeat, 'cpuPct' | 'memFreeMB' | 'rssMB' | 'eventLoopLagMs'>;

export class LoadMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #times = cpuTimes();

  constructor() {
    this.#delay.enable();
  }

  /** Processor use of the machine (0–100) and 99th percentile of the event loop's lag since the last call. */
  read(): Load {
    const before = this.#times;
    this.#times = cpuTimes();
    const total = this.#times.total - before.total;
    const idle = this.#times.idle - before.idle;
    const lag = Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION_MS);
    this.#delay.reset();
    return {
      cpuPct: total > 0 ? round(100 * (1 - idle / total)) : 0,
      memFreeMB: Math.round((process.availableMemory?.() ?? freemem()) / 1048576),
      rssMB: Math.round(process.memoryUsage.rss() / 1048576),
      eventLoopLagMs: Number.isFinite(lag) ? round(lag) : 0,
    };
  }

  stop(): void {
    this.#delay.disable();
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;

function cpuTimes(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}
