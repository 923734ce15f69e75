/** Where everything of an application's picture stands: tiers as columns, gateways as boxes, tasks as rows. No DOM. */

export const SIZE = {
  task: 34,
  row: 52,
  width: 196,
  pad: 14,
  gutter: 16,
  head: 40,
  column: 168,
  box: 26,
  lane: 34,
};
const TIERS = ['edge', 'fog', 'cloud'];

/**
 * @param {{ flow: any[], placement: Record<string, string> }} app
 * @param {{ from: string, to: string, cut: boolean, stream: string }[]} wires
 * @param {(gateway: string) => string} tierOf
 */
export function layout(app, wires, tierOf) {
  const order = topological(Object.keys(app.placement), wires);
  const nodes = new Map(app.flow.map((node) => [node.id, node]));
  const gateways = [...new Set(Object.values(app.placement))].sort();
  const columns = TIERS.map((tier) => gateways.filter((gateway) => tierOf(gateway) === tier)).filter(
    (column) => column.length > 0,
  );
  const boxWidth = SIZE.width + 2 * SIZE.pad + SIZE.gutter;
  const boxes = [];
  const tasks = new Map();
  columns.forEach((column, index) => {
    const x = index * (boxWidth + SIZE.column);
    let y = 0;
    for (const gateway of column) {
      const ids = order.filter((id) => app.placement[id] === gateway);
      const height = SIZE.head + ids.length * SIZE.row - (SIZE.row - SIZE.task) + SIZE.pad;
      boxes.push({ gateway, tier: tierOf(gateway), x, y, width: boxWidth, height });
      ids.forEach((id, row) => {
        const left = x + SIZE.pad + SIZE.gutter;
        tasks.set(id, {
          id,
          node: nodes.get(id),
          column: index,
          gateway,
          row,
          x: left,
          y: y + SIZE.head + row * SIZE.row,
        });
      });
      y += height + SIZE.box;
    }
  });
  center(boxes, tasks);
  const bottom = Math.max(0, ...boxes.map((box) => box.y + box.height));
  const lanes = { above: 0, below: bottom };
  const known = wires.filter((wire) => tasks.has(wire.from) && tasks.has(wire.to));
  const drawn = known.map((wire) => ({ ...wire, ...path(tasks.get(wire.from), tasks.get(wire.to), lanes) }));
  return {
    width: columns.length * (boxWidth + SIZE.column) - SIZE.column,
    top: lanes.above === 0 ? 0 : lanes.above - SIZE.lane / 2,
    bottom: lanes.below === bottom ? bottom : lanes.below + SIZE.lane / 2,
    boxes,
    tasks: [...tasks.values()],
    wires: drawn,
  };
}

/** Columns are centred on the tallest. */
function center(boxes, tasks) {
  const bottom = new Map();
  for (const box of boxes) bottom.set(box.x, Math.max(bottom.get(box.x) ?? 0, box.y + box.height));
  const tallest = Math.max(0, ...bottom.values());
  const shift = (x) => (tallest - bottom.get(x)) / 2;
  for (const task of tasks.values()) task.y += shift(boxes.find((box) => box.gateway === task.gateway).x);
  for (const box of boxes) box.y += shift(box.x);
}

/** Sources first; tasks in a circle keep the order of the flow. */
function topological(ids, wires) {
  const waiting = new Map(ids.map((id) => [id, 0]));
  for (const { from, to } of wires) if (from !== to && waiting.has(to)) waiting.set(to, waiting.get(to) + 1);
  const order = [];
  while (waiting.size > 0) {
    const next = [...waiting].find(([, count]) => count === 0)?.[0] ?? waiting.keys().next().value;
    waiting.delete(next);
    order.push(next);
    for (const { from, to } of wires)
      if (from === next && waiting.has(to)) waiting.set(to, waiting.get(to) - 1);
  }
  return order;
}

/**
 * The line of a wire as an SVG path, and where its label stands. A wire that passes a column by takes a lane of its
 * own, above the boxes on the way to the cloud, below them on the way back.
 */
function path(from, to, lanes) {
  if (from.gateway === to.gateway) return localPath(from, to);
  const forward = to.column > from.column;
  const same = to.column === from.column;
  const x1 = forward || same ? from.x + SIZE.width : from.x;
  const x2 = forward ? to.x : to.x + SIZE.width;
  const [y1, y2] = [middle(from), middle(to)];
  if (Math.abs(to.column - from.column) > 1) {
    if (forward) lanes.above -= SIZE.lane;
    else lanes.below += SIZE.lane;
    const lane = forward ? lanes.above : lanes.below;
    return lanePath({ x: x1, y: y1 }, { x: x2, y: y2 }, forward ? 1 : -1, lane);
  }
  const bend = same ? 60 : Math.max(60, Math.abs(x2 - x1) / 2);
  const c1 = x1 + (forward || same ? bend : -bend);
  const c2 = x2 + (forward ? -bend : bend);
  return {
    d: `M${x1} ${y1}C${c1} ${y1} ${c2} ${y2} ${x2} ${y2}`,
    label: { x: (x1 + x2 + 3 * (c1 + c2)) / 8, y: (y1 + y2) / 2 },
  };
}

const middle = (task) => task.y + SIZE.task / 2;

function lanePath(from, to, direction, lane) {
  const out = direction * (SIZE.column / 2);
  const [a, b] = [from.x + out, to.x - out];
  const straight = direction * (SIZE.column / 2);
  return {
    d:
      `M${from.x} ${from.y}C${a} ${from.y} ${a} ${lane} ${a + straight} ${lane}` +
      `H${b - straight}C${b} ${lane} ${b} ${to.y} ${to.x} ${to.y}`,
    label: { x: (a + b) / 2, y: lane },
  };
}

/** Downwards to the next row when it stands below, else round the left side. */
function localPath(from, to) {
  if (to.row === from.row + 1) {
    const x = from.x + SIZE.width / 2;
    return { d: `M${x} ${from.y + SIZE.task}V${to.y}` };
  }
  const out = from.x - Math.min(10 + 6 * Math.abs(to.row - from.row), SIZE.gutter + SIZE.pad + 6);
  return {
    d: `M${from.x} ${middle(from)}C${out} ${middle(from)} ${out} ${middle(to)} ${from.x} ${middle(to)}`,
  };
}
