/** Applications for people. Pure. */
import type { Explanation } from '../../../placement/types.ts';
import type { AppDetail, AppDiff, AppSummary, Deployment, VersionSummary } from '../../types.ts';
import { ago, type Colour, type Paint, plural, table } from '../terminal.ts';
import { renderCutWire, renderDrift } from './plan.ts';

const STATUS: Readonly<Record<AppSummary['status'], Colour>> = {
  running: 'green',
  stopped: 'gray',
  deploying: 'cyan',
  'pending-offline': 'yellow',
  'undo-pending': 'red',
};

export function renderApps(apps: readonly AppSummary[], paint: Paint): string[] {
  if (apps.length === 0) return ['No applications. Deploy one with "echoctl deploy FLOW.json".'];
  const columns = [
    { title: 'ID' },
    { title: 'NAME' },
    { title: 'VERSION', right: true },
    { title: 'STATUS' },
    { title: 'TASKS', right: true },
    { title: 'CUT WIRES', right: true },
    { title: 'GATEWAYS' },
    { title: 'UPDATED' },
  ];
  const rows = apps.map((app) => [
    app.id,
    app.name,
    String(app.version),
    paint(STATUS[app.status], app.status),
    String(app.tasks),
    String(app.cutWires),
    app.gateways.join(' '),
    `${ago(app.updated)} ago`,
  ]);
  return table(columns, rows, paint);
}

export function renderApp(app: AppDetail, paint: Paint): string[] {
  const nodes = new Map(app.flow.map((node) => [node.id, node]));
  const byGateway = app.gateways.map((gateway) => ({
    gateway,
    tasks: Object.keys(app.placement).filter((task) => app.placement[task] === gateway),
  }));
  return [
    `${paint('bold', app.name)} ${paint('dim', `(${app.id})`)}  version ${app.version}  ${paint(STATUS[app.status], app.status)}`,
    paint('dim', `updated ${ago(app.updated)} ago`),
    '',
    ...byGateway.flatMap(({ gateway, tasks }) => [
      `  ${paint('bold', gateway)}  ${paint('dim', plural(tasks.length, 'task'))}`,
      ...table(
        [{ title: '    TYPE' }, { title: 'NAME' }, { title: 'ID' }],
        tasks.map((task) => [
          `    ${nodes.get(task)?.type ?? ''}`,
          nodes.get(task)?.name ?? '',
          paint('dim', task),
        ]),
        paint,
      ).slice(1),
    ]),
    ...(app.streams.length === 0 ? [] : ['', paint('bold', 'Cut wires')]),
    ...app.streams.flatMap((wire) => renderCutWire(wire, paint)),
  ];
}

export function renderHistory(versions: readonly VersionSummary[], paint: Paint): string[] {
  const columns = [
    { title: 'VERSION', right: true },
    { title: 'MADE' },
    { title: 'BY' },
    { title: 'TASKS', right: true },
    { title: 'GATEWAYS' },
    { title: 'NOTE' },
  ];
  const rows = [...versions]
    .sort((a, b) => b.version - a.version)
    .map((v) => [
      String(v.version),
      v.created,
      v.origin,
      String(v.tasks),
      [...new Set(Object.values(v.placement))].sort().join(' '),
      v.note ?? '',
    ]);
  return table(columns, rows, paint);
}

export function renderDiff(diff: AppDiff, paint: Paint): string[] {
  const lines = diff.gateways.flatMap(({ gateway, online, drift }) => [
    `  ${paint('bold', gateway)}  ${gatewayState(online, drift.length, paint)}`,
    ...drift.map((d) => `    ${paint('yellow', '!')} ${renderDrift(d)}`),
  ]);
  return [...lines, ...(lines.length === 0 ? [] : ['']), diffSummary(diff, paint)];
}

function diffSummary({ gateways, version, clean }: AppDiff, paint: Paint): string {
  if (gateways.length === 0) return 'It is stopped: nothing of it stands on a gateway.';
  if (clean) return paint('green', `The gateways hold version ${version} as it was deployed.`);
  return gateways.some(({ drift }) => drift.length > 0)
    ? paint('yellow', 'A deploy refuses to overwrite changes made by hand, unless --overwrite is given.')
    : paint('yellow', 'What cannot be reached was not compared.');
}

function gatewayState(online: boolean, drift: number, paint: Paint): string {
  if (!online) return paint('red', 'not reachable');
  return drift === 0 ? paint('green', 'as deployed') : paint('yellow', plural(drift, 'change'));
}

/** `asked`: the task as the user named it. */
export function renderExplanation(
  { task, gateway, because, rejected }: Explanation,
  paint: Paint,
  asked: string = task,
): string[] {
  const id = asked === task ? '' : ` ${paint('dim', `(${task})`)}`;
  return [
    `${paint('bold', asked)}${id} is on ${paint('bold', gateway)}`,
    ...because.map((reason) => `  ${paint('green', '✓')} ${reason}`),
    ...(rejected.length === 0 ? [] : ['', 'and not on']),
    ...rejected.map((r) => `  ${paint('red', '✗')} ${paint('bold', r.gateway)}  ${r.reason}`),
  ];
}

export function renderDeployment(deployment: Deployment, paint: Paint): string {
  const { plan, version, status, pending, seconds } = deployment;
  if (status === 'unchanged')
    return `${paint('bold', plan.name)} version ${version} runs already; nothing was touched.`;
  const gateways = plan.gateways.filter((gateway) => gateway.tasks.length > 0);
  const took = `in ${seconds.toFixed(1)} s`;
  const done = `${paint('bold', plan.name)} version ${version} runs on ${plural(gateways.length, 'gateway')}, ${took}.`;
  if (status === 'running') return `${paint('green', '✓')} ${done}`;
  return `${paint('yellow', '!')} ${done} It completes when ${pending.join(', ')} can be reached again.`;
}
