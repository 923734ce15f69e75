/** All families of cutting rules, applied in one fixed order. */
import type { Findings, Ground, Rule } from './ground.ts';

const rules: readonly Rule[] = [];

export function applyRules(ground: Ground): Findings {
  const found = rules.map((rule) => rule(ground));
  return {
    together: found.flatMap((f) => f.together).filter((t) => t.tasks.length > 1),
    warnings: found.flatMap((f) => f.warnings),
  };
}
