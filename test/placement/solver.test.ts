import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PlacementHints, Together } from '../../src/flow/types.ts';
import { checkTypes, unknownTypes } from '../../src/placement/constraints.ts';
import { unsatisfiable } from '../../src/placement/explain.ts';
import { solver } from '../../src/placement/solver.ts';
import type { Candidate, PlacementRequest } from '../../src/placement/types.ts';
import { isEchoError } from '../../src/wire/errors.ts';

const gateway = (id: string, extra: Partial<Candidate> = {}): Candidate => ({
  id,
  tier: id.startsWith('edge') ? 'edge' : id.startsWith('fog') ? 'fog' : 'cloud',
  health: 'up',
  nodeTypes: new Set(['function']),
  capabilities: new Set(),
  ...extra,
});

const task = (
  id: string,
  hints: PlacementHints = {},
  types = ['function'],
): PlacementRequest['tasks'][number] => {
  const from = { kind: 'node', id } as const;
  const { tier, gateway: named, requires = [] } = hints;
  return {
    id,
    types,
    hints: {
      ...(tier && { tier: { value: tier, from } }),
      ...(named && { gateway: { value: named, from } }),
      requires: requires.map((value) => ({ value, from })),
      delivery: 'at-least-once',
    },
  };
};

const wire = (from: string, to: string) => ({ from: { node: from, port: 0 }, to, kind: 'wire' as const });
const tied = (...tasks: string[]): Together => ({ tasks, rule: 'test', reason: 'They share a thing.' });
const fleet = [gateway('cloud-1'), gateway('edge-1'), gateway('edge-2'), gateway('fog-1')];

const request = (
  tasks: PlacementRequest['tasks'],
  extra: Partial<PlacementRequest> = {},
): PlacementRequest => ({ tasks, wires: [], together: [], candidates: fleet, ...extra });

const places = (asked: PlacementRequest): Record<string, string> => {
  const result = solver.solve(asked);
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.conflicts));
  return Object.fromEntries(result.placement);
};
const conflicts = (asked: PlacementRequest) => {
  const result = solver.solve(asked);
  assert.ok(!result.ok);
  return result.conflicts;
};

describe('placement: constraints', () => {
  it('a named gateway, a tier, a capability and a node type are kept', () => {
    const camera = gateway('edge-3', { capabilities: new Set(['camera']) });
    const model = gateway('fog-2', { nodeTypes: new Set(['function', 'tf']) });
    const tasks = [
      task('a', { gateway: 'fog-1' }),
      task('b', { tier: 'cloud' }),
      task('c', { requires: ['camera'] }),
      task('d', {}, ['function', 'tf']),
    ];
    assert.deepEqual(places(request(tasks, { candidates: [...fleet, camera, model] })), {
      a: 'fog-1',
      b: 'cloud-1',
      c: 'edge-3',
      d: 'fog-2',
    });
  });
  it('tasks that must stand together do, and one hint serves all of them', () => {
    const found = places(
      request([task('a'), task('b', { tier: 'fog' }), task('c')], {
        together: [tied('a', 'b'), tied('b', 'c')],
      }),
    );
    assert.deepEqual(found, { a: 'fog-1', b: 'fog-1', c: 'fog-1' });
  });
  it('a gateway that is down takes nothing, unless offline ones are accepted and no other will do', () => {
    const candidates = [gateway('edge-1', { health: 'down' }), gateway('edge-2', { cpuPct: 99 })];
    const two = request([task('a', { tier: 'edge' })], { candidates });
    assert.deepEqual(places(two), { a: 'edge-2' });
    assert.deepEqual(places({ ...two, allowOffline: true }), { a: 'edge-2' });
    const named = request([task('a', { gateway: 'edge-1' })], { candidates });
    assert.equal(conflicts(named)[0]!.rejected.find((r) => r.gateway === 'edge-1')!.code, 'down');
    assert.deepEqual(places({ ...named, allowOffline: true }), { a: 'edge-1' });
  });
});

