import assert from 'node:assert/strict';
import { baseline, type Look, renderTop } from '../../../src/orchestrator/cli/render/top.ts';

/** One stream, whose producer said at `at` ms that it appended `appended` records. */
const look = (at: number, appended: number): Look => ({
  gateways: [],
  streams: [
    {
      stream: 's',
      from: { name: 'a', node: 'a', gateway: 'g' },
      to: [{ name: 'b', node: 'b', gateway: 'h' }],
      producer: { at, appended, backlog: 0, lost: 0 },
      consumers: [{ delivered: 1, repeated: 0, lost: 0 }],
    },
  ],
});
const rateOf = (now: Look, before: Look | undefined): string =>
  renderTop(now, before, (_, text) => text)
    .at(-1)
    ?.match(/b \(h\) +(?:([\d.]+) +)?\d+ +1 +0 +0 +0$/)?.[1] ?? '';

describe('rates of echoctl top', () => {
  it('are of the time between two heartbeats, not between two looks', () => {
    assert.equal(rateOf(look(3_000, 300), look(1_000, 100)), '100.0');
  });

  it('are left blank before the second heartbeat and after a restart', () => {
    assert.equal(rateOf(look(1_000, 100), undefined), '');
    assert.equal(rateOf(look(3_000, 5), look(1_000, 100)), '');
  });

  it('stay when no heartbeat came between two looks', () => {
    const [first, second] = [look(1_000, 100), look(3_000, 300)];
    assert.equal(rateOf(second, baseline(first, second, second)), '100.0');
    assert.equal(rateOf(look(5_000, 400), baseline(first, second, look(5_000, 400))), '50.0');
  });
});
