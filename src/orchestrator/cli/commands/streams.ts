/** stream ls|inspect|purge|skip, stream dead ls|show|replay|drop. */
import type { Command } from 'commander';
import type { Inspection, Purged, Replayed, Skipped } from '../../../wire/operate.ts';
import type { DeadLetterDetailView, DeadLetterView } from '../../types.ts';
import { segment, type WithContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import {
  renderInspection,
  renderLetter,
  renderLetters,
  renderReplayed,
  renderStreams,
} from '../render/streams.ts';
import type { StreamLook } from '../render/top.ts';
import { plural } from '../terminal.ts';
import { show } from './applications.ts';
import { wholeNumber } from './deploy.ts';

const STREAM = 'name of the stream, or id or name of the task it comes from';
const GATEWAY = 'id of the gateway that keeps it';
const LETTER = 'its number there';

export function streamCommands(program: Command, context: WithContext): void {
  const stream = program.command('stream').description('look at the cut wires and operate them');
  stream
    .command('ls')
    .description('every cut wire: rate, backlog, latency, what was lost or set aside')
    .action((_: object, command: Command) => show<StreamLook[]>(context(command), '/streams', renderStreams));
  stream
    .command('inspect')
    .description('the oldest records that wait, with the beginning of each message')
    .argument('<stream>', STREAM)
    .option('--consumer <gateway>', 'what waits for this gateway alone')
    .option('--limit <n>', 'most records, at most 100', wholeNumber)
    .option('--preview <n>', 'characters of each message', wholeNumber)
    .action((id: string, options: Record<string, string | number>, command: Command) => {
      const { consumer, limit, preview } = options;
      const asked = { consumer, limit, preview };
      return show<Inspection>(
        context(command),
        `/streams/${segment(id)}/records${query(asked)}`,
        renderInspection,
      );
    });
  lossCommands(stream, context);
  deadLetterCommands(stream.command('dead').description('records that were set aside'), context);
}

function lossCommands(stream: Command, context: WithContext): void {
  stream
    .command('purge')
    .description('give up what waits, for one consumer or for all: declared loss')
    .argument('<stream>', STREAM)
    .option('--consumer <gateway>', 'for this gateway alone')
    .option('-y, --yes', 'do not ask first')
    .action(async (id: string, options: { consumer?: string; yes?: boolean }, command: Command) => {
      const here = context(command);
      const { consumer } = options;
      const whom = consumer === undefined ? 'everyone' : consumer;
      if (!(await here.agreed(`Give up what waits in ${id} for ${whom}?`, options.yes))) return;
      const body = consumer === undefined ? {} : { consumer };
      const purged = await here.client.ask<Purged>(`/streams/${segment(id)}/purge`, { method: 'POST', body });
      here.result(purged, () =>
        Object.entries(purged.consumers).map(
          ([at, count]) => `${at} will not get ${plural(count, 'record')}.`,
        ),
      );
    });
  stream
    .command('skip')
    .description('pass over the first records a consumer has not finished: declared loss')
    .argument('<stream>', STREAM)
    .argument('[count]', 'how many records', wholeNumber, 1)
    .requiredOption('--consumer <gateway>', 'the gateway that is stuck')
    .option('-y, --yes', 'do not ask first')
    .action(
      async (id: string, count: number, options: { consumer: string; yes?: boolean }, command: Command) => {
        const here = context(command);
        const { consumer } = options;
        const what = plural(count, 'record');
        if (!(await here.agreed(`Pass over ${what} of ${id} on ${consumer}?`, options.yes))) return;
        const body = { consumer, count };
        const skipped = await here.client.ask<Skipped>(`/streams/${segment(id)}/skip`, {
          method: 'POST',
          body,
        });
        here.result(skipped, () => [
          skipped.seqs.length === 0
            ? `${consumer} is not stuck on a record.`
            : `Passed over ${skipped.seqs.join(', ')}.`,
        ]);
      },
    );
}

function deadLetterCommands(dead: Command, context: WithContext): void {
  dead
    .command('ls')
    .description('all of them, on the gateways that are there')
    .option('--gateway <gateway>', 'of this gateway alone')
    .option('--stream <stream>', 'of this stream alone')
    .action(({ gateway, stream }: Record<string, string>, command: Command) =>
      show<DeadLetterView[]>(context(command), `/dead-letters${query({ gateway, stream })}`, renderLetters),
    );
  dead
    .command('show')
    .description('one of them with its message')
    .argument('<gateway>', GATEWAY)
    .argument('<number>', LETTER)
    .action((gateway: string, letter: string, _: object, command: Command) =>
      show<DeadLetterDetailView>(context(command), path(gateway, letter), renderLetter),
    );
  dead
    .command('replay')
    .description('deliver it again; it goes when its task succeeds')
    .argument('<gateway>', GATEWAY)
    .argument('<number>', LETTER)
    .action(async (gateway: string, letter: string, _: object, command: Command) => {
      const here = context(command);
      const replayed = await here.client.ask<Replayed>(`${path(gateway, letter)}/replay`, { method: 'POST' });
      here.result(replayed, () => [renderReplayed(replayed, here.terminal.paint)]);
      if (replayed.outcome === 'error') here.exit(EXIT.refused);
    });
  dead
    .command('drop')
    .description('forget it: the record is lost')
    .argument('<gateway>', GATEWAY)
    .argument('<number>', LETTER)
    .option('-y, --yes', 'do not ask first')
    .action(async (gateway: string, letter: string, { yes }: { yes?: boolean }, command: Command) => {
      const here = context(command);
      if (!(await here.agreed(`Drop dead letter ${letter} of ${gateway}?`, yes))) return;
      await here.client.ask(path(gateway, letter), { method: 'DELETE' });
      here.result({ gateway, dropped: letter }, () => [`Dead letter ${letter} of ${gateway} is gone.`]);
    });
}

const path = (gateway: string, letter: string): string =>
  `/gateways/${segment(gateway)}/dead-letters/${segment(letter)}`;

function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? '' : `?${search}`;
}
