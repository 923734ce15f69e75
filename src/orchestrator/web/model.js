/**
 * What the page knows of the fleet, and how heartbeats change it. No DOM here.
 *
 * @typedef {{ stream: string, rate: number | undefined, backlog: number | undefined, appended: number,
 *             delivered: number, lost: number, repeated: number, dead: number, resent: number, duplicates: number,
 *             waits: { bytes: number, ageMs: number | undefined } | undefined,
 *             latency: { p50: number, p99: number } | undefined, history: number[] }} StreamNumbers
 */

/** Samples kept for the small charts. */
const KEPT = 60;

export class Fleet {
  constructor() {
    /** @type {Map<string, any>} gateway id → view, with `cpu`: its last loads */
    this.gateways = new Map();
    /** @type {any[]} the reachability map */
    this.brokers = [];
    /** @type {Map<string, any>} application id → summary, with `detail` once it was fetched */
    this.apps = new Map();
    /** @type {Map<string, Side>} `gateway stream` → what that gateway last said of the stream */
    this.sides = new Map();
  }

  setGateways(views) {
    const before = this.gateways;
    this.gateways = new Map(views.map((view) => [view.id, { ...view, cpu: before.get(view.id)?.cpu ?? [] }]));
  }

  setApps(summaries) {
    const before = this.apps;
    this.apps = new Map(summaries.map((app) => [app.id, { ...app, detail: before.get(app.id)?.detail }]));
  }

  heartbeat(gateway, beat) {
    const view = this.gateways.get(gateway);
    if (view !== undefined) {
      view.cpuPct = beat.cpuPct;
      view.memFreeMB = beat.memFreeMB;
      view.lastSeen = new Date(beat.at).toISOString();
      view.cpu = [...view.cpu, beat.cpuPct].slice(-KEPT);
    }
    for (const status of beat.streams) {
      const key = `${gateway} ${status.role} ${status.stream}`;
      this.sides.set(key, nextSide(this.sides.get(key), status, beat.at));
    }
  }

  /** @returns {StreamNumbers} the numbers of one cut wire, from both its sides */
  stream(wire) {
    const out = this.sides.get(`${wire.from.gateway} out ${wire.stream}`);
    const gateways = [...new Set(wire.to.map((end) => end.gateway))];
    const ins = gateways.map((gateway) => this.sides.get(`${gateway} in ${wire.stream}`)).filter(Boolean);
    const sum = (name) => ins.reduce((total, side) => total + (side.status[name] ?? 0), 0);
    return {
      stream: wire.stream,
      rate: out?.rate,
      backlog: out && backlogOf(out.status),
      appended: out?.status.appended ?? 0,
      delivered: sum('delivered'),
      lost: Math.max(out?.status.lost ?? 0, ...ins.map((side) => side.status.lost)),
      repeated: sum('repeated'),
      dead: sum('dead'),
      resent: out?.status.retransmitted ?? 0,
      duplicates: sum('duplicates'),
      waits: out && waitsOf(out),
      latency: slowest(ins),
      history: out?.history ?? [],
    };
  }

  /** Records a second over all cut wires of the applications that were fetched. */
  totals() {
    const totals = { rate: 0, lost: 0, repeated: 0 };
    for (const { detail } of this.apps.values()) {
      for (const wire of detail?.streams ?? []) {
        const numbers = this.stream(wire);
        totals.rate += numbers.rate ?? 0;
        totals.lost += numbers.lost;
        totals.repeated += numbers.repeated;
      }
    }
    return totals;
  }
}

/**
 * @typedef {{ status: any, at: number, rate: number | undefined, history: number[] }} Side
 * @param {Side | undefined} before
 * @returns {Side} the rate is of the time between two heartbeats; a counter that fell back means a restart
 */
function nextSide(before, status, at) {
  if (status.role === 'in' || before === undefined || status.appended < before.status.appended) {
    return { status, at, rate: undefined, history: before?.history ?? [] };
  }
  if (at <= before.at) return { ...before, status };
  const rate = ((status.appended - before.status.appended) * 1000) / (at - before.at);
  return { status, at, rate, history: [...before.history, rate].slice(-KEPT) };
}

/** Bytes and age of what waits; a gateway of an earlier release does not tell. */
function waitsOf({ status: { backlog }, at }) {
  if (backlog === undefined || backlog.records === 0) return undefined;
  return {
    bytes: backlog.bytes,
    ageMs: backlog.since === undefined ? undefined : Math.max(0, at - backlog.since),
  };
}

function slowest(sides) {
  const all = sides.flatMap(({ status }) => status.latencyMs ?? []);
  return all.sort((a, b) => b.p99 - a.p99)[0];
}

function backlogOf({ head, consumers }) {
  return Math.max(0, ...Object.values(consumers).map((consumer) => head - consumer.done));
}

/** The wires of an application between its tasks; what lies between (junctions) is followed. */
export function wiresOf({ id, flow, placement }) {
  const nodes = new Map(flow.map((node) => [node.id, node]));
  const wires = [];
  for (const node of flow.filter((one) => one.id in placement)) {
    const ports = [...(node.wires ?? [])];
    if (node.type === 'link out' && node.mode !== 'return') ports.push(node.links ?? []);
    ports.forEach((targets, port) => {
      for (const to of tasksBehind(targets, nodes, placement)) {
        const cut = placement[to] !== placement[node.id];
        wires.push({ from: node.id, to, cut, stream: `${id}/${node.id}:${port}` });
      }
    });
  }
  return wires;
}

function tasksBehind(targets, nodes, placement, seen = new Set()) {
  return targets.flatMap((id) => {
    if (id in placement) return [id];
    const node = nodes.get(id);
    if (node?.type !== 'junction' || seen.has(id)) return [];
    return tasksBehind((node.wires ?? []).flat(), nodes, placement, seen.add(id));
  });
}