describe('placement: what it prefers', () => {
  it('keeps tasks where they stand, whatever the load', () => {
    const candidates = [gateway('edge-1', { cpuPct: 90 }), gateway('edge-2', { cpuPct: 1 })];
    const previous = new Map([['a', 'edge-1']]);
    assert.deepEqual(
      places(request([task('a'), task('b')], { candidates, previous, wires: [wire('a', 'b')] })),
      { a: 'edge-1', b: 'edge-1' },
    );
  });
  it('moves a task whose gateway no longer fits', () => {
    const previous = new Map([
      ['a', 'edge-1'],
      ['b', 'gone'],
    ]);
    assert.deepEqual(
      places(request([task('a', { tier: 'fog' }), task('b', { tier: 'fog' })], { previous })),
      { a: 'fog-1', b: 'fog-1' },
    );
  });
  it('an unhinted chain between two tiers is cut once', () => {
    const tasks = [
      task('a', { tier: 'edge' }),
      task('b'),
      task('c'),
      task('d'),
      task('e', { tier: 'cloud' }),
    ];
    const found = places(
      request(tasks, { wires: [wire('a', 'b'), wire('b', 'c'), wire('c', 'd'), wire('d', 'e')] }),
    );
    const stands = ['a', 'b', 'c', 'd', 'e'].map((id) => found[id]);
    assert.equal(stands.filter((place, i) => i > 0 && place !== stands[i - 1]).length, 1);
  });
  it('stays in the site of its neighbours when it must leave their gateway', () => {
    const candidates = [
      gateway('edge-1', { site: 'north' }),
      gateway('fog-1', { site: 'south', cpuPct: 1 }),
      gateway('fog-2', { site: 'north', cpuPct: 50 }),
    ];
    const found = places(
      request([task('a', { tier: 'edge' }), task('b', { tier: 'fog' })], {
        candidates,
        wires: [wire('a', 'b')],
      }),
    );
    assert.equal(found.b, 'fog-2');
  });
  it('then the less loaded, then the first by id', () => {
    const candidates = [
      gateway('edge-2', { cpuPct: 40 }),
      gateway('edge-1', { cpuPct: 41 }),
      gateway('edge-3', { cpuPct: 80 }),
    ];
    assert.deepEqual(places(request([task('a')], { candidates })), { a: 'edge-1' });
  });
});

describe('placement: capacity', () => {
  it('is kept, and others are moved aside when that is the only way', () => {
    const candidates = [gateway('edge-1', { freeTasks: 1 }), gateway('fog-1', { freeTasks: 1 })];
    assert.deepEqual(places(request([task('a'), task('b', { tier: 'edge' })], { candidates })), {
      a: 'fog-1',
      b: 'edge-1',
    });
    assert.deepEqual(
      places(
        request([task('a'), task('b'), task('c', { tier: 'edge' })], {
          candidates: [...candidates, gateway('fog-2', { freeTasks: 1 })],
        }),
      ).c,
      'edge-1',
    );
  });
  it('a chain of moves is found', () => {
    const has = (...names: string[]) => ({ capabilities: new Set(names), freeTasks: 1 });
    const candidates = [gateway('g1', has('x', 'y')), gateway('g2', has('x')), gateway('g3', has('y'))];
    const tasks = [
      task('a', { requires: ['x'] }),
      task('b', { requires: ['y'] }),
      task('c', { requires: ['y'] }),
    ];
    assert.deepEqual(places(request(tasks, { candidates })), { a: 'g2', b: 'g3', c: 'g1' });
  });
  it('bundles of several sizes are packed', () => {
    const candidates = [gateway('a', { freeTasks: 5 }), gateway('b', { freeTasks: 5 })];
    const sizes = [3, 3, 2, 2];
    const tasks = sizes.flatMap((n, i) => Array.from({ length: n }, (_, k) => task(`t${i}-${k}`)));
    const together = sizes.map((n, i) => tied(...Array.from({ length: n }, (_, k) => `t${i}-${k}`)));
    const found = Object.values(places(request(tasks, { candidates, together })));
    assert.deepEqual(
      ['a', 'b'].map((id) => found.filter((g) => g === id).length),
      [5, 5],
    );
  });
  it('when the gateways that fit are full, the conflict says so for each', () => {
    const candidates = [gateway('edge-1', { freeTasks: 1 }), gateway('fog-1')];
    const [conflict] = conflicts(
      request([task('a', { tier: 'edge' }), task('b', { tier: 'edge' })], { candidates }),
    );
    assert.deepEqual(
      conflict!.rejected.map((r) => [r.gateway, r.code]),
      [
        ['edge-1', 'capacity'],
        ['fog-1', 'tier'],
      ],
    );
    assert.match(conflict!.reason, /full/);
  });
});

