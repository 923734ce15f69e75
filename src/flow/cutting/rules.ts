/** All families of cutting rules, applied in one fixed order. What they say is in docs/splitting.md. */
import { callsRule } from './calls.ts';
import { channelsRule } from './channels.ts';
import { configsRule } from './configs.ts';
import { contextRule } from './context.ts';
import { environmentRule } from './environment.ts';
import type { Findings, Ground, Rule } from './ground.ts';
import { pairsRule } from './pairs.ts';
import { scopesRule } from './scopes.ts';

const rules: readonly Rule[] = [
  pairsRule,
  callsRule,
  scopesRule,
  contextRule,
  configsRule,
  environmentRule,
  channelsRule,
];

export function applyRules(ground: Ground): Findings {
  const found = rules.map((rule) => rule(ground));
  return {
    together: found.flatMap((f) => f.together).filter((t) => t.tasks.length > 1),
    warnings: found.flatMap((f) => f.warnings),
  };
}
