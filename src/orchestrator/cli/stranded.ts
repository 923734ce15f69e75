/**
 * Where a change is refused because records wait in streams it takes away: on a terminal, what becomes of them is asked
 * and the change tried once more.
 */
import { inQuestion } from '../../wire/stranded.ts';
import type { DeployOptions, Problem, StandOptions, StrandedStream } from '../types.ts';
import { shown } from './client.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit.ts';
import { renderStranded } from './render/plan.ts';

/** Asks; undefined when nothing is to be changed. */
export async function chooseStanding({ terminal, exit }: Context): Promise<DeployOptions | undefined> {
  const answer = await terminal.ask(
    'Drain first (wait for gateways that are away), discard (declared loss), or cancel? [drain/discard/CANCEL]',
  );
  if (/^drain$/i.test(answer)) return { drain: true, allowOffline: true };
  if (/^discard$/i.test(answer)) return { discard: true, allowOffline: true };
  terminal.note('Nothing was done.');
  exit(EXIT.refused);
  return undefined;
}

export async function withStanding<T extends StandOptions>(
  context: Context,
  options: T,
  work: (options: T) => Promise<void>,
): Promise<void> {
  try {
    await work(options);
  } catch (error) {
    const problem = shown(error);
    const { blockers, stranded } = (problem?.details ?? {}) as {
      blockers?: Problem[];
      stranded?: StrandedStream[];
    };
    const waiting = inQuestion(blockers ?? (problem ? [problem] : []), stranded);
    const asked = options.drain === true || options.discard === true;
    if (waiting.length === 0 || asked || context.json || !context.terminal.interactive) throw error;
    for (const stream of waiting) context.terminal.note(renderStranded(stream, context.terminal.paintNote));
    const choice = await chooseStanding(context);
    if (choice !== undefined) await work({ ...options, ...choice });
  }
}
