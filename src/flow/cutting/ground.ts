/** What every family of cutting rules is given, and what it finds. */
import type { Anatomy } from '../anatomy.ts';
import type { FlowModel, Task, Together, Wire } from '../types.ts';

export interface Ground {
  readonly parts: Anatomy;
  readonly tasks: ReadonlyMap<string, Task>;
  readonly wires: readonly Wire[];
}

export type Warning = FlowModel['warnings'][number];

export interface Findings {
  readonly together: readonly Together[];
  readonly warnings: readonly Warning[];
}

export type Rule = (ground: Ground) => Findings;