describe('placement: conflicts', () => {
  it('list every gateway and why it was rejected', () => {
    const found = conflicts(
      request([task('a', { tier: 'edge', requires: ['camera', 'gpu'] }, ['function', 'tf'])], {
        candidates: [
          gateway('cloud-1'),
          gateway('edge-1'),
          gateway('edge-2', { capabilities: new Set(['camera', 'gpu']) }),
          gateway('edge-3', {
            capabilities: new Set(['camera', 'gpu']),
            nodeTypes: new Set(['function', 'tf']),
            freeTasks: 0,
          }),
        ],
      }),
    );
    assert.deepEqual(found[0]!.rejected, [
      { gateway: 'cloud-1', code: 'tier', reason: 'tier cloud, not edge' },
      { gateway: 'edge-1', code: 'capability', reason: 'without camera, gpu' },
      { gateway: 'edge-2', code: 'node-type', reason: 'without node type "tf"' },
      { gateway: 'edge-3', code: 'capacity', reason: 'room for 0 more tasks, not 1' },
    ]);
  });
  it('two hints for tasks kept together are named with who said them and why they are together', () => {
    const [conflict] = conflicts(
      request([task('a', { tier: 'edge' }), task('b', { tier: 'cloud' })], { together: [tied('a', 'b')] }),
    );
    assert.match(conflict!.reason, /node a says tier edge.*node b says tier cloud.*They share a thing\./);
    assert.equal(conflict!.rejected.length, fleet.length);
  });
  it('a fleet without gateways is a conflict of its own', () =>
    assert.match(conflicts(request([task('a')], { candidates: [] }))[0]!.reason, /No gateway is enrolled/));
  it('make one error with tasks, gateways and reasons', () => {
    const error = unsatisfiable(conflicts(request([task('a', { gateway: 'fog-9' })])));
    assert.ok(isEchoError(error, 'ECHO_PLACEMENT_UNSATISFIABLE'));
    assert.equal(error.where, 'a');
    assert.match(
      error.message,
      /Node a fits on no gateway.*fog-9.*: cloud-1, edge-1, edge-2, fog-1 \(not gateway fog-9\)/,
    );
  });
  it('a node type no gateway has is an error of its own, naming node and type', () => {
    const tasks = [task('a'), task('b', {}, ['odd', 'function']), task('c', {}, ['odd'])];
    assert.deepEqual(unknownTypes(tasks, fleet), [{ type: 'odd', tasks: ['b', 'c'] }]);
    assert.throws(
      () => checkTypes(tasks, fleet),
      (e) => isEchoError(e, 'ECHO_NODE_TYPE_UNKNOWN') && e.where === 'b' && /"odd".*b, c/.test(e.message),
    );
    assert.doesNotThrow(() => checkTypes([task('a')], fleet));
  });
});

describe('placement: explanations', () => {
  it('say what bound a task, with whom it stands, and what was preferred', () => {
    const asked = request([task('a', { tier: 'edge' }), task('b')], {
      together: [tied('a', 'b')],
      wires: [wire('a', 'b')],
    });
    const result = solver.solve(asked);
    assert.ok(result.ok);
    const { because, rejected, gateway: at } = result.explanations.get('b')!;
    assert.equal(at, 'edge-1');
    assert.deepEqual(because, [
      'It must run on tier edge (set on node a).',
      'They share a thing.',
      'Of 2 gateways that fit, edge-1 has the least load.',
    ]);
    assert.deepEqual(
      rejected.map((r) => r.gateway),
      ['cloud-1', 'fog-1'],
    );
  });
});

describe('placement: explanations in a large fleet', () => {
  it('list a handful of the rejected gateways and count the rest', () => {
    const candidates = Array.from({ length: 100 }, (_, i) => gateway(`edge-${i}`));
    const result = solver.solve(request([task('a', { gateway: 'edge-7' })], { candidates }));
    assert.ok(result.ok);
    const { because, rejected } = result.explanations.get('a')!;
    assert.equal(rejected.length, 32);
    assert.equal(because.at(-1), '99 gateways do not fit; 32 are listed.');
  });
});

