/**
 * Effectively-once: where a stream and all that it comes of are so, each message has one effect in the state of each
 * task and is never repeated; and what an effectively-once stream has accepted is, in this order, what the state of its
 * task says it put there. A lost disk, and without fsync a power cut, ends that for what comes of the gateway.
 */
import type { Invariant, Observations } from '../world/Witness.ts';
import { kept, type Report } from './books.ts';
import { effectsOf } from './stateIsTheFold.ts';

export function effectivelyOnce(report: Report): Invariant {
  const streams = new Map<string, Observations['routed']>();
  /** All that a stream ever had. */
  const producers = new Map<string, Set<string>>();
  const accepted = new Map<string, number[]>();
  const spoilt = new Set<string>();

  const isClean = (stream: string): boolean => {
    const known = streams.get(stream);
    const whole = [...(producers.get(stream) ?? [])].every((producer) => !spoilt.has(producer));
    return known?.exact === true && whole && known.fedBy.every(isClean);
  };

  const checkOutputs = (gateway: string, { tasks, final }: Observations['state']): void => {
    if (spoilt.has(gateway)) return;
    for (const { stream, producer, exact, fedBy } of streams.values()) {
      if (!exact || producer !== gateway || fedBy[0] === undefined) continue;
      const results = effectsOf(tasks.get(fedBy[0])).flatMap((effect) => effect.results);
      const put = results.filter((result) => result.stream === stream).map(({ value }) => value);
      const has = accepted.get(stream) ?? [];
      const at = has.findIndex((value, i) => value !== put[i]);
      if (at >= 0) report(`${stream}: accepted ${has[at]} where ${gateway} put ${put[at]}`);
      else if (final && put.length > has.length)
        report(`${stream}: ${gateway} put ${put.length} messages, ${has.length} were accepted`);
    }
  };

  return {
    routed(event) {
      streams.set(event.stream, event);
      kept(producers, event.stream, () => new Set<string>()).add(event.producer);
    },
    accepted({ stream, value }) {
      if (!streams.get(stream)?.exact) return;
      const values = accepted.get(stream);
      if (values === undefined) accepted.set(stream, [value]);
      else values.push(value);
    },
    stateLost({ gateway }) {
      spoilt.add(gateway);
    },
    powerCut({ gateway, fsync }) {
      if (!fsync) spoilt.add(gateway);
    },
    delivered({ stream, consumer, value, repeated }) {
      if (repeated && isClean(stream)) report(`${stream}: message ${value} was repeated to ${consumer}`);
    },
    state(event) {
      const { gateway, tasks } = event;
      for (const [stream, state] of tasks) {
        if (!isClean(stream)) continue;
        const had = new Set<number>();
        for (const { message } of effectsOf(state)) {
          if (had.has(message.value))
            report(`${stream}: message ${message.value} took effect twice at ${gateway}`);
          had.add(message.value);
        }
      }
      checkOutputs(gateway, event);
    },
  };
}
