/**
 * When a fragment (the tasks of one application on one gateway) takes its checkpoints: `(state, event) → (state,
 * effects)`, no I/O, no clock. A checkpoint is one record of the cursors of its in streams, the state of its tasks and
 * how far its out streams are released; it is taken where the fragment is *quiet*, that is, nothing is on its way
 * through its tasks, so that the three belong together. Rules are numbered as in docs/PROTOCOL.md.
 */
import type { Reduced } from './sender.ts';

export interface FragmentOptions {
  /** Some wire is effectively-once: there is no checkpoint but of a quiet fragment. */
  readonly exact: boolean;
  /**
   * How long work waits for a checkpoint before intake is held to get one, ms. One that need not be exact is not taken
   * before either.
   */
  readonly everyMs: number;
}

export interface FragmentState extends FragmentOptions {
  /** Since when there is something that no checkpoint holds. */
  readonly changedAt: number | undefined;
  /** Since when intake is held, so that the fragment becomes quiet. */
  readonly heldAt: number | undefined;
  /** A checkpoint is on its way to the disk. */
  readonly writing: boolean;
  /** No checkpoint is taken before: they cost a share of the time at most. */
  readonly restUntil: number;
}

export type FragmentEvent =
  /** A record was finished, or a message was appended to an out stream. */
  | { readonly type: 'changed'; readonly at: number }
  /** How it stands now: answer to `look`, and told again and again while intake is held. */
  | { readonly type: 'seen'; readonly quiet: boolean; readonly at: number }
  /** Answer to `capture`: it took `costMs` of the event loop. */
  | { readonly type: 'captured'; readonly costMs: number; readonly at: number }
  /** The checkpoint taken last survives a crash, or could not be written; writing took `costMs` of the event loop too. */
  | { readonly type: 'written'; readonly ok: boolean; readonly at: number; readonly costMs?: number }
  | { readonly type: 'options'; readonly options: FragmentOptions }
  | { readonly type: 'tick'; readonly at: number };

export type FragmentEffect =
  /** Tell whether it is quiet, with `seen`. */
  | { readonly type: 'look' }
  /** Hand nothing over to the tasks, and let their sources wait. */
  | { readonly type: 'hold' }
  | { readonly type: 'resume' }
  /** Take a checkpoint as it stands now; answer with `captured`, and with `written` when it is on disk. */
  | { readonly type: 'capture' };

/** A checkpoint takes at most this part of the time, */
const SHARE = 1 / 5;
/** unless that would hold up results for long: a disk that stalls once says little of the next time. ms */
const MOST_REST_MS = 1_000;
/** After a checkpoint could not be written, ms. */
const RETRY_MS = 1_000;
/** How long intake is held for a fragment that need not be exact, ms. */
const PATIENCE_MS = 100;

export const initFragment = (options: FragmentOptions): FragmentState => ({
  ...options,
  changedAt: undefined,
  heldAt: undefined,
  writing: false,
  restUntil: Number.NEGATIVE_INFINITY,
});

export function reduceFragment(
  state: FragmentState,
  event: FragmentEvent,
): Reduced<FragmentState, FragmentEffect> {
  switch (event.type) {
    case 'changed':
      return decide({ ...state, changedAt: state.changedAt ?? event.at }, undefined, event.at);
    case 'seen':
      return decide(state, event.quiet, event.at);
    case 'captured': {
      const restUntil = event.at + Math.min(event.costMs * (1 / SHARE - 1), MOST_REST_MS);
      return resumed({ ...state, changedAt: undefined, writing: true, restUntil });
    }
    case 'written': {
      if (event.ok) {
        const rest = Math.max(0, state.restUntil - event.at) + (event.costMs ?? 0) / SHARE;
        const restUntil = event.at + Math.min(rest, MOST_REST_MS);
        return decide({ ...state, writing: false, restUntil }, undefined, event.at);
      }
      const restUntil = event.at + RETRY_MS;
      const changedAt = state.changedAt ?? event.at;
      return { state: { ...state, writing: false, restUntil, changedAt }, effects: [] };
    }
    case 'options':
      return { state: { ...state, ...event.options }, effects: [] };
    case 'tick':
      return decide(state, undefined, event.at);
  }
}

/** When a `tick` is due. */
export function fragmentDue(state: FragmentState): number | undefined {
  if (state.changedAt === undefined || state.writing) return undefined;
  if (state.heldAt === undefined) return Math.max(state.changedAt + state.everyMs, state.restUntil);
  return state.exact ? undefined : state.heldAt + PATIENCE_MS;
}

/**
 * At once when it is quiet; when work has waited for long, intake is held until it is. One that need not be exact does
 * not wait for that for ever: what is on its way is delivered again after a crash, though its state may know of it.
 */
function decide(
  state: FragmentState,
  quiet: boolean | undefined,
  at: number,
): Reduced<FragmentState, FragmentEffect> {
  const { changedAt, heldAt, writing, restUntil, everyMs, exact } = state;
  if (changedAt === undefined || writing || at < restUntil) return { state, effects: [] };
  const late = at >= changedAt + everyMs;
  if (!exact && !late) return { state, effects: [] };
  if (quiet === undefined) return { state, effects: [{ type: 'look' }] };
  const impatient = !exact && heldAt !== undefined && at >= heldAt + PATIENCE_MS;
  if (quiet || impatient) return { state, effects: [{ type: 'capture' }] };
  if (heldAt !== undefined || !late) return { state, effects: [] };
  return { state: { ...state, heldAt: at }, effects: [{ type: 'hold' }] };
}

function resumed(state: FragmentState): Reduced<FragmentState, FragmentEffect> {
  if (state.heldAt === undefined) return { state, effects: [] };
  return { state: { ...state, heldAt: undefined }, effects: [{ type: 'resume' }] };
}
