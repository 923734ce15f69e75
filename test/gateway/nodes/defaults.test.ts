import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inChoice, outChoice, type WireChoice } from '../../../src/wire/options.ts';

const SAID: WireChoice = {
  ...{ durability: 'fsync', window: 1, credit: 'pull', whenFull: 'sample', quotaMB: 1 },
  ...{ priority: 1, attempts: 1, start: 'earliest' },
};
/** The editor keeps these properties of a node, and drops all others when somebody deploys from it. */
function keptOf(type: string): string[] {
  const page = readFileSync(
    new URL(`../../../nodes/gateway/src/nodes/${type}.html`, import.meta.url),
    'utf8',
  );
  const defaults = page.slice(page.indexOf('defaults: {'), page.indexOf('inputs:'));
  return [...defaults.matchAll(/^ {8}(\w+): \{/gm)].map(([, name]) => name!);
}

describe('wire nodes in the editor of a gateway', () => {
  it('keep every option that a deploy gives them', () => {
    const missing = (type: string, choice: object) =>
      Object.keys(choice).filter((o) => !keptOf(type).includes(o));
    assert.deepEqual(missing('echo-in', inChoice(SAID)), []);
    assert.deepEqual(missing('echo-out', outChoice(SAID)), []);
  });
});
