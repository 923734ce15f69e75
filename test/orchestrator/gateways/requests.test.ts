import assert from 'node:assert/strict';
import { PendingRequests } from '../../../src/orchestrator/gateways/requests.ts';

describe('what agents were asked', () => {
  const NEVER_MS = 600_000;
  const reply = (id: string) =>
    ({ v: 1, type: 'reply', id, boot: { id: 'b', at: 1 }, result: null }) as never;

  it('fails soon when the gateway goes offline, and not what others were asked', async () => {
    const requests = new PendingRequests(NEVER_MS);
    const gone = requests.open('edge-1', 'streams.retire');
    const other = requests.open('fog-1', 'streams.retire');
    requests.left('edge-1');
    await assert.rejects(gone.answered, { code: 'ECHO_GATEWAY_NO_REPLY', message: /went offline/ });
    requests.reply('fog-1', reply(other.id));
    assert.equal(await other.answered, null);
  });

  it('is answered all the same by a gateway that was away for a blink', async () => {
    const requests = new PendingRequests(NEVER_MS);
    const { id, answered } = requests.open('edge-1', 'streams.retire');
    requests.left('edge-1');
    requests.reply('edge-1', reply(id));
    assert.equal(await answered, null);
  });
});
