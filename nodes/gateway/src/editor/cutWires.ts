/** Cut wires in the sidebar: their ends, why they are cut, the broker they take, and the options that hold for them. */
import type { CutWireSummary } from '../../../../src/wire/editor.ts';
import { toldOf } from '../../../../src/wire/options.ts';
import { type Child, h, icon } from './dom.ts';
import { dot, nameOf, reveal, section } from './parts.ts';
import { say } from './red.ts';

export function cutWireSection(wires: readonly CutWireSummary[]): HTMLElement[] {
  if (wires.length === 0) return [];
  const list = h('ul', { class: 'echo-list' }, ...wires.map(item));
  return [section(say('sidebar.cutWires', { count: wires.length }), list)];
}

function item(wire: CutWireSummary): HTMLElement {
  const { from, to, broker, why } = wire;
  return h(
    'li',
    {},
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
    h('div', { class: 'echo-small' }, why),
    h(
      'div',
      { class: 'echo-options' },
      tag(say('sidebar.broker'), broker, broker !== 'shared'),
      ...choices(wire),
    ),
  );
}

/** The delivery level and, where there is a log, its options. What somebody said stands out. */
function choices({ level, options }: CutWireSummary): HTMLElement[] {
  const delivery = tag(say('pane.delivery'), say(`delivery.${level}`), level !== 'at-least-once');
  if (level === 'at-most-once') return [delivery];
  const told = toldOf(options).map(({ option, value, said }) =>
    tag(say(`wire.${option}.label`), String(value), said, say(`wire.${option}.help`)),
  );
  return [delivery, ...told];
}

const tag = (label: string, value: string, said: boolean, help?: string): HTMLElement =>
  h('span', { class: said ? 'echo-tag echo-said' : 'echo-tag', title: help }, `${label}: ${value}`);
