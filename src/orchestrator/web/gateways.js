/** The gateways, by tier. */
import { ago, el, keyed, plural, spark, svg, write } from './dom.js';

const TIERS = ['edge', 'fog', 'cloud'];

export function gatewaysView(parent) {
  const tiers = new Map(
    TIERS.map((tier) => {
      const list = el('div', { class: 'cards' });
      const number = el('span', { class: 'dim' });
      parent.append(el('div', { class: `tier tier-${tier}` }, el('h3', {}, tier, number), list));
      return [tier, { list, number, cache: new Map() }];
    }),
  );
  return (gateways) => {
    for (const [tier, { list, number, cache }] of tiers) {
      const here = gateways.filter((g) => g.tier === tier).sort((a, b) => a.id.localeCompare(b.id));
      write(number, here.length === 0 ? 'none' : String(here.length));
      keyed(list, cache, here, (gateway) => gateway.id, gatewayCard);
    }
  };
}

function gatewayCard({ id }) {
  const health = el('span', { class: 'health' });
  const link = el(
    'a',
    { class: 'open', target: '_blank', rel: 'noopener', title: 'Its own editor' },
    'editor ↗',
  );
  const cpu = el('output');
  const memory = el('output');
  const tasks = el('output');
  const memoryBar = el('i');
  const line = svg('polyline');
  const facts = el('p', { class: 'facts' });
  const troubles = el('p', { class: 'troubles' });
  const chips = el('p', { class: 'chips' });
  const chart = svg(
    'svg',
    { viewBox: '0 0 100 25', preserveAspectRatio: 'none', class: 'spark', 'aria-hidden': 'true' },
    line,
  );
  const element = el(
    'article',
    { class: 'card gateway' },
    el('header', {}, health, el('h4', {}, id), link),
    el(
      'dl',
      {},
      el('div', {}, el('dt', {}, 'CPU'), el('dd', {}, cpu), chart),
      el('div', {}, el('dt', {}, 'Memory'), el('dd', {}, memory), el('span', { class: 'meter' }, memoryBar)),
      el('div', {}, el('dt', {}, 'Tasks'), el('dd', {}, tasks)),
    ),
    facts,
    troubles,
    chips,
  );
  const update = (gateway) => {
    element.dataset.health = gateway.health;
    health.title = gateway.health;
    health.dataset.health = gateway.health;
    link.href = gateway.adminUrl;
    write(cpu, gateway.cpuPct === undefined ? '–' : `${Math.round(gateway.cpuPct)} %`);
    line.setAttribute('points', spark(gateway.cpu, 100));
    const used = gateway.memFreeMB === undefined ? undefined : 1 - gateway.memFreeMB / gateway.memTotalMB;
    write(memory, used === undefined ? '–' : `${Math.round(used * 100)} %`);
    memoryBar.style.width = `${Math.round((used ?? 0) * 100)}%`;
    write(
      tasks,
      gateway.maxTasks === undefined ? String(gateway.tasks) : `${gateway.tasks} of ${gateway.maxTasks}`,
    );
    const seen = gateway.health === 'up' ? undefined : `${gateway.health}, seen ${ago(gateway.lastSeen)}`;
    write(
      facts,
      [seen, `Node-RED ${gateway.nodeRedVersion}`, plural(gateway.cpuCores, 'core'), gateway.site]
        .filter(Boolean)
        .join(' · '),
    );
    write(troubles, (gateway.troubles ?? []).join('\n'));
    const names = gateway.capabilities.join('\n');
    if (chips.dataset.names !== names) {
      chips.dataset.names = names;
      chips.replaceChildren(...gateway.capabilities.map((name) => el('span', { class: 'chip' }, name)));
    }
  };
  return { element, update };
}
