/** The ECHO sidebar: the fleet, where the shown tab's application runs, its cut wires, the last deploy or plan. */
import type {
  ApplicationSummary,
  DeployNotice,
  GatewaySummary,
  PlanSummary,
} from '../../../../src/wire/editor.ts';
import { cutWireSection } from './cutWires.ts';
import { action, type Child, h, icon } from './dom.ts';
import { applicationOf, deployAgain, gateways, lastDeploy, onFleetChange, shownPlan } from './fleet.ts';
import { TIERS } from './hints.ts';
import { dot, nameOf, problem, reveal, section } from './parts.ts';
import { say } from './red.ts';
import { answers, strandedList, strandedSection } from './stranded.ts';

export function registerSidebar(): void {
  const content = h('div', { class: 'echo-sidebar' });
  RED.sidebar.addTab({
    id: 'echo',
    label: say('sidebar.label'),
    name: say('sidebar.name'),
    iconClass: 'fa fa-sitemap',
    content: $(content),
    enableOnEdit: true,
    pinned: true,
  });
  const draw = (): void => {
    const tab = RED.workspaces.active();
    const application = applicationOf(tab);
    content.replaceChildren(
      ...planSection(shownPlan()),
      ...applicationSection(application, tab),
      ...fleetSection(),
    );
  };
  onFleetChange(draw);
  RED.events.on('workspace:change', draw);
  RED.events.on('nodes:change', draw);
  RED.events.on('flows:loaded', draw);
  draw();
}

function fleetSection(): HTMLElement[] {
  const order = gateways().toSorted(
    (a, b) => TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) || (a.id < b.id ? -1 : 1),
  );
  const rows = order.map((gateway) =>
    h(
      'tr',
      { class: `echo-health-${gateway.health}` },
      h(
        'td',
        {},
        dot(gateway.id),
        h(
          'a',
          {
            class: 'echo-link',
            href: gateway.adminUrl,
            target: '_blank',
            rel: 'noopener',
            title: say('sidebar.open'),
          },
          gateway.id,
        ),
      ),
      h('td', {}, say(`tier.${gateway.tier}`)),
      h('td', {}, h('span', { class: 'echo-health' }), say(`health.${gateway.health}`)),
      h(
        'td',
        { class: 'echo-number' },
        gateway.cpuPct === undefined ? '–' : `${Math.round(gateway.cpuPct)} %`,
      ),
      h(
        'td',
        { class: 'echo-number' },
        gateway.maxTasks === undefined ? String(gateway.tasks) : `${gateway.tasks}/${gateway.maxTasks}`,
      ),
    ),
  );
  if (rows.length === 0)
    return [section(say('sidebar.gateways'), h('p', { class: 'echo-empty' }, say('sidebar.noGateways')))];
  const head = ['gateway', 'tier', 'health', 'cpu', 'tasks'].map((key) =>
    h('th', {}, say(`sidebar.column.${key}`)),
  );
  return [
    section(
      say('sidebar.gateways'),
      h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)),
    ),
  ];
}

function applicationSection(application: ApplicationSummary | undefined, tab: string): HTMLElement[] {
  const last = lastDeploy(tab);
  if (application === undefined) {
    return [
      section(say('sidebar.application'), h('p', { class: 'echo-empty' }, say('sidebar.notDeployed'))),
      ...(last === undefined ? [] : lastSection(last)),
    ];
  }
  const { name, version, status, draft } = application;
  return [
    section(
      name,
      h(
        'p',
        {},
        say('sidebar.version', { version, status: say(`status.${status}`) }),
        ...(draft ? undeployed() : []),
      ),
      placementList(application.placement),
    ),
    ...cutWireSection(application.cutWires),
    ...(last === undefined ? [] : lastSection(last)),
  ];
}

/** After a reload, when no notice tells of the refusal any more, the draft can still be tried again. */
const undeployed = (): Child[] => [
  h('span', { class: 'echo-tag echo-warn' }, say('sidebar.draft')),
  ' ',
  action(say('deploy.again'), () => deployAgain()),
];