/** Small enough to try every assignment. */
const puzzle = fc.record({
  rooms: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }),
  bundles: fc.array(
    fc.record({ size: fc.integer({ min: 1, max: 3 }), tier: fc.constantFrom(undefined, 'edge', 'fog') }),
    {
      minLength: 1,
      maxLength: 6,
    },
  ),
});

describe('placement, for any small fleet', () => {
  const asked = ({
    rooms,
    bundles,
  }: typeof puzzle extends fc.Arbitrary<infer T> ? T : never): PlacementRequest => {
    const names = bundles.map(({ size }, i) => Array.from({ length: size }, (_, k) => `t${i}-${k}`));
    return request(
      names.flatMap((list, i) =>
        list.map((id) => task(id, bundles[i]!.tier ? { tier: bundles[i]!.tier as 'edge' | 'fog' } : {})),
      ),
      {
        candidates: rooms.map((freeTasks, i) => gateway(i % 2 ? `fog-${i}` : `edge-${i}`, { freeTasks })),
        together: names.map((list) => tied(...list)),
        wires: names.slice(1).map((list, i) => wire(names[i]![0]!, list[0]!)),
      },
    );
  };
  it('a placement is found exactly when there is one, and keeps every constraint', () => {
    fc.assert(
      fc.property(puzzle, (drawn) => {
        const req = asked(drawn);
        const { rooms, bundles } = drawn;
        const possible = (i: number, left: readonly number[]): boolean =>
          i === bundles.length ||
          left.some(
            (room: number, g: number): boolean =>
              room >= bundles[i]!.size &&
              (bundles[i]!.tier === undefined || (bundles[i]!.tier === 'fog') === (g % 2 === 1)) &&
              possible(i + 1, left.with(g, room - bundles[i]!.size)),
          );
        const result = solver.solve(req);
        assert.equal(result.ok, possible(0, rooms));
        if (!result.ok) return;
        const at = (id: string): string | undefined => result.placement.get(id);
        for (const candidate of req.candidates) {
          const here = req.tasks.filter((t) => at(t.id) === candidate.id);
          assert.ok(here.length <= candidate.freeTasks!);
          for (const t of here) assert.ok(!t.hints.tier || t.hints.tier.value === candidate.tier);
        }
        for (const tie of req.together) assert.equal(new Set(tie.tasks.map(at)).size, 1);
      }),
      { numRuns: 500 },
    );
  });
  it('the answer does not depend on the order of the fleet', () => {
    fc.assert(
      fc.property(puzzle, (drawn) => {
        const req = asked(drawn);
        const turned = { ...req, candidates: [...req.candidates].reverse() };
        assert.deepEqual(solver.solve(turned), solver.solve(req));
      }),
      { numRuns: 100 },
    );
  });
});

describe('placement at size', () => {
  it('600 tasks on 1,000 gateways, nearly full, take less than a second', () => {
    const tiers = ['edge', 'fog', 'cloud'] as const;
    const candidates = Array.from({ length: 1000 }, (_, i) =>
      gateway(`gw-${String(i).padStart(4, '0')}`, {
        tier: tiers[i % 3]!,
        freeTasks: i % 5 === 0 ? 1 : 0,
        cpuPct: i % 100,
      }),
    );
    const tasks = Array.from({ length: 198 }, (_, i) => task(`t${i}`, { tier: tiers[i % 3]! }));
    const free = Array.from({ length: 400 }, (_, i) => gateway(`x-${i}`, { tier: 'cloud', freeTasks: 1 }));
    const more = Array.from({ length: 400 }, (_, i) => task(`u${i}`));
    const wires = tasks.slice(1).map((t, i) => wire(tasks[i]!.id, t.id));
    const started = performance.now();
    places(request([...tasks, ...more], { candidates: [...candidates.slice(0, 1000), ...free], wires }));
    const took = performance.now() - started;
    assert.ok(took < 1000, `${took.toFixed(0)} ms`);
  });
});
