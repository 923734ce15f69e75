import assert from 'node:assert/strict';
import { Refusal } from '../../../src/orchestrator/cli/client.ts';
import type { Context } from '../../../src/orchestrator/cli/context.ts';
import { createContext } from '../../../src/orchestrator/cli/context.ts';
import { EXIT } from '../../../src/orchestrator/cli/exit.ts';
import { withStanding } from '../../../src/orchestrator/cli/stranded.ts';
import type { DeployOptions, StrandedStream } from '../../../src/orchestrator/types.ts';

const stranded: StrandedStream = {
  stream: 'city/parse:0',
  from: 'edge-1',
  consumers: ['fog-1'],
  away: ['fog-1'],
  records: 12,
  action: 'refuse',
};

/** Somebody sits at the terminal and types `answer`. */
function terminal(answer: string, interactive = true) {
  const notes: string[] = [];
  const codes: number[] = [];
  const context: Context = createContext(
    { url: 'http://127.0.0.1:1' },
    {
      paint: (_, text) => text,
      paintNote: (_, text) => text,
      print: () => {},
      note: (text) => void notes.push(text),
      interactive,
      columns: 80,
      ask: async () => answer,
    },
    (code) => void codes.push(code),
  );
  return { context, notes, codes };
}

describe('echoctl where records wait', () => {
  /** Refuses until somebody has said what becomes of them. */
  const change = (codes: string[]) => {
    const tried: DeployOptions[] = [];
    const work = async (options: DeployOptions): Promise<void> => {
      tried.push(options);
      if (options.drain || options.discard) return;
      const blockers = codes.map((code) => ({ code, message: '', remedy: '' }));
      throw new Refusal({
        code: codes[0]!,
        detail: '',
        remedy: '',
        details: { blockers, stranded: [stranded] },
      });
    };
    return { tried, work };
  };
  const NOT_DRAINED = 'ECHO_STREAM_NOT_DRAINED';

  it('shows them, asks, and tries again with the answer', async () => {
    for (const answer of ['drain', 'Discard'] as const) {
      const { context, notes } = terminal(answer);
      const { tried, work } = change(['ECHO_GATEWAY_OFFLINE', NOT_DRAINED]);
      await withStanding(context, { drainMs: 7 }, work);
      assert.match(notes[0]!, /city\/parse:0 for fog-1 \(fog-1 away\): 12 records/);
      assert.deepEqual(tried.at(-1), { drainMs: 7, [answer.toLowerCase()]: true, allowOffline: true });
    }
  });

  it('changes nothing when the answer is neither', async () => {
    const { context, codes, notes } = terminal('');
    const { tried, work } = change([NOT_DRAINED]);
    await withStanding(context, {}, work);
    assert.deepEqual([tried.length, codes, notes.at(-1)], [1, [EXIT.refused], 'Nothing was done.']);
  });

  it('asks nothing where nobody is there, where it was said already, and where something else is in the way', async () => {
    const refused = { name: 'Refusal' };
    await assert.rejects(
      withStanding(terminal('drain', false).context, {}, change([NOT_DRAINED]).work),
      refused,
    );
    for (const codes of [[NOT_DRAINED, 'ECHO_DRIFT'], ['ECHO_GATEWAY_OFFLINE']]) {
      const { work } = change(codes);
      await assert.rejects(withStanding(terminal('drain').context, {}, work), refused);
    }
    const failing = async () => {
      await change([NOT_DRAINED]).work({});
    };
    await assert.rejects(withStanding(terminal('drain').context, { drain: true }, failing), refused);
  });
});
