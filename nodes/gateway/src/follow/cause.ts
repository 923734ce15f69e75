/**
 * The life of one followed message: everything on this gateway that descends from a delivered record.
 *
 * It is open while `emit` runs, while any descendant is at a node (or on its way to it), or held in the gate. When
 * none of these is left it settles, once.
 */
import type { Followed, Lineage, Outcome } from '../ports.ts';
import type { Probe } from './probe.ts';

/** A descendant at a node: `turn` is the node's running number of what it received. */
interface Visit {
  readonly probe: Probe;
  readonly turn: number;
}

export class Cause implements Followed {
  readonly lineage: Lineage;
  /** What messages carry: a function, since clones of a message share functions instead of copying them. */
  readonly tag = (): Cause => this;
  #settled: ((outcome: Outcome) => void) | undefined;
  readonly #visits: Visit[] = [];
  #pins = 0;
  #error: string | undefined;
  #open = true;
  /** Clock tick of the last step of any descendant. */
  lastStep: number;
  /** Where it stands among the open ones. */
  place = -1;

  constructor(lineage: Lineage, now: number, settled: (outcome: Outcome) => void) {
    this.lineage = lineage;
    this.lastStep = now;
    this.#settled = settled;
  }

  get open(): boolean {
    return this.#open;
  }

  get parked(): boolean {
    return (
      this.#open &&
      this.#pins === 0 &&
      this.#visits.every(({ probe }) => probe.kept !== undefined && probe.rests)
    );
  }

  enter(probe: Probe, now: number): void {
    this.#visits.push({ probe, turn: probe.nextTurn() });
    this.lastStep = now;
  }

  leave(probe: Probe, now: number, error?: unknown): void {
    if (!this.#open) return;
    const index = this.#visits.findIndex((visit) => visit.probe === probe);
    if (index < 0) return;
    probe.finished(this.#visits[index]!.turn, now);
    if (error) this.fail(error);
    this.#visits.splice(index, 1);
    this.lastStep = now;
    this.#check();
  }

  /** It will settle as an error: the first one told. */
  fail(error: unknown): void {
    this.#error ??= error instanceof Error ? error.message : String(error);
  }

  /** Keeps it open (a descendant is held in the gate, `emit` runs) until the same number of `unpin`. */
  pin(): void {
    this.#pins++;
  }

  unpin(now: number): void {
    this.#pins--;
    this.lastStep = now;
    this.#check();
  }

  /** The nodes that keep it open and will not let go: no step since `since`, and nothing excuses the wait. */
  stuckAt(since: number): Probe[] {
    if (this.#pins > 0 || this.lastStep > since) return [];
    const waiting = this.#visits.some(({ probe, turn }) => probe.excuses(turn, since));
    return waiting ? [] : this.#visits.map((visit) => visit.probe);
  }

  giveUp(nodes: readonly string[]): void {
    this.#settle({ kind: 'unfollowed', nodes });
  }

  #check(): void {
    if (this.#pins > 0 || this.#visits.length > 0) return;
    this.#settle(this.#error === undefined ? { kind: 'done' } : { kind: 'error', message: this.#error });
  }

  #settle(outcome: Outcome): void {
    if (!this.#open) return;
    this.#open = false;
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.(outcome);
  }
}
