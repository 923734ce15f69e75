import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Claims,
  close,
  expired,
  levels,
  nextExpiry,
  open,
} from '../../../nodes/gateway/src/gate/claims.ts';
import { type Held, HeldQueue } from '../../../nodes/gateway/src/gate/held.ts';

const claim = (deploy: string, tabs: string[], more: object = {}) => ({
  deploy,
  tabs,
  level: 'sources' as const,
  expires: 100,
  sealed: false,
  ...more,
});

describe('gate: claims', () => {
  it('a later close of a deploy adds tabs, renews, and never lowers level or seal', () => {
    let claims: Claims = close(new Map(), claim('d', ['a'], { level: 'all', sealed: true }));
    claims = close(claims, claim('d', ['b'], { expires: 200 }));
    assert.deepEqual(claims.get('d'), claim('d', ['a', 'b'], { level: 'all', sealed: true, expires: 200 }));
  });

  it('a tab is held as firmly as the firmest deploy holds it, until the last one opens', () => {
    let claims: Claims = close(new Map(), claim('d1', ['a', 'b']));
    claims = close(claims, claim('d2', ['b'], { level: 'all' }));
    assert.deepEqual(
      [...levels(claims)],
      [
        ['a', 'sources'],
        ['b', 'all'],
      ],
    );
    assert.deepEqual(
      [...levels(open(claims, 'd2'))],
      [
        ['a', 'sources'],
        ['b', 'sources'],
      ],
    );
  });

  it('a lease ends at its time, a sealed claim never', () => {
    let claims: Claims = close(new Map(), claim('d1', ['a'], { expires: 100 }));
    claims = close(claims, claim('d2', ['a'], { expires: 50, sealed: true }));
    assert.equal(nextExpiry(claims), 100);
    assert.deepEqual(expired(claims, 99), []);
    assert.deepEqual(expired(claims, 100), ['d1']);
    assert.equal(nextExpiry(open(claims, 'd1')), undefined);
  });
});

describe('gate: held messages', () => {
  const held = (destination: string, routed: boolean, n: number): Held => ({
    msg: { n },
    destination,
    routed,
    original: {},
    call: n,
    release() {},
  });

  it('come out in order per destination, those that were on their way already before those that were not', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.boolean()), { maxLength: 60 }), (sent) => {
        const queue = new HeldQueue();
        sent.forEach(([to, routed], n) => {
          if (routed) queue.push(held(to, true, n));
          else queue.pushBeforeRouted(held(to, false, n));
        });
        const out: Held[] = [];
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) out.push(next);
        for (const to of ['x', 'y']) {
          const expected = [false, true].flatMap((routed) =>
            sent.flatMap(([t, r], n) => (t === to && r === routed ? [n] : [])),
          );
          const got = out.filter(({ destination }) => destination === to).map(({ call }) => call);
          assert.deepEqual(got, expected);
          assert.equal(queue.waitingFor(to), false);
        }
      }),
    );
  });
});
