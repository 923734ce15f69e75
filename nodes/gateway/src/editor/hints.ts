/** What a user says in the ECHO pane, and how it is inherited: node → groups → tab. Pure. */
import {
  readOption,
  WIRE_ENV_NAMES,
  WIRE_OPTIONS,
  type WireChoice,
  type WireOption,
} from '../../../../src/wire/options.ts';

export type Tier = 'edge' | 'fog' | 'cloud';
export type Delivery = 'at-most-once' | 'at-least-once' | 'effectively-once';
export const TIERS: readonly Tier[] = ['edge', 'fog', 'cloud'];
export const DELIVERIES: readonly Delivery[] = ['at-least-once', 'effectively-once', 'at-most-once'];

/** The `echo` property of a node, group or tab. `app` is the orchestrator's, on tabs. */
export interface Hints extends WireChoice {
  tier?: Tier;
  gateway?: string;
  requires?: string[];
  delivery?: Delivery;
  [other: string]: unknown;
}

/** A node, group or tab with what can carry hints. `env` names are read where no `echo` survived. */
export interface Carrier {
  readonly echo?: Hints | undefined;
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  /** How a user knows it. */
  readonly title: string;
}

export interface Inherited {
  readonly tier?: { readonly value: Tier; readonly from: string };
  readonly gateway?: { readonly value: string; readonly from: string };
  readonly delivery?: { readonly value: Delivery; readonly from: string };
  readonly requires: readonly { readonly value: string; readonly from: string }[];
  readonly wire?: InheritedWire;
}

export type InheritedWire = {
  readonly [K in WireOption]?: { readonly value: string | number; readonly from: string };
};

/**
 * What holds when the node itself says nothing; `carriers` from the innermost group out to the tab. Tier and gateway
 * are one question: the innermost level that names either answers it.
 */
export function inherit(carriers: readonly Carrier[]): Inherited {
  const result: { -readonly [K in keyof Inherited]: Inherited[K] } = { requires: [] };
  for (const carrier of carriers) {
    const from = carrier.title;
    const hints = hintsOf(carrier);
    const { tier, gateway, delivery, requires } = hints;
    if (result.tier === undefined && result.gateway === undefined) {
      if (tier !== undefined) result.tier = { value: tier, from };
      if (gateway !== undefined) result.gateway = { value: gateway, from };
    }
    if (delivery !== undefined) result.delivery ??= { value: delivery, from };
    result.wire = { ...wireOf(hints, from), ...result.wire };
    const known = new Set(result.requires.map(({ value }) => value));
    const more = (requires ?? []).filter((value) => !known.has(value)).map((value) => ({ value, from }));
    result.requires = [...result.requires, ...more];
  }
  return result;
}

/** The options of wires that are said here. */
function wireOf(hints: Hints, from: string): InheritedWire {
  const said = WIRE_OPTIONS.filter((option) => hints[option] !== undefined);
  return Object.fromEntries(said.map((option) => [option, { value: hints[option]!, from }]));
}

function hintsOf({ echo, env }: Carrier): Hints {
  const named = (name: string): string | undefined => {
    const value = env?.find((entry) => entry.name === name)?.value;
    return value === undefined || value === '' ? undefined : String(value);
  };
  const tier = named('ECHO_TIER');
  const delivery = named('ECHO_DELIVERY');
  const gateway = named('ECHO_GATEWAY');
  const requires = named('ECHO_REQUIRES')
    ?.split(/[\s,]+/)
    .filter(Boolean);
  const wire = Object.entries(WIRE_ENV_NAMES).flatMap(([name, option]) => {
    const value = readOption(option, named(name));
    return value === undefined ? [] : [[option, value]];
  });
  return {
    ...Object.fromEntries(wire),
    ...(TIERS.includes(tier as Tier) ? { tier: tier as Tier } : {}),
    ...(DELIVERIES.includes(delivery as Delivery) ? { delivery: delivery as Delivery } : {}),
    ...(gateway === undefined ? {} : { gateway }),
    ...echo,
    ...(requires === undefined ? {} : { requires: [...(echo?.requires ?? []), ...requires] }),
  };
}

/** The node's own hints over what it inherits. */
export function effective(own: Hints | undefined, inherited: Inherited, title = ''): Inherited {
  const mine = inherit([{ echo: own, title }]);
  const { tier, gateway } = mine.tier === undefined && mine.gateway === undefined ? inherited : mine;
  const delivery = mine.delivery ?? inherited.delivery;
  const known = new Set(mine.requires.map(({ value }) => value));
  return {
    ...(tier === undefined ? {} : { tier }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(delivery === undefined ? {} : { delivery }),
    wire: { ...inherited.wire, ...mine.wire },
    requires: [...mine.requires, ...inherited.requires.filter(({ value }) => !known.has(value))],
  };
}

/** Without what says nothing; undefined when nothing is left, so that an untouched node keeps no `echo`. */
export function tidy(hints: Hints): Hints | undefined {
  const entries = Object.entries(hints).filter(
    ([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Hints);
}

export function sameHints(a: Hints | undefined, b: Hints | undefined): boolean {
  const text = (hints: Hints | undefined): string =>
    JSON.stringify(Object.entries(hints ?? {}).toSorted(([x], [y]) => (x < y ? -1 : 1)));
  return text(a) === text(b);
}

export interface GatewayChoice {
  readonly id: string;
  readonly tier: string;
  readonly capabilities: readonly string[];
}

/** Gateways the hints allow. The orchestrator also looks at node types, capacity and health. */
export function fitting(hints: Inherited, gateways: readonly GatewayChoice[]): string[] {
  return gateways
    .filter(({ tier }) => hints.tier === undefined || hints.tier.value === tier)
    .filter(({ id }) => hints.gateway === undefined || hints.gateway.value === id)
    .filter(({ capabilities }) => hints.requires.every(({ value }) => capabilities.includes(value)))
    .map(({ id }) => id);
}
