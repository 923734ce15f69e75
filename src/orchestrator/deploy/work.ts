/**
 * What a deploy has to do, PURE: from what stands on the gateways and what shall stand there to the targets that are
 * written, the gates, the streams to drain and those to forget; and whatever forbids it.
 */
import type { CutStream, RawFlow } from '../../flow/types.ts';
import { isEchoError } from '../../wire/errors.ts';
import type { Deployed, Pending } from '../store/deployed.ts';
import type { Credentials, Drift, Problem, StrandedStream } from '../types.ts';
import { credentialsFor } from './credentials.ts';
import { describeDrift, driftOf } from './drift.ts';
import { deployError } from './errors.ts';
import { type Look, problemOf } from './look.ts';
import { gatedTabs, merge, region } from './merge.ts';
import { type Entry, equalEntries, equalFlows, isGlobal, subflowOf, tabsOf, union } from './nodes.ts';
import type { DeployRecord, Target } from './record.ts';
import { type LastStatus, participants, type Stranding, strandedOf } from './stranded.ts';

export interface WorkInput {
  readonly looks: ReadonlyMap<string, Look>;
  /** What ECHO wrote for this application, and what is not settled yet. */
  readonly deployed: readonly Deployed[];
  readonly pending: readonly Pending[];
  /** New fragments by gateway; a gateway that is not named loses the application. */
  readonly fragments: ReadonlyMap<string, RawFlow>;
  /** What other applications have on a gateway. */
  readonly others: (gateway: string) => ReadonlyMap<string, Entry>;
  /** Nodes a gateway has of its own that become the application's (import). */
  readonly adopted?: ReadonlyMap<string, RawFlow>;
  readonly streams: { readonly before: readonly CutStream[]; readonly after: readonly CutStream[] };
  readonly credentials: { readonly before: Credentials; readonly after: Credentials };
  readonly allowOffline: boolean;
  readonly overwrite: boolean;
  /** What the producer of a stream last said of it. */
  readonly lastStatus: LastStatus;
  readonly stranding: Stranding;
}

export interface Work extends Pick<DeployRecord, 'targets' | 'bystanders' | 'draining' | 'retiring'> {
  /** Streams whose backlog the change would strand. */
  readonly stranded: readonly StrandedStream[];
  readonly drift: ReadonlyMap<string, readonly Drift[]>;
  readonly blockers: readonly Problem[];
  readonly warnings: readonly { readonly code: string; readonly where?: string; readonly message: string }[];
}

export function workOf(input: WorkInput): Work {
  const gateways = [
    ...new Set([...input.deployed, ...input.pending].map((d) => d.gateway).concat(...input.fragments.keys())),
  ].sort();
  const parts = gateways.map((gateway) => gatewayWork(input, gateway));
  const targets = parts.flatMap((part) => (part.target === undefined ? [] : [part.target]));
  const offline = new Set(gateways.filter((g) => input.looks.get(g)?.state !== 'ready'));
  const changed = changedStreams(input.streams.before, input.streams.after);
  const stranded = strandedOf({
    changed: targets.length > 0 ? changed : [],
    after: input.streams.after,
    away: (gateway) => offline.has(gateway),
    last: input.lastStatus,
    stranding: input.stranding,
  });
  return {
    targets,
    bystanders: bystanders(input, targets, stranded.draining.length > 0),
    draining: stranded.draining,
    stranded: stranded.streams,
    retiring: retiringStreams(input.streams.before, input.streams.after),
    drift: new Map(parts.map((part) => [part.gateway, part.drift])),
    blockers: [
      ...parts.flatMap((part) => part.blockers),
      ...(targets.length === 0 ? standingDrift(parts) : []),
      ...stranded.blockers,
    ],
    warnings: [...stranded.warnings, ...parts.flatMap(commonWarnings)],
  };
}

interface Part {
  readonly gateway: string;
  readonly target?: Target;
  readonly drift: readonly Drift[];
  readonly blockers: readonly Problem[];
  /** Config nodes of other applications that get new content. */
  readonly common?: readonly Entry[];
}

