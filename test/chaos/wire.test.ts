/** The chaos run in short: `npm run -s chaos -- wire` is the same for as long as one likes. */
import assert from 'node:assert/strict';
import { disposables } from '../kit/cleanup.ts';
import { schedule } from './schedule.ts';
import { verdictOf } from './verdict.ts';
import { runWireChaos } from './wireChaos.ts';

const DURATION_MS = 25_000;
const EVERY_MS = 1_200;
const PER_SECOND = 200;

describe('chaos: cut wires over three real gateways', function () {
  this.timeout(240_000);

  for (const broker of ['mosquitto', 'aedes'] as const) {
    const kit = disposables();
    it(`loses and reorders nothing where the core MQTT nodes do (${broker})`, async () => {
      const seed = Date.now() % 1_000_000;
      const faults = schedule(seed, DURATION_MS, EVERY_MS);
      const said: string[] = [];
      const say = (text: string): void => void said.push(text);
      const report = await runWireChaos(kit, { broker, faults, perSecond: PER_SECOND, say });
      const story = `seed ${seed}\n${said.join('\n')}\n${JSON.stringify(report)}`;
      const verdict = verdictOf([report]);
      assert.ok(verdict.ok, story);
      const skipped = said.find((text) => text.startsWith('skipped'));
      if (skipped !== undefined) console.log(`      ${skipped}`);
      console.log(
        `      ${verdict.faults} faults (seed ${seed}), ${verdict.rows} rows: 0 lost, ${verdict.repeated} repeated; ` +
          `core MQTT nodes lost ${verdict.baselineLost}`,
      );
    });
  }

  it('the same seed gives the same schedule', () => {
    assert.deepEqual(schedule(3, 60_000, 1000), schedule(3, 60_000, 1000));
    assert.notDeepEqual(schedule(3, 60_000, 1000), schedule(4, 60_000, 1000));
  });
});
