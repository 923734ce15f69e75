/** Runs a state machine of `src/wire` at a gateway that may crash between any two effects. */
import type { Reduced } from '../../../src/wire/sender.ts';
import type { Gateway } from './Gateway.ts';

interface Parts<State, Event, Effect> {
  readonly reduce: (state: State, event: Event) => Reduced<State, Effect>;
  readonly perform: (effect: Effect) => void;
  /** When a tick is due. */
  readonly due: (state: State) => number | undefined;
}

export class Machine<State, Event extends { readonly type: string }, Effect> {
  state: State;
  readonly #gateway: Gateway;
  readonly #parts: Parts<State, Event, Effect>;
  readonly #events: Event[] = [];
  #running = false;
  #stopped = false;
  #tickAt = Number.POSITIVE_INFINITY;

  constructor(gateway: Gateway, state: State, parts: Parts<State, Event, Effect>) {
    this.#gateway = gateway;
    this.state = state;
    this.#parts = parts;
  }

  /** An event that an effect causes is taken after the effects of the event before it. */
  dispatch(event: Event): void {
    if (this.#stopped) return;
    this.#events.push(event);
    if (this.#running) return;
    this.#running = true;
    for (let next = this.#events.shift(); next !== undefined && !this.#stopped; next = this.#events.shift())
      this.#step(next);
    this.#running = false;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
  }

  #step(event: Event): void {
    const { state, effects } = this.#parts.reduce(this.state, event);
    this.state = state;
    for (const effect of effects) {
      if (this.#gateway.world.crashesNow()) this.#gateway.crash('kill');
      if (this.#stopped) return;
      this.#parts.perform(effect);
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    const due = this.#parts.due(this.state);
    if (due === undefined || due >= this.#tickAt) return;
    this.#tickAt = due;
    this.#gateway.later(Math.max(0, due - this.#gateway.world.now), () => this.#tick(due));
  }

  #tick(due: number): void {
    if (this.#stopped || this.#tickAt !== due) return;
    this.#tickAt = Number.POSITIVE_INFINITY;
    const now = this.#parts.due(this.state);
    if (now !== undefined && now <= this.#gateway.world.now)
      this.dispatch({ type: 'tick', at: this.#gateway.world.now } as never);
    else this.#schedule();
  }
}
