/**
 * What is at work now, in no order: each member knows its place. A `Set` through which every message passes would keep
 * them from the collection of young garbage: a table it outgrew refers to the next, and so an old one keeps alive
 * whatever stood in those after it.
 */
export class Members<T extends { place: number }> {
  readonly #members: T[] = [];

  /** It must not be a member yet. */
  add(member: T): void {
    member.place = this.#members.length;
    this.#members.push(member);
  }

  /** It must be a member. */
  remove(member: T): void {
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[member.place] = last;
    last.place = member.place;
  }

  /** As they are now: what is done with one may remove it. */
  [Symbol.iterator](): Iterator<T> {
    return this.#members.slice().values();
  }
}
