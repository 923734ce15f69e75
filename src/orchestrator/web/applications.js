/** The applications: each with its picture over the tiers and its cut wires. */
import { count, el, keyed, plural, rate, spark, svg, write } from './dom.js';
import { layout, SIZE } from './layout.js';
import { wiresOf } from './model.js';

/** The colours Node-RED gives its own nodes. */
const COLOURS = {
  inject: '#a6bbcf',
  debug: '#87a980',
  function: '#fdd0a2',
  switch: '#e2d96e',
  change: '#e2d96e',
  range: '#e2d96e',
  template: '#f3b567',
  delay: '#e6e0f8',
  catch: '#e49191',
  status: '#94c1d0',
  'mqtt in': '#d8bfd8',
  'mqtt out': '#d8bfd8',
  'http in': '#e7e7ae',
  'http response': '#e7e7ae',
  'http request': '#e7e7ae',
  file: '#deb887',
  'file in': '#deb887',
  'link in': '#ddd',
  'link out': '#ddd',
};

/**
 * @param {HTMLElement} parent
 * @param {{ fleet: import('./model.js').Fleet, open: (id: string) => void, explain: (app: any, task: any) => void }} use
 */
export function applicationsView(parent, use) {
  const cache = new Map();
  const empty = el(
    'p',
    { class: 'empty' },
    'Nothing is deployed yet. Draw a flow in the editor and deploy it, or use ',
    el('code', {}, 'echoctl deploy FLOW.json'),
    '.',
  );
  const list = el('div');
  parent.append(empty, list);
  return (apps) => {
    empty.hidden = apps.length > 0;
    const sorted = [...apps].sort((a, b) => a.name.localeCompare(b.name));
    keyed(
      list,
      cache,
      sorted,
      (app) => app.id,
      (app) => applicationCard(app, use),
    );
  };
}

function applicationCard({ id }, { fleet, open, explain }) {
  const name = el('h3');
  const version = el('span', { class: 'dim' });
  const status = el('span', { class: 'pill' });
  const facts = el('span', { class: 'dim facts' });
  const picture = el('div', { class: 'picture' });
  const rows = el('tbody');
  const wires = el('table', { class: 'wires' }, head(), rows);
  const element = el(
    'details',
    { class: 'card app', open: true, ontoggle: () => element.open && open(id) },
    el('summary', {}, name, version, status, facts),
    picture,
    wires,
  );
  const rowCache = new Map();
  let drawn;
  const update = (app) => {
    write(name, app.name);
    version.title = app.id;
    write(version, `version ${app.version}`);
    write(status, app.status.replace('-', ' '));
    status.dataset.status = app.status;
    write(
      facts,
      [
        plural(app.tasks, 'task'),
        plural(app.gateways.length, 'gateway'),
        plural(app.cutWires, 'cut wire'),
      ].join(' · '),
    );
    if (app.detail === undefined || !element.open) return;
    const tiers = [...fleet.gateways.values()].map((g) => g.id + g.tier).join();
    if (drawn?.detail !== app.detail || drawn.tiers !== tiers) {
      drawn = { detail: app.detail, tiers, ...draw(app.detail, fleet, explain) };
      picture.replaceChildren(drawn.element);
    }
    const streams = app.detail.streams.map((wire) => ({ wire, numbers: fleet.stream(wire) }));
    wires.hidden = streams.length === 0;
    keyed(rows, rowCache, streams, ({ wire }) => wire.stream, wireRow);
    for (const { numbers } of streams) drawn.live(numbers, app.status);
  };
  return { element, update };
}

function head() {
  const title = (text, hint) => el('th', hint === undefined ? {} : { title: hint, class: 'number' }, text);
  return el(
    'thead',
    {},
    el(
      'tr',
      {},
      title('Cut wire'),
      el('th', { title: 'The broker it takes' }, 'Broker'),
      el('th'),
      title('Rate', 'Records a second at its source'),
      title('Carried', 'Records handed over at the other end'),
      title('Behind', 'Records not yet processed by the slowest consumer'),
      title(
        'Latency',
        'From append to delivery, by the clocks of the two gateways: half of the records, 99 of 100',
      ),
      title('Lost', 'Records declared lost'),
      title('Repeated', 'Work done again after a crash'),
      title('Set aside', 'Dead letters: records whose task failed too often'),
    ),
  );
}

function wireRow({ wire }) {
  const end = ({ name, node, gateway }) => [
    el('b', {}, name || node),
    el('span', { class: 'dim' }, ` ${gateway}`),
  ];
  const line = svg('polyline');
  const cells = Object.fromEntries(
    ['rate', 'delivered', 'backlog', 'latency', 'lost', 'repeated', 'dead'].map((cell) => [
      cell,
      el('td', { class: 'number' }),
    ]),
  );
  const others = wire.to.flatMap((to, i) => [i === 0 ? '' : ', ', ...end(to)]);
  const element = el(
    'tr',
    { title: wire.why },
    el('td', {}, ...end(wire.from), el('span', { class: 'arrow' }, ' → '), ...others, ...choices(wire)),
    el('td', { class: 'dim' }, wire.broker),
    el('td', {}, svg('svg', { viewBox: '0 0 100 25', preserveAspectRatio: 'none', class: 'spark' }, line)),
    ...Object.values(cells),
  );
  const update = ({ numbers }) => {
    write(cells.rate, rate(numbers.rate));
    write(cells.delivered, count(numbers.delivered));
    write(cells.backlog, numbers.backlog === undefined ? '–' : count(numbers.backlog));
    cells.delivered.title = `${count(numbers.resent)} sent again, ${count(numbers.duplicates)} duplicates dropped`;
    cells.backlog.title = waiting(numbers.waits);
    write(cells.latency, numbers.latency === undefined ? '–' : latency(numbers.latency));
    write(cells.dead, count(numbers.dead));
    cells.dead.classList.toggle('warn', numbers.dead > 0);
    write(cells.lost, count(numbers.lost));
    write(cells.repeated, count(numbers.repeated));
    cells.lost.classList.toggle('bad', numbers.lost > 0);
    cells.repeated.classList.toggle('warn', numbers.repeated > 0);
    line.setAttribute('points', spark(numbers.history));
  };
  return { element, update };
}

