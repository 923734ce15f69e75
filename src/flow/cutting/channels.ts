/** An `echo channel` says the options of the wire it stands on: the wire is cut behind it and nowhere before it. */
import { ECHO_CHANNEL } from '../../wire/nodes.ts';
import { describe } from '../anatomy.ts';
import type { Findings, Ground } from './ground.ts';

export function channelsRule({ tasks, wires }: Ground): Findings {
  const channels = [...tasks.values()].filter((task) => task.type === ECHO_CHANNEL);
  const together = channels.map(({ id, raw }) => ({
    tasks: [id, ...new Set(wires.filter((wire) => wire.to === id).map((wire) => wire.from.node))],
    rule: 'channel',
    reason: `${describe(raw)} stands where the wire it names begins; wires from several gateways need a channel each.`,
  }));
  return { together, warnings: [] };
}
