/** A plan for people: gateway by gateway what changes, which wires are cut and why, what stands in the way. Pure. */
import { toldOf } from '../../../wire/options.ts';
import type { CutWire, Drift, GatewayPlan, NodeChange, Plan, Problem, StrandedStream } from '../../types.ts';
import { bytes, type Colour, type Paint, padEnd, plural, width } from '../terminal.ts';

const SIGNS: Readonly<Record<NodeChange, readonly [sign: string, colour: Colour]>> = {
  add: ['+', 'green'],
  change: ['~', 'yellow'],
  move: ['→', 'cyan'],
  rewire: ['≈', 'blue'],
  remove: ['-', 'red'],
  same: [' ', 'dim'],
};

export function renderPlan(plan: Plan, paint: Paint): string[] {
  return [
    ...heading(plan, paint),
    '',
    ...plan.gateways.flatMap((gateway) => [...renderGateway(gateway, paint), '']),
    ...section(
      'Cut wires',
      plan.cutWires.flatMap((wire) => renderCutWire(wire, paint)),
      paint,
    ),
    ...section(
      'Records that wait in streams this takes away',
      plan.stranded.map((stream) => renderStranded(stream, paint)),
      paint,
    ),
    ...section(
      'Warnings',
      plan.warnings.map((warning) => renderWarning(warning, paint)),
      paint,
    ),
    ...section(
      'In the way',
      plan.blockers.flatMap((blocker) => renderBlocker(blocker, paint)),
      paint,
    ),
    summary(plan, paint),
  ];
}

function heading(
  { application, name, version, placement, gateways, cutWires, unchanged }: Plan,
  paint: Paint,
): string[] {
  const becomes = unchanged ? `version ${version}, unchanged` : `version ${version}`;
  const sizes = [
    plural(Object.keys(placement).length, 'task'),
    plural(gateways.filter((gateway) => gateway.tasks.length > 0).length, 'gateway'),
    plural(cutWires.length, 'cut wire'),
  ];
  const id = name === application ? '' : ` ${paint('dim', `(${application})`)}`;
  return [`${paint('bold', name)}${id}  ${becomes}`, paint('dim', sizes.join(' · '))];
}

function renderGateway(gateway: GatewayPlan, paint: Paint): string[] {
  const touched = gateway.changes.filter(({ change }) => change !== 'same');
  const same = gateway.changes.length - touched.length;
  const facts = [
    plural(gateway.tasks.length, 'task'),
    ...(gateway.restarts > 0 ? [plural(gateway.restarts, 'restart')] : []),
    ...(touched.length === 0 ? ['nothing changes'] : same > 0 ? [`${same} unchanged`] : []),
  ];
  const down = gateway.online ? '' : `  ${paint('red', 'not reachable')}`;
  const column = Math.max(0, ...touched.map(({ type }) => width(type)));
  return [
    `  ${paint('bold', gateway.gateway)}  ${paint('dim', facts.join(' · '))}${down}`,
    ...touched.map(({ change, type, name, node }) => {
      const [sign, colour] = SIGNS[change];
      const label = name === '' ? paint('dim', node) : name;
      return `    ${paint(colour, sign)} ${padEnd(type, column)}  ${label}${note(change, paint)}`;
    }),
    ...gateway.drift.map((drift) => `    ${paint('yellow', '!')} ${renderDrift(drift)}`),
  ];
}

const note = (change: NodeChange, paint: Paint): string =>
  change === 'move'
    ? `  ${paint('dim', 'moves here')}`
    : change === 'rewire'
      ? `  ${paint('dim', 'rewired')}`
      : '';

export function renderDrift({ node, name, kind, properties }: Drift): string {
  const what = { changed: 'was changed by hand', missing: 'was removed by hand', added: 'was added by hand' }[
    kind
  ];
  const which = properties === undefined || properties.length === 0 ? '' : ` (${properties.join(', ')})`;
  return `${name} (${node}) ${what}${which}`;
}

