/** What the sections of the sidebar are made of. */
import type { ProblemSummary } from '../../../../src/wire/editor.ts';
import { gatewayColour } from './colours.ts';
import { action, type Child, h, icon } from './dom.ts';
import { say } from './red.ts';

export const section = (title: string, ...children: Child[]): HTMLElement =>
  h('section', {}, h('h4', {}, title), ...children);

/** In the colour of the gateway. */
export const dot = (gateway: string): HTMLElement =>
  h('span', { class: 'echo-dot', style: `background:${gatewayColour(gateway)}` });

/** A link to a node on the canvas. */
export const reveal = (node: string, name: string): HTMLElement =>
  action(name, () => RED.view.reveal(node, true), say('reveal'));

export const nameOf = (id: string, fallback = ''): string => {
  const node = RED.nodes.node(id);
  return fallback || node?.name || node?.type || id;
};

export const problem = ({ code, message, remedy, node }: ProblemSummary): HTMLElement =>
  h(
    'div',
    { class: 'echo-problem' },
    h('p', {}, icon('times-circle'), ` ${message}`),
    h('p', {}, remedy),
    h('p', { class: 'echo-small' }, `${code} `, node === undefined ? undefined : reveal(node, say('reveal'))),
  );
