/** A badge on every task: where it runs (filled), or what was asked for and is not deployed yet (outlined). */
import { effectiveOf, isTask } from './carriers.ts';
import { gatewayColour } from './colours.ts';
import { svg } from './dom.ts';
import { gateways, placedOn } from './fleet.ts';
import { type EditorNode, say } from './red.ts';

interface Badge {
  readonly text: string;
  readonly colour: string;
  readonly deployed: boolean;
}

const LONGEST = 16;
const NEUTRAL = '#888';

function badgeOf(node: EditorNode): Badge | undefined {
  if (!isTask(node)) return undefined;
  const { gateway, tier } = effectiveOf(node);
  const now = placedOn(node);
  const asked = gateway?.value;
  if (now !== undefined && (asked === undefined || asked === now)) {
    return { text: now, colour: gatewayColour(now), deployed: true };
  }
  if (asked !== undefined) return { text: asked, colour: gatewayColour(asked), deployed: false };
  return tier === undefined ? undefined : { text: tier.value, colour: NEUTRAL, deployed: false };
}

const drawn = new WeakMap<EditorNode, string>();

export function registerBadges(): void {
  RED.view.annotations.register('echo-gateway', {
    type: 'badge',
    class: 'echo-badge',
    filter: isTask,
    show: (node: EditorNode) => badgeOf(node) !== undefined,
    refresh: (node: EditorNode) => drawn.get(node) !== JSON.stringify(badgeOf(node)),
    element: (node: EditorNode) => {
      const badge = badgeOf(node);
      drawn.set(node, JSON.stringify(badge));
      return draw(badge);
    },
    tooltip: (node: EditorNode) => {
      const badge = badgeOf(node);
      if (badge === undefined) return '';
      return say(badge.deployed ? 'badge.runs' : 'badge.asked', { gateway: badge.text });
    },
  });
}

function draw(badge: Badge | undefined): SVGElement {
  const group = svg('g', {});
  if (badge === undefined) return group;
  const text = badge.text.length > LONGEST ? `${badge.text.slice(0, LONGEST - 1)}…` : badge.text;
  const width = Math.round(text.length * 5.4 + 10);
  const { colour, deployed } = badge;
  const box = svg('rect', {
    x: 0,
    y: 0,
    width,
    height: 13,
    rx: 6.5,
    ry: 6.5,
    'stroke-width': 1,
    stroke: colour,
  });
  box.setAttribute('fill', deployed ? colour : 'var(--red-ui-view-background, #fff)');
  if (!deployed) box.setAttribute('stroke-dasharray', '2,2');
  const label = svg('text', {
    x: width / 2,
    y: 9.5,
    'text-anchor': 'middle',
    'font-size': 9,
    stroke: 'none',
  });
  label.setAttribute('fill', deployed ? '#fff' : colour);
  label.textContent = text;
  group.append(box, label);
  return group;
}

/** Nodes are redrawn only when marked. */
export function redrawBadges(): void {
  if (gateways().length === 0) return;
  let stale = false;
  for (const node of RED.view.getActiveNodes()) {
    if (!isTask(node) || drawn.get(node) === JSON.stringify(badgeOf(node))) continue;
    node.dirty = true;
    stale = true;
  }
  if (stale) RED.view.redraw();
}
