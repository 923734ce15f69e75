/**
 * What a user said about where a task may run, inherited node → group → outer groups → tab.
 *
 * `tier` and `gateway` answer one question, where: the nearest level that says either of them decides both.
 * `requires` adds up over all levels; `delivery` and each option of the wires are the nearest one. On groups and tabs
 * the environment variables of `ENV_NAMES` serve where `echo` says nothing, since they survive editors that know
 * nothing of ECHO.
 */
import { tier as tierSchema } from '../wire/control.ts';
import { DELIVERY_LEVELS, type DeliveryLevel, ECHO_CHANNEL } from '../wire/nodes.ts';
import {
  distinct,
  domainText,
  readOption,
  WIRE_ENV_NAMES,
  WIRE_OPTIONS,
  type WireChoice,
  type WireOption,
} from '../wire/options.ts';
import { GATEWAY_ID } from '../wire/topics.ts';
import type { Anatomy } from './anatomy.ts';
import { describe } from './anatomy.ts';
import { flowError } from './errors.ts';
import type { EffectiveHints, HintOrigin, PlacementHints, RawNode } from './types.ts';

interface Level {
  readonly hints: PlacementHints;
  readonly from: HintOrigin;
}

/** Reads hints of many tasks, each group and tab once. Errors: ECHO_FLOW_BAD_HINT. */
export function hintReader(parts: Anatomy, path: (id: string) => string): (task: RawNode) => EffectiveHints {
  const tabs = new Map(parts.tabs.map((tab) => [tab.id, tab]));
  const cache = new Map<string, readonly Level[]>();
  const levelsAbove = (node: RawNode): readonly Level[] => {
    const holder = (node.g ? parts.groups.get(node.g) : undefined) ?? tabs.get(node.z ?? '');
    if (!holder) return [];
    let levels = cache.get(holder.id);
    if (!levels) {
      const kind = holder.type === 'group' ? 'group' : 'tab';
      levels = [
        { hints: ownHints(holder, path), from: { kind, id: holder.id } },
        { hints: envHints(holder, path), from: { kind: `${kind}-env`, id: holder.id } },
        ...(kind === 'group' ? levelsAbove(holder) : []),
      ];
      cache.set(holder.id, levels);
    }
    return levels;
  };
  return (task) => {
    const own = { hints: ownHints(task, path), from: { kind: 'node', id: task.id } as const };
    const { requires, ...hints } = combine([own, ...levelsAbove(task)]);
    return task.type === ECHO_CHANNEL ? wireOnly(hints) : { ...hints, requires };
  };
}

/** A channel runs where its wire begins, whatever is said of where. */
const wireOnly = ({ delivery, wire }: Pick<EffectiveHints, 'delivery' | 'wire'>): EffectiveHints => ({
  requires: [],
  delivery,
  ...(wire && { wire }),
});

function combine(levels: readonly Level[]): EffectiveHints {
  const where = levels.find(({ hints }) => hints.tier !== undefined || hints.gateway !== undefined);
  // A level's `echo` and its env are one level: together they may say both tier and gateway.
  const beside = where && levels.filter((l) => l.from.id === where.from.id);
  const tierAt = beside?.find(({ hints }) => hints.tier !== undefined);
  const gatewayAt = beside?.find(({ hints }) => hints.gateway !== undefined);
  const requires = new Map<string, HintOrigin>();
  for (const { hints, from } of levels) {
    for (const value of hints.requires ?? []) if (!requires.has(value)) requires.set(value, from);
  }
  const delivery = levels.find(({ hints }) => hints.delivery !== undefined)?.hints.delivery;
  const said: WireChoice = Object.assign({}, ...levels.map(({ hints }) => hints.wire).reverse());
  // What waits for a checkpoint must still be there after a crash.
  const kept = delivery === 'effectively-once' && said.durability === 'memory';
  const wire = distinct(kept ? { ...said, durability: 'flush' } : said);
  return {
    ...(tierAt && { tier: { value: tierAt.hints.tier!, from: tierAt.from } }),
    ...(gatewayAt && { gateway: { value: gatewayAt.hints.gateway!, from: gatewayAt.from } }),
    requires: [...requires].map(([value, from]) => ({ value, from })),
    delivery: delivery ?? 'at-least-once',
    ...(Object.keys(wire).length > 0 && { wire }),
  };
}