/** Delivery and options where they are not the default. */
function choices({ level, options = {} }) {
  const said = Object.entries(options).map(([option, value]) => `${option} ${value}`);
  const texts = level === 'at-least-once' ? said : [level, ...said];
  return texts.map((text) => el('span', { class: 'chip' }, text));
}

const latency = ({ p50, p99 }) => `${Math.round(p50)} / ${Math.round(p99)} ms`;

function waiting(waits) {
  if (waits === undefined) return '';
  const age = waits.ageMs === undefined ? '' : `, the oldest ${Math.round(waits.ageMs / 1000)} s old`;
  return `${count(waits.bytes)} bytes${age}`;
}

/** The picture, and what brings the numbers of a stream into it. */
function draw(app, fleet, explain) {
  const wires = wiresOf(app);
  const plan = layout(app, wires, (gateway) => fleet.gateways.get(gateway)?.tier ?? 'cloud');
  const labels = new Map();
  const lines = new Map();
  const root = svg('svg', {
    viewBox: `-2 ${plan.top - 2} ${plan.width + 4} ${plan.bottom - plan.top + 4}`,
    width: plan.width + 4,
    class: 'graph',
    role: 'img',
    'aria-label': `Where the tasks of ${app.name} run`,
  });
  root.append(...plan.boxes.map((box) => boxShape(box, fleet)));
  for (const wire of plan.wires) {
    const line = svg('path', { d: wire.d, class: wire.cut ? 'wire cut' : 'wire' });
    root.append(line);
    if (!wire.cut) continue;
    lines.set(wire.stream, [...(lines.get(wire.stream) ?? []), line]);
    if (!labels.has(wire.stream)) labels.set(wire.stream, labelShape(wire.label));
  }
  root.append(...plan.tasks.map((task) => taskShape(task, () => explain(app, task))));
  root.append(...[...labels.values()].map((label) => label.element));
  return {
    element: root,
    live(numbers, status) {
      const moving = status === 'running' && (numbers.rate ?? 0) > 0;
      for (const line of lines.get(numbers.stream) ?? []) line.classList.toggle('moving', moving);
      labels.get(numbers.stream)?.update(numbers);
    },
  };
}

function boxShape({ gateway, tier, x, y, width, height }, fleet) {
  const url = fleet.gateways.get(gateway)?.adminUrl;
  const title = svg('text', { x: x + SIZE.pad, y: y + 25, class: 'box-title' }, gateway);
  const kind = svg('text', { x: x + width - SIZE.pad, y: y + 25, class: 'box-tier' }, tier);
  const linked =
    url === undefined ? title : svg('a', { href: url, target: '_blank', rel: 'noopener' }, title);
  return svg('g', { class: `box tier-${tier}` }, svg('rect', { x, y, width, height, rx: 12 }), linked, kind);
}

function taskShape({ node, id, x, y }, explain) {
  const label = node?.name || node?.type || id;
  const fit = label.length > 25 ? `${label.slice(0, 24)}…` : label;
  const shape = svg(
    'g',
    {
      class: 'task',
      tabindex: 0,
      role: 'button',
      transform: `translate(${x} ${y})`,
      onclick: explain,
      onkeydown: (event) => (event.key === 'Enter' || event.key === ' ') && explain(),
    },
    svg('title', {}, `${label} (${node?.type ?? 'unknown type'}): why is it here?`),
    svg('rect', { width: SIZE.width, height: SIZE.task, rx: 7, class: 'task-body' }),
    svg('rect', {
      x: 6,
      y: 7,
      width: 5,
      height: SIZE.task - 14,
      rx: 2.5,
      fill: COLOURS[node?.type] ?? '#7fb7c9',
    }),
    svg('text', { x: 20, y: SIZE.task / 2 + 4.5 }, fit),
  );
  return shape;
}

function labelShape({ x, y }) {
  const text = svg('text', { y: 4 });
  const pill = svg('rect', { y: -11, height: 22, rx: 11 });
  const element = svg('g', { class: 'label', transform: `translate(${x} ${y})` }, pill, text);
  const update = ({ rate: perSecond, backlog, lost }) => {
    const behind = backlog > 0 ? ` · ${count(backlog)} behind` : '';
    write(text, perSecond === undefined ? '…' : `${rate(perSecond)}${behind}`);
    const width = text.textContent.length * 6.4 + 18;
    pill.setAttribute('x', -width / 2);
    pill.setAttribute('width', width);
    element.classList.toggle('bad', lost > 0);
  };
  return { element, update };
}