function gatewayWork(input: WorkInput, gateway: string): Part {
  const row = input.deployed.find((d) => d.gateway === gateway);
  const unsettled = input.pending.find((p) => p.gateway === gateway);
  const deployed = row?.nodes ?? [];
  const mine = union(unsettled?.nodes ?? [], input.adopted?.get(gateway) ?? [], deployed);
  const after = input.fragments.get(gateway) ?? [];
  const at = input.looks.get(gateway) ?? { gateway, state: 'offline' };
  const shared = new Set(row?.shared ?? []);
  const drift =
    at.state === 'ready' ? driftOf({ deployed, current: at.flows, expected: unsettled?.nodes ?? [] }) : [];
  const repaired = input.overwrite && drift.length > 0;
  const unchanged =
    equalFlows(deployed, after) &&
    unsettled === undefined &&
    !input.adopted?.has(gateway) &&
    !credentialsChanged(after, input.credentials);
  if (unchanged && !repaired) return { gateway, drift, blockers: [] };
  const others = input.others(gateway);
  const common = changedForOthers(after, others);
  const theirs = common.length > 0 ? tabsOf([...others.values()]) : [];
  const basis = {
    gateway,
    running: mine.length > 0 || theirs.length > 0,
    tabs: [...gatedTabs(mine, after), ...theirs],
    after,
  };
  if (at.state !== 'ready') {
    const blockers =
      at.state === 'unfit' ? [at.problem] : input.allowOffline ? [] : [offlineProblem(gateway)];
    const target = { ...basis, offline: true, before: mine, shared: [...shared], order: [] };
    return { gateway, target, drift, blockers };
  }
  return readyWork(input, at, { ...basis, offline: false }, { mine, shared, others, drift, common });
}

interface Owners {
  readonly mine: RawFlow;
  readonly shared: ReadonlySet<string>;
  readonly others: ReadonlyMap<string, Entry>;
  readonly drift: readonly Drift[];
  readonly common: readonly Entry[];
}

/** Tries the merge against what the gateway has now. */
function readyWork(
  { credentials, overwrite }: WorkInput,
  { flows: current, rev, types, maxBytes }: Extract<Look, { state: 'ready' }>,
  basis: Pick<Target, 'gateway' | 'running' | 'tabs' | 'after' | 'offline'>,
  { mine, shared, others, drift, common }: Owners,
): Part {
  const { gateway, after } = basis;
  const ids = region(current, mine, shared);
  const before = current.filter((n) => ids.has(n.id));
  const target = { ...basis, before, order: current.map((n) => n.id), shared: [...shared] };
  const blockers = missingTypes(gateway, after, types);
  if (drift.length > 0 && !overwrite) blockers.push(driftProblem(gateway, drift));
  try {
    const merged = merge({ current, before: mine, after, others, shared, gateway });
    const put = credentialsFor(merged.flows, current, after, credentials);
    const bytes = Buffer.byteLength(JSON.stringify({ rev, ...put }));
    if (bytes > maxBytes) blockers.push(sizeProblem(gateway, bytes, maxBytes));
    return { gateway, target: { ...target, shared: merged.shared }, drift, blockers, common };
  } catch (error) {
    if (!isEchoError(error)) throw error;
    return { gateway, target, drift, blockers: [...blockers, problemOf(error)] };
  }
}

/** The last deploy of a config node that several applications use decides what it holds. */
const changedForOthers = (after: RawFlow, others: ReadonlyMap<string, Entry>): Entry[] =>
  after.filter((n) => {
    const theirs = others.get(n.id);
    return theirs !== undefined && isGlobal(n) && !equalEntries(n, theirs);
  });

const credentialsChanged = (after: RawFlow, { before, after: now }: WorkInput['credentials']): boolean =>
  after.some((n) => JSON.stringify(before[n.id] ?? {}) !== JSON.stringify(now[n.id] ?? {}));

