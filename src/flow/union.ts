/** Disjoint sets over texts; order of first mention is kept everywhere, so that results are deterministic. */
export class UnionFind {
  readonly #parent = new Map<string, string>();

  constructor(items: Iterable<string>) {
    for (const item of items) this.#parent.set(item, item);
  }

  find(item: string): string {
    let root = item;
    for (let up = this.#parent.get(root); up !== undefined && up !== root; up = this.#parent.get(root))
      root = up;
    for (let at = item; at !== root; ) {
      const up = this.#parent.get(at)!;
      this.#parent.set(at, root);
      at = up;
    }
    return root;
  }

  /** Items never mentioned before are ignored. */
  join(a: string, b: string): void {
    if (!this.#parent.has(a) || !this.#parent.has(b)) return;
    const [x, y] = [this.find(a), this.find(b)];
    if (x !== y) this.#parent.set(y, x);
  }

  sets(): string[][] {
    const sets = new Map<string, string[]>();
    for (const item of this.#parent.keys()) {
      const root = this.find(item);
      const set = sets.get(root);
      if (set) set.push(item);
      else sets.set(root, [item]);
    }
    return [...sets.values()];
  }
}