function placementList(placement: Readonly<Record<string, string>>): HTMLElement {
  const byGateway = new Map<string, string[]>();
  for (const [task, gateway] of Object.entries(placement)) {
    byGateway.set(gateway, [...(byGateway.get(gateway) ?? []), task]);
  }
  const items = [...byGateway]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([gateway, tasks]) =>
      h(
        'li',
        {},
        h(
          'div',
          {},
          dot(gateway),
          h('b', {}, gateway),
          h('span', { class: 'echo-small' }, ` ${say('sidebar.tasks', { count: tasks.length })}`),
        ),
        h(
          'div',
          { class: 'echo-tasks' },
          ...tasks.flatMap((task, at): Child[] => [at === 0 ? undefined : ', ', reveal(task, nameOf(task))]),
        ),
      ),
    );
  return h('ul', { class: 'echo-list' }, ...items);
}

function lastSection(notice: DeployNotice): HTMLElement[] {
  const title = say('sidebar.last');
  switch (notice.kind) {
    case 'started':
      return [
        section(
          title,
          h('p', {}, icon('spinner fa-spin'), ` ${say('deploy.started', { name: notice.name })}`),
        ),
      ];
    case 'progress': {
      const where = notice.gateway === undefined ? '' : `${notice.gateway}: `;
      return [section(title, h('p', {}, icon('spinner fa-spin'), ` ${where}${notice.message}`))];
    }
    case 'refused':
      return [
        section(
          title,
          problem(notice.problem),
          h(
            'p',
            {},
            action(say('deploy.again'), () => deployAgain()),
          ),
        ),
      ];
    case 'stranded':
      return [
        section(
          title,
          strandedList(notice.stranded),
          h('p', {}, ...answers(notice).flatMap(({ text, click }) => [action(text, click), ' '])),
        ),
      ];
    case 'done':
      return [
        section(
          title,
          h(
            'p',
            {},
            icon('check'),
            ` ${say('sidebar.done', { version: notice.version, seconds: notice.seconds.toFixed(1) })}`,
          ),
          changeTable(notice.gateways),
          ...notice.warnings.map((text) => h('p', { class: 'echo-warn' }, icon('warning'), ` ${text}`)),
        ),
      ];
    default:
      return [];
  }
}

function changeTable(summaries: readonly GatewaySummary[]): HTMLElement {
  const columns = ['tasks', 'added', 'changed', 'removed', 'restarts'] as const;
  const head = [
    h('th', {}, say('sidebar.column.gateway')),
    ...columns.map((key) =>
      h('th', { class: 'echo-number', title: say(`sidebar.column.${key}`) }, say(`sidebar.sign.${key}`)),
    ),
  ];
  const rows = summaries.map((one) =>
    h(
      'tr',
      one.online ? {} : { class: 'echo-health-down' },
      h('td', {}, dot(one.gateway), one.gateway),
      ...columns.map((key) => h('td', { class: 'echo-number' }, String(one[key]))),
    ),
  );
  return h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows));
}

function planSection(plan: readonly PlanSummary[] | undefined): HTMLElement[] {
  if (plan === undefined) return [];
  if (plan.length === 0)
    return [section(say('plan.title'), h('p', { class: 'echo-empty' }, say('plan.nothing')))];
  return plan.map((one) => {
    const title = say('plan.of', { name: one.name });
    if (one.kind === 'refused') return section(title, problem(one.problem));
    if (one.kind === 'remove')
      return section(title, h('p', {}, say('plan.remove')), ...strandedSection(one.stranded));
    return section(
      title,
      ...one.blockers.map(problem),
      changeTable(one.gateways),
      ...one.warnings.map((text) => h('p', { class: 'echo-warn' }, icon('warning'), ` ${text}`)),
      ...strandedSection(one.stranded),
      ...cutWireSection(one.cutWires),
    );
  });
}