export function renderCutWire(wire: CutWire, paint: Paint): string[] {
  const port = wire.from.port === 0 ? '' : `:${wire.from.port + 1}`;
  const end = (name: string, gateway: string) => `${name} ${paint('dim', `on ${gateway}`)}`;
  const from = end(`${wire.from.name || wire.from.node}${port}`, wire.from.gateway);
  const to = wire.to.map(({ name, node, gateway }) => end(name || node, gateway)).join(', ');
  const over = wire.broker === 'shared' ? 'over the shared broker' : `over ${wire.broker}`;
  return [
    `  ${from} ${paint('cyan', '──▶')} ${to}  ${paint(wire.broker === 'shared' ? 'dim' : 'green', over)}`,
    `      ${paint('dim', wire.why)}`,
    `      ${wireOptions(wire, paint)}`,
  ];
}

/** Delivery and options as they hold; what was said stands out. */
function wireOptions({ level, options }: CutWire, paint: Paint): string {
  const tell = (text: string, said: boolean) => paint(said ? 'yellow' : 'dim', text);
  const delivery = tell(level, level !== 'at-least-once');
  if (level === 'at-most-once') return delivery;
  const told = toldOf(options).map(({ option, value, said }) => tell(`${option} ${value}`, said));
  return [delivery, ...told].join(paint('dim', ', '));
}

const FATES: Readonly<Record<StrandedStream['action'], readonly [text: string, colour: Colour]>> = {
  drain: ['processed first', 'green'],
  discard: ['given up', 'red'],
  refuse: ['in the way', 'red'],
  none: ['lost', 'red'],
};

export function renderStranded(
  { stream, consumers, away, records, action, ...size }: StrandedStream,
  paint: Paint,
): string {
  const facts = [
    plural(records, 'record'),
    ...(size.bytes === undefined ? [] : [bytes(size.bytes)]),
    ...(size.ageMs === undefined ? [] : [`the oldest ${Math.round(size.ageMs / 1000)} s old`]),
  ];
  const [text, colour] = FATES[action];
  const gone = away.length === 0 ? '' : ` (${away.join(', ')} away)`;
  return `  ${stream} for ${consumers.join(', ')}${gone}: ${facts.join(', ')}; ${paint(colour, text)}`;
}

function renderWarning({ where, message }: Plan['warnings'][number], paint: Paint): string {
  return `  ${paint('yellow', '!')} ${message}${where === undefined ? '' : ` ${paint('dim', `(${where})`)}`}`;
}

export function renderBlocker({ code, message, where, remedy }: Problem, paint: Paint): string[] {
  return [
    `  ${paint('red', '✗')} ${message} ${paint('dim', where === undefined ? code : `${code}, ${where}`)}`,
    `    ${remedy}`,
  ];
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint('bold', title), ...lines, ''];
}

function summary(plan: Plan, paint: Paint): string {
  if (plan.blockers.length > 0) {
    return paint('red', `A deploy would be refused: ${plural(plan.blockers.length, 'thing')} in the way.`);
  }
  if (plan.unchanged) return paint('green', 'Nothing to do: this version runs already.');
  const counts = new Map<NodeChange, number>();
  for (const { changes } of plan.gateways) {
    for (const { change } of changes) counts.set(change, (counts.get(change) ?? 0) + 1);
  }
  const words = {
    add: 'to add',
    change: 'to change',
    move: 'to move',
    rewire: 'to rewire',
    remove: 'to remove',
  };
  const parts = Object.entries(words)
    .map(([change, word]) => [counts.get(change as NodeChange) ?? 0, word] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`);
  const restarts = plan.gateways.reduce((sum, gateway) => sum + gateway.restarts, 0);
  return `${paint('green', 'Ready')}: ${parts.join(', ') || 'no node changes'}; ${plural(restarts, 'node')} ${restarts === 1 ? 'restarts' : 'restart'}.`;
}