function missingTypes(gateway: string, fragment: RawFlow, types: ReadonlySet<string>): Problem[] {
  const structural = new Set(['tab', 'group', 'subflow', 'junction']);
  const missing = fragment.filter(
    (n) => !structural.has(n.type) && subflowOf(n) === undefined && !types.has(n.type),
  );
  return [...Map.groupBy(missing, (n) => n.type)].map(([type, nodes]) =>
    problemOf(
      deployError('ECHO_NODE_TYPE_MISSING', {
        message: `Gateway '${gateway}' does not have the node type '${type}' (node ${nodes[0]?.id}).`,
        where: nodes[0]?.id ?? gateway,
        remedy: `Install the package that brings '${type}' on '${gateway}', or place the node elsewhere.`,
      }),
    ),
  );
}

const offlineProblem = (gateway: string): Problem =>
  problemOf(
    deployError('ECHO_GATEWAY_OFFLINE', { message: `Gateway '${gateway}' is offline.`, where: gateway }),
  );

/** Nothing is written, and yet it is not what was deployed that runs: to say that it does would be wrong. */
const standingDrift = (parts: readonly Part[]): Problem[] =>
  parts.filter(({ drift }) => drift.length > 0).map(({ gateway, drift }) => driftProblem(gateway, drift));

const driftProblem = (gateway: string, drift: readonly Drift[]): Problem =>
  problemOf(
    deployError('ECHO_DRIFT', {
      message: `On gateway '${gateway}' ${drift.map(describeDrift).join(', ')}.`,
      where: gateway,
    }),
  );

const sizeProblem = (gateway: string, bytes: number, limit: number): Problem => ({
  code: 'ECHO_FLOWS_TOO_LARGE',
  message: `The flows of gateway '${gateway}' would take ${bytes} bytes; it accepts ${limit}.`,
  where: gateway,
  remedy: `Raise apiMaxLength in the settings.js of '${gateway}', or spread the application over more gateways.`,
});

const commonWarnings = ({ gateway, common = [] }: Part) =>
  common.map(({ id, type }) => ({
    code: 'ECHO_CONFIG_SHARED',
    where: id,
    message: `Other applications on '${gateway}' use the ${type} '${id}' too: they get its new content.`,
  }));

/** Logged streams that carry messages now and lose their producer or a consumer by the change. */
function changedStreams(before: readonly CutStream[], after: readonly CutStream[]): CutStream[] {
  const now = new Map(after.map((s) => [s.stream, s]));
  return before.filter((old) => {
    if (old.level === 'at-most-once') return false;
    const s = now.get(old.stream);
    if (s === undefined || s.from.gateway !== old.from.gateway || s.level !== old.level) return true;
    return old.consumers.some(({ gateway, tasks }) => {
      const there = s.consumers.find((c) => c.gateway === gateway)?.tasks ?? [];
      return tasks.some((task) => !there.includes(task));
    });
  });
}

/** By gateway, the streams it took part in and does not any more. */
function retiringStreams(
  before: readonly CutStream[],
  after: readonly CutStream[],
): Record<string, readonly string[]> {
  const staying = new Map(after.map((s) => [s.stream, participants(s)]));
  const leaving = before.flatMap(({ stream, ...s }) =>
    participants({ stream, ...s })
      .filter((gateway) => !staying.get(stream)?.includes(gateway))
      .map((gateway) => ({ gateway, stream })),
  );
  return Object.fromEntries(
    [...Map.groupBy(leaving, (l) => l.gateway)].map(([gateway, list]) => [
      gateway,
      list.map((l) => l.stream),
    ]),
  );
}

/** Gateways that are not written but feed what drains: their sources pause. */
function bystanders(
  input: WorkInput,
  targets: readonly Target[],
  drains: boolean,
): DeployRecord['bystanders'] {
  if (!drains) return [];
  const written = new Set(targets.map((t) => t.gateway));
  return input.deployed
    .filter((d) => !written.has(d.gateway) && input.looks.get(d.gateway)?.state === 'ready')
    .map((d) => ({ gateway: d.gateway, tabs: tabsOf(d.nodes) }));
}
