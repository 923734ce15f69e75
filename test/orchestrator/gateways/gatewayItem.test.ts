import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromItem, type GatewayState, toItem } from '../../../src/orchestrator/gateways/gatewayItem.ts';
import { readItem } from '../../../src/registry/item.ts';
import { allValues, rels } from '../../../src/registry/types.ts';
import type { GatewayFacts } from '../../../src/wire/control.ts';

const word = fc.string({ minLength: 1, maxLength: 12 });
const optional = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });
const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

const facts: fc.Arbitrary<GatewayFacts> = fc
  .record({
    tier: fc.constantFrom('edge' as const, 'fog' as const, 'cloud' as const),
    site: optional(word),
    adminUrl: fc.constant('http://127.0.0.1:1880/red'),
    nodeRedVersion: word,
    nodeVersion: word,
    agentVersion: word,
    arch: word,
    platform: word,
    cpuCores: fc.integer({ min: 1, max: 512 }),
    memTotalMB: fc.integer({ min: 0, max: 10_000_000 }),
    capabilities: fc.array(word, { maxLength: 4 }),
    maxTasks: optional(fc.integer({ min: 1, max: 10_000 })),
    nodeTypes: fc.array(word, { maxLength: 4 }),
    apiMaxBytes: fc.integer({ min: 1, max: 2 ** 40 }),
    location: optional(
      fc.tuple(fc.constantFrom(0, -12.5), fc.constantFrom(0, 179.99)).map(([lat, long]) => ({ lat, long })),
    ),
  })
  .map((value) => defined(value) as GatewayFacts);

const state = fc
  .record({
    health: fc.constantFrom('up' as const, 'degraded' as const, 'stale' as const, 'down' as const),
    lastSeen: fc.integer({ min: 0, max: 4e12 }),
    expires: fc.integer({ min: 0, max: 4e12 }),
    cpuPct: optional(fc.integer({ min: 0, max: 100 })),
    memFreeMB: optional(fc.integer({ min: 0, max: 10_000_000 })),
  })
  .map((value) => defined(value) as GatewayState);

describe('gateway item', () => {
  it('is a valid Hypercat item and reads back as what was written', () => {
    fc.assert(
      fc.property(facts, state, (said, now) => {
        const item = toItem('edge-1', said, now);
        assert.deepEqual(readItem(JSON.parse(JSON.stringify(item))), item);
        assert.deepEqual(fromItem(item), { id: 'edge-1', facts: said, ...now });
      }),
    );
  });

  it('writes numbers so that comparing the texts compares the numbers', () => {
    const number = fc.integer({ min: 0, max: 9_999_999 });
    const one: GatewayFacts = fc.sample(facts, 1)[0]!;
    const text = (memFreeMB: number): string => {
      const item = toItem('a', one, { health: 'up', lastSeen: 0, expires: 0, memFreeMB });
      return allValues(item['item-metadata'], 'urn:X-echo:rels:memFreeMB')[0]!;
    };
    fc.assert(
      fc.property(number, number, (a, b) => Math.sign(a - b) === Math.sign(compare(text(a), text(b)))),
    );
  });

  it('carries the standard rels', () => {
    const item = toItem('edge-1', fc.sample(facts, 1)[0]!, { health: 'up', lastSeen: 0, expires: 0 });
    for (const rel of [rels.description, rels.contentType, rels.homepage, rels.lastUpdated])
      assert.equal(allValues(item['item-metadata'], rel).length, 1);
  });
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
