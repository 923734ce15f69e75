/** What the reports of all brokers come to. Pure. */
import type { ChaosReport } from './wireChaos.ts';

export interface Verdict {
  readonly ok: boolean;
  readonly faults: number;
  readonly rows: number;
  readonly lost: number;
  readonly reordered: number;
  readonly repeated: number;
  readonly repeatedAllowed: number;
  readonly declared: number;
  readonly baselineLost: number;
}

/** In order when nothing was lost or reordered, no wire repeated more than its level allows, and the core nodes lost. */
export function verdictOf(reports: readonly ChaosReport[]): Verdict {
  const wires = reports.flatMap((report) => report.wires);
  const sum = <T>(all: readonly T[], value: (one: T) => number) => all.reduce((n, one) => n + value(one), 0);
  const lost = sum(wires, (wire) => wire.lost);
  const reordered = sum(wires, (wire) => wire.reordered);
  return {
    ok:
      lost === 0 &&
      reordered === 0 &&
      wires.every(({ repeated, repeatedAllowed }) => repeated <= repeatedAllowed) &&
      reports.every(({ baselineLost }) => baselineLost > 0),
    faults: sum(reports, ({ faults }) => sum(Object.values(faults), ({ made }) => made)),
    rows: sum(reports, ({ rows }) => rows),
    ...{ lost, reordered },
    repeated: sum(wires, ({ repeated }) => repeated),
    repeatedAllowed: sum(wires, ({ repeatedAllowed }) => repeatedAllowed),
    declared: sum(wires, ({ declared }) => declared),
    baselineLost: sum(reports, ({ baselineLost }) => baselineLost),
  };
}
