import assert from 'node:assert/strict';
import { Members } from '../../nodes/gateway/src/Members.ts';

describe('members', () => {
  const named = (name: string) => ({ name, place: -1 });
  const names = (members: Members<{ name: string; place: number }>) =>
    [...members].map(({ name }) => name).sort();

  it('are whoever was added and not removed, whatever the order', () => {
    const members = new Members<{ name: string; place: number }>();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(named) as [never, never, never, never];
    for (const member of [a, b, c]) members.add(member);
    members.remove(a);
    members.add(d);
    members.remove(c);
    assert.deepEqual(names(members), ['b', 'd']);
    members.remove(d);
    members.remove(b);
    assert.deepEqual(names(members), []);
  });

  it('may be removed while they are gone through', () => {
    const members = new Members<{ name: string; place: number }>();
    for (const name of ['a', 'b', 'c']) members.add(named(name));
    const seen: string[] = [];
    for (const member of members) {
      seen.push(member.name);
      members.remove(member);
    }
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.deepEqual(names(members), []);
  });
});
