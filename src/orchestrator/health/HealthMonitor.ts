/** Runs one liveness machine a gateway against the clock, and tells of every change of health. */
import type { Health } from '../../placement/types.ts';
import { type Limits, type Liveness, type LivenessEvent, step, unheard } from './liveness.ts';

export interface HealthChange {
  readonly gateway: string;
  readonly from: Health;
  readonly to: Health;
}

export interface HealthMonitorOptions extends Limits {
  readonly onChange: (change: HealthChange) => void;
  /** False while the orchestrator itself is cut off: then silence is no sign. */
  readonly hears: () => boolean;
  readonly clock?: () => number;
}

export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #clock: () => number;
  readonly #gateways = new Map<string, Liveness>();
  #timer: NodeJS.Timeout | undefined;
  #heard = false;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
  }

  /** Looks at the clock several times in each `staleMs`, until `stop`. */
  start(): void {
    this.#timer ??= setInterval(() => this.tick(), Math.max(50, Math.floor(this.#options.staleMs / 7)));
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  add(gateway: string): void {
    if (!this.#gateways.has(gateway)) this.#gateways.set(gateway, unheard(this.#clock()));
  }

  remove(gateway: string): void {
    this.#gateways.delete(gateway);
  }

  /** A gateway nobody added is down. */
  get(gateway: string): Liveness {
    return this.#gateways.get(gateway) ?? { ...unheard(0), health: 'down' };
  }

  heard(gateway: string): void {
    this.#apply(gateway, { kind: 'heard', at: this.#clock() });
  }

  offline(gateway: string): void {
    this.#apply(gateway, { kind: 'offline', at: this.#clock() });
  }

  /** `source` names who found it; without a reason the trouble is over. */
  trouble(gateway: string, source: string, reason?: string): void {
    this.#apply(gateway, { kind: 'trouble', source, reason });
  }

  tick(): void {
    const hears = this.#options.hears();
    const kind = hears && !this.#heard ? 'resumed' : 'tick';
    this.#heard = hears;
    if (!hears) return;
    for (const gateway of this.#gateways.keys()) this.#apply(gateway, { kind, at: this.#clock() });
  }

  #apply(gateway: string, event: LivenessEvent): void {
    const before = this.#gateways.get(gateway);
    if (before === undefined) return;
    const after = step(before, event, this.#options);
    this.#gateways.set(gateway, after);
    if (after.health !== before.health)
      this.#options.onChange({ gateway, from: before.health, to: after.health });
  }
}
