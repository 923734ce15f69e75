/** Runs a state machine of `src/wire`: events one at a time, then their effects, and a tick when one is due. */
import type { Reduced } from '../../../src/wire/sender.ts';
import { DueTimer } from './DueTimer.ts';

export interface Machine<State, Event, Effect> {
  readonly reduce: (state: State, event: Event) => Reduced<State, Effect>;
  /** An exception, here as in `reduce`, is reported and does not stop the machine. */
  readonly perform: (effect: Effect) => void;
  /** When a tick is due, `performance.now()`. */
  readonly due: (state: State) => number | undefined;
  readonly onError: (error: Error) => void;
}

export class Driver<State, Event extends { readonly type: string }, Effect> {
  readonly #machine: Machine<State, Event, Effect>;
  readonly #timer = new DueTimer(() => this.dispatch({ type: 'tick', at: performance.now() } as never));
  readonly #events: Event[] = [];
  #state: State;
  #running = false;
  #stopped = false;

  constructor(state: State, machine: Machine<State, Event, Effect>) {
    this.#state = state;
    this.#machine = machine;
  }

  get state(): State {
    return this.#state;
  }

  /** An event that an effect causes is taken after the effects of the event before it. */
  dispatch(event: Event): void {
    if (this.#stopped) return;
    this.#events.push(event);
    if (this.#running) return;
    this.#running = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#step(next);
    this.#running = false;
    this.#timer.set(this.#machine.due(this.#state));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.stop();
  }

  #step(event: Event): void {
    for (const effect of this.#reduce(event)) {
      try {
        this.#machine.perform(effect);
      } catch (error) {
        this.#machine.onError(error as Error);
      }
    }
  }

  /** An event that cannot be taken must not stop those after it. */
  #reduce(event: Event): readonly Effect[] {
    try {
      const { state, effects } = this.#machine.reduce(this.#state, event);
      this.#state = state;
      return effects;
    } catch (error) {
      this.#machine.onError(error as Error);
      return [];
    }
  }
}
