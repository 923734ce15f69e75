/** The ECHO sidebar: the fleet, where the shown tab's application runs, its cut wires, the last deploy or plan. */
import type {
  ApplicationSummary,
  CutWireSummary,
  DeployNotice,
  GatewaySummary,
  PlanSummary,
  ProblemSummary,
} from '../../../../src/wire/editor.ts';
import { gatewayColour } from './colours.ts';
import { action, type Child, h, icon } from './dom.ts';
import { applicationOf, deployAgain, gateways, lastDeploy, onFleetChange, shownPlan } from './fleet.ts';
import { TIERS } from './hints.ts';
import { say } from './red.ts';

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

const section = (title: string, ...children: Child[]): HTMLElement =>
  h('section', {}, h('h4', {}, title), ...children);

const dot = (gateway: string): HTMLElement =>
  h('span', { class: 'echo-dot', style: `background:${gatewayColour(gateway)}` });

const reveal = (node: string, name: string): HTMLElement =>
  action(name, () => RED.view.reveal(node, true), say('reveal'));

const nameOf = (id: string, fallback = ''): string => {
  const node = RED.nodes.node(id);
  return fallback || node?.name || node?.type || id;
};

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
        draft ? h('span', { class: 'echo-tag echo-warn' }, say('sidebar.draft')) : undefined,
      ),
      placementList(application.placement),
    ),
    ...wireSection(application.cutWires),
    ...(last === undefined ? [] : lastSection(last)),
  ];
}

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

function wireSection(wires: readonly CutWireSummary[]): HTMLElement[] {
  if (wires.length === 0) return [];
  const items = wires.map(({ from, to, why, level }) =>
    h(
      'li',
      { title: why },
      dot(from.gateway),
      reveal(from.node, nameOf(from.node, from.name)),
      ' ',
      icon('long-arrow-right'),
      ' ',
      ...to.flatMap((end, at): Child[] => [
        at === 0 ? undefined : ', ',
        dot(end.gateway),
        reveal(end.node, nameOf(end.node, end.name)),
      ]),
      h('div', { class: 'echo-small' }, `${why} · ${say(`delivery.${level}`)}`),
    ),
  );
  return [
    section(say('sidebar.cutWires', { count: wires.length }), h('ul', { class: 'echo-list' }, ...items)),
  ];
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
      return [section(title, problem(notice.problem), h('p', {}, action(say('deploy.again'), deployAgain)))];
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

const problem = ({ code, message, remedy, node }: ProblemSummary): HTMLElement =>
  h(
    'div',
    { class: 'echo-problem' },
    h('p', {}, icon('times-circle'), ` ${message}`),
    h('p', {}, remedy),
    h('p', { class: 'echo-small' }, `${code} `, node === undefined ? undefined : reveal(node, say('reveal'))),
  );

function changeTable(summaries: readonly GatewaySummary[]): HTMLElement {
  const columns = ['tasks', 'added', 'changed', 'removed', 'restarts'] as const;
  const head = ['gateway', ...columns].map((key) => h('th', {}, say(`sidebar.column.${key}`)));
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
    if (one.kind === 'remove') return section(title, h('p', {}, say('plan.remove')));
    if (one.kind === 'refused') return section(title, problem(one.problem));
    return section(
      title,
      ...one.blockers.map(problem),
      changeTable(one.gateways),
      ...one.warnings.map((text) => h('p', { class: 'echo-warn' }, icon('warning'), ` ${text}`)),
      ...wireSection(one.cutWires),
    );
  });
}
