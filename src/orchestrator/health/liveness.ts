/**
 * Is a gateway alive? A pure state machine fed with what was heard of it and with the time.
 *
 *     heard ──▶ up | degraded ──(silent for staleMs)──▶ stale ──(silent for 3 × staleMs)──▶ down
 *     offline (last will, or an orderly leave) ──▶ down at once
 *
 * Silence counts only while the orchestrator could have heard: `resumed` starts it anew after its own connection
 * to the broker was lost, so that a broker restart does not take a fleet down.
 */
import type { Health } from '../../placement/types.ts';

export interface Limits {
  /** Silent for this long: stale; three times as long: down. Milliseconds. */
  readonly staleMs: number;
}

export interface Liveness {
  readonly health: Health;
  /** The control connection stands, as far as was heard. */
  readonly connected: boolean;
  /** When it was last heard of, ms; undefined when never since the orchestrator started. */
  readonly heardAt: number | undefined;
  /** Start of the silence that counts, ms. */
  readonly silentSince: number;
  /** What is wrong with a gateway that lives, by who found it; it is degraded while there is any. */
  readonly troubles: Readonly<Record<string, string>>;
}

export type LivenessEvent =
  /** A valid envelope of its current boot. */
  | { readonly kind: 'heard'; readonly at: number }
  /** Its last will, or its own word that it leaves. */
  | { readonly kind: 'offline'; readonly at: number }
  /** `reason` undefined: this trouble is over. */
  | { readonly kind: 'trouble'; readonly source: string; readonly reason: string | undefined }
  /** The orchestrator hears (again) from now on. */
  | { readonly kind: 'resumed'; readonly at: number }
  | { readonly kind: 'tick'; readonly at: number };

/** A gateway known from the store and not heard of yet: stale, until it speaks or its time is over. */
export function unheard(at: number): Liveness {
  return { health: 'stale', connected: false, heardAt: undefined, silentSince: at, troubles: {} };
}

export function step(state: Liveness, event: LivenessEvent, limits: Limits): Liveness {
  switch (event.kind) {
    case 'heard':
      return alive({ ...state, connected: true, heardAt: event.at, silentSince: event.at });
    case 'offline':
      return { ...state, health: 'down', connected: false };
    case 'resumed':
      return { ...state, silentSince: event.at };
    case 'trouble': {
      const troubles = { ...state.troubles };
      if (event.reason === undefined) delete troubles[event.source];
      else troubles[event.source] = event.reason;
      const next = { ...state, troubles };
      return state.health === 'up' || state.health === 'degraded' ? alive(next) : next;
    }
    case 'tick':
      return judged(state, event.at - state.silentSince, limits);
  }
}

function alive(state: Liveness): Liveness {
  return { ...state, health: Object.keys(state.troubles).length > 0 ? 'degraded' : 'up' };
}

function judged(state: Liveness, silent: number, { staleMs }: Limits): Liveness {
  if (state.health === 'down') return state;
  if (silent > 3 * staleMs) return { ...state, health: 'down', connected: false };
  if (silent > staleMs && state.health !== 'stale') return { ...state, health: 'stale' };
  return state;
}