type Path = (id: string) => string;

function ownHints(node: RawNode, path: Path): PlacementHints {
  if (node.type === ECHO_CHANNEL) return channelHints(node, path);
  const echo = node.echo;
  if (echo === undefined || echo === null) return {};
  const where = `${path(node.id)}/echo`;
  if (typeof echo !== 'object' || Array.isArray(echo)) throw bad(node, where, 'echo', echo, 'an object');
  return read(node, echo as Record<string, unknown>, (key) => `${where}/${key}`);
}

/** A channel says in properties of its own what other nodes say in `echo`. */
function channelHints(node: RawNode, path: Path): PlacementHints {
  const { tier: _, gateway: __, requires: ___, ...given } = node;
  return read(node, given, (key) => `${path(node.id)}/${key}`);
}

const ENV_NAMES: Readonly<Record<string, string>> = {
  ECHO_TIER: 'tier',
  ECHO_GATEWAY: 'gateway',
  ECHO_REQUIRES: 'requires',
  ECHO_DELIVERY: 'delivery',
  ...WIRE_ENV_NAMES,
};

function envHints(node: RawNode, path: Path): PlacementHints {
  const found = new Map<string, unknown>();
  const index = new Map<string, number>();
  for (const [i, entry] of ((node.env ?? []) as { name?: unknown; value?: unknown }[]).entries()) {
    const key =
      typeof entry.name === 'string' && Object.hasOwn(ENV_NAMES, entry.name) && ENV_NAMES[entry.name];
    if (!key) continue;
    found.set(key, entry.value);
    index.set(key, i);
  }
  return read(node, Object.fromEntries(found), (key) => `${path(node.id)}/env/${index.get(key)}/value`);
}

/** Empty text means not said, as an editor's cleared field leaves it. */
function read(node: RawNode, given: Record<string, unknown>, where: (key: string) => string): PlacementHints {
  const said = (key: string) => {
    const value = given[key];
    return value === '' || value === null ? undefined : value;
  };
  const tier = said('tier');
  const gateway = said('gateway');
  const delivery = said('delivery');
  if (tier !== undefined && !tierSchema.safeParse(tier).success) {
    throw bad(node, where('tier'), 'tier', tier, tierSchema.options.join(', '));
  }
  if (gateway !== undefined && !(typeof gateway === 'string' && GATEWAY_ID.test(gateway))) {
    throw bad(
      node,
      where('gateway'),
      'gateway',
      gateway,
      'a gateway id (lower-case letters, digits, hyphens)',
    );
  }
  if (delivery !== undefined && !DELIVERY_LEVELS.includes(delivery as DeliveryLevel)) {
    throw bad(node, where('delivery'), 'delivery', delivery, DELIVERY_LEVELS.join(', '));
  }
  const wire = readWire(node, said, where);
  const requires = readRequires(node, said('requires'), where('requires'));
  return {
    ...(tier !== undefined && { tier: tier as PlacementHints['tier'] & string }),
    ...(gateway !== undefined && { gateway: gateway as string }),
    ...(requires.length > 0 && { requires }),
    ...(delivery !== undefined && { delivery: delivery as DeliveryLevel }),
    ...(Object.keys(wire).length > 0 && { wire }),
  };
}

function readWire(
  node: RawNode,
  said: (key: WireOption) => unknown,
  where: (key: string) => string,
): WireChoice {
  const chosen = WIRE_OPTIONS.filter((option) => said(option) !== undefined).map((option) => {
    const value = readOption(option, said(option));
    if (value === undefined) throw bad(node, where(option), option, said(option), domainText(option));
    return [option, value];
  });
  return Object.fromEntries(chosen);
}

function readRequires(node: RawNode, value: unknown, where: string): readonly string[] {
  if (value === undefined) return [];
  const list: unknown = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(list) || !list.every((v) => typeof v === 'string' && v.length <= 64)) {
    throw bad(node, where, 'requires', value, 'a list of capability names');
  }
  return [...new Set(list.map((v: string) => v.trim()).filter((v) => v !== ''))];
}

const bad = (node: RawNode, where: string, key: string, value: unknown, wanted: string) =>
  flowError('ECHO_FLOW_BAD_HINT', {
    message: `${where}: ${describe(node)} has ${key} ${JSON.stringify(value)?.slice(0, 80)}; it must be ${wanted}.`,
    where,
  });
