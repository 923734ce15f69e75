/** The fleet page: reads the REST API once, then follows its events. */
import { applicationsView } from './applications.js';
import { brokersView } from './brokers.js';
import { count, el, plural, rate, write } from './dom.js';
import { gatewaysView } from './gateways.js';
import { Fleet } from './model.js';

const byId = (id) => document.getElementById(id);
const fleet = new Fleet();
const showGateways = gatewaysView(byId('fleet'));
const showBrokers = brokersView(byId('brokers'));
const showApps = applicationsView(byId('apps'), { fleet, open: fetchApp, explain });

async function get(path) {
  const response = await fetch(`/api/v1${path}`, { headers: { Accept: 'application/json' } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? response.statusText);
  return body;
}

let drawing = false;
/** At most one picture a frame, however many events come. */
function changed() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    showGateways([...fleet.gateways.values()]);
    showBrokers(fleet.brokers);
    showApps([...fleet.apps.values()]);
    summarise();
  });
}

function summarise() {
  const gateways = [...fleet.gateways.values()];
  const down = gateways.filter((gateway) => gateway.health !== 'up').length;
  const totals = fleet.totals();
  const parts = [
    [plural(gateways.length, 'gateway')],
    ...(down > 0 ? [[`${down} not up`, 'bad']] : []),
    [plural(fleet.apps.size, 'application')],
    [`${rate(totals.rate)} over cut wires`],
    [`${count(totals.lost)} lost`, totals.lost > 0 ? 'bad' : undefined],
    ...(totals.repeated > 0 ? [[`${count(totals.repeated)} repeated`, 'warn']] : []),
  ];
  const text = parts.map(([part]) => part).join(' · ');
  const summary = byId('summary');
  if (summary.textContent === text) return;
  const spans = parts.map(([part, tone]) => el('span', { class: tone }, part));
  summary.replaceChildren(...spans.flatMap((span, i) => (i === 0 ? [span] : [' · ', span])));
}

async function refreshGateways() {
  const [views, brokers] = await Promise.all([get('/gateways'), get('/brokers')]);
  fleet.setGateways(views);
  fleet.brokers = brokers;
  changed();
}

async function refreshApps() {
  fleet.setApps(await get('/apps'));
  await Promise.all([...fleet.apps.keys()].map(fetchApp));
}

async function fetchApp(id) {
  const app = fleet.apps.get(id);
  if (app === undefined || app.detail?.version === app.version) return changed();
  const detail = await get(`/apps/${encodeURIComponent(id)}`);
  fleet.apps.set(id, { ...app, detail });
  changed();
}

/** Everything anew; the first rates need heartbeats, so each gateway's last one is read too. */
async function refresh() {
  await Promise.all([refreshGateways(), refreshApps()]);
  const details = await Promise.all(
    [...fleet.gateways.keys()].map((id) => get(`/gateways/${encodeURIComponent(id)}`)),
  );
  for (const { id, heartbeat } of details) if (heartbeat !== undefined) fleet.heartbeat(id, heartbeat);
  changed();
}

/** Runs one of them at a time, and once more when asked meanwhile. */
function once(work) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await work().catch((error) => note('page', error.message, 'bad'));
    }
    running = false;
  };
}

const refreshAll = once(refresh);
const gatewaysChanged = once(refreshGateways);
const appsChanged = once(refreshApps);

function follow() {
  const live = byId('live');
  const source = new EventSource('/api/v1/events');
  const on = (event, listener) => source.addEventListener(event, ({ data }) => listener(JSON.parse(data)));
  source.onopen = () => {
    live.dataset.state = 'live';
    write(live, 'live');
    refreshAll();
  };
  source.onerror = () => {
    live.dataset.state = 'lost';
    write(live, 'reconnecting');
  };
  on('heartbeat', ({ gateway, heartbeat }) => {
    fleet.heartbeat(gateway, heartbeat);
    changed();
  });
  on('gateway', ({ gateway, change }) => {
    note(
      gateway,
      GATEWAY_WORDS[change] ?? change,
      change === 'down' ? 'bad' : change === 'up' ? 'good' : undefined,
    );
    gatewaysChanged();
  });
  on('application', ({ application, change }) => {
    note(fleet.apps.get(application)?.name ?? application, APP_WORDS[change] ?? change);
    appsChanged();
    gatewaysChanged();
  });
  on('progress', ({ progress }) => note(progress.gateway ?? 'deploy', progress.message));
  on('refused', ({ application, problem }) =>
    note(application, `${problem.message} ${problem.remedy}`, 'bad'),
  );
  on('deployed', ({ deployment: { plan, version, seconds, pending } }) => {
    const waits = pending.length === 0 ? '' : ` and waits for ${pending.join(', ')}`;
    note(plan.name, `version ${version} runs, after ${seconds.toFixed(1)} s${waits}`, 'good');
  });
}

const GATEWAY_WORDS = {
  enrolled: 'enrolled',
  up: 'is up',
  degraded: 'is degraded',
  stale: 'has not been heard for a while',
  down: 'is down',
  removed: 'was taken out of the fleet',
};
const APP_WORDS = {
  'new-version': 'has a new version',
  stopped: 'was stopped',
  started: 'was started',
  settled: 'is complete on a gateway that was away',
  removed: 'was removed',
};
const NOTES = 60;

function note(who, what, tone) {
  const log = byId('log');
  const time = el('time', {}, new Date().toLocaleTimeString());
  log.prepend(el('li', { class: tone }, time, el('b', {}, who), el('span', {}, what)));
  while (log.children.length > NOTES) log.lastElementChild.remove();
}

async function explain(app, { id, node }) {
  const body = byId('explain-body');
  write(byId('explain-title'), node?.name || node?.type || id);
  body.replaceChildren(el('p', { class: 'dim' }, 'Asking…'));
  byId('explain').showModal();
  try {
    const reasons = await get(`/apps/${encodeURIComponent(app.id)}/tasks/${encodeURIComponent(id)}/explain`);
    body.replaceChildren(
      el('p', {}, 'It runs on ', el('b', {}, reasons.gateway), ' because'),
      el('ul', { class: 'reasons' }, ...reasons.because.map((reason) => el('li', {}, reason))),
      ...(reasons.rejected.length === 0 ? [] : [el('p', {}, 'and not on')]),
      el(
        'ul',
        { class: 'rejections' },
        ...reasons.rejected.map((r) => el('li', {}, el('b', {}, r.gateway), ` ${r.reason}`)),
      ),
    );
  } catch (error) {
    body.replaceChildren(el('p', { class: 'bad' }, error.message));
  }
}

// Ages ("seen 20 s ago") go on without events, and so does who reaches which broker.
setInterval(() => document.hidden || gatewaysChanged(), 5_000);
follow();
