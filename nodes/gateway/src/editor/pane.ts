/** The ECHO pane in the dialog of a node, group or tab: what may run where. */
import { ECHO_CHANNEL } from '../../../../src/wire/nodes.ts';
import { inheritedBy, isTask } from './carriers.ts';
import { h } from './dom.ts';
import { gateways, placedOn } from './fleet.ts';
import {
  DELIVERIES,
  type Delivery,
  effective,
  fitting,
  type Hints,
  sameHints,
  TIERS,
  type Tier,
  tidy,
} from './hints.ts';
import { setHints } from './preserve.ts';
import { type EditorNode, type EditPane, type EditState, inDesign, say } from './red.ts';
import { tagField } from './tagField.ts';
import { wireSection } from './wireSection.ts';

export function registerPane(): void {
  RED.editor.registerEditPane(
    'echo-placement',
    placementPane,
    (node) => node.type === 'tab' || (node.type === 'group' && !inSubflow(node)) || isPlaced(node),
  );
}

/** A channel runs where its wire begins, and says the rest in its own dialog. */
const isPlaced = (node: EditorNode): boolean => isTask(node) && node.type !== ECHO_CHANNEL;

const inSubflow = (node: EditorNode): boolean => node.z !== undefined && Boolean(RED.nodes.subflow(node.z));

function placementPane(node: EditorNode): EditPane {
  let read = (): Hints | undefined => node.echo;
  return {
    label: say('pane.label'),
    name: say('pane.name'),
    iconClass: 'fa fa-sitemap',
    create(container) {
      const form = buildForm(node);
      container[0]!.append(form.element);
      read = form.read;
    },
    apply(editState: EditState) {
      const hints = read();
      if (sameHints(hints, node.echo)) return;
      editState.changed = true;
      editState.changes.echo = node.echo;
      setHints(node, hints);
    },
  };
}

interface Form {
  readonly element: HTMLElement;
  read(): Hints | undefined;
}

function buildForm(node: EditorNode): Form {
  const inherited = inheritedBy(node);
  const own = node.echo ?? {};
  const tier = choice('tier', TIERS, own.tier, inherited.tier);
  const delivery = choice('delivery', DELIVERIES, own.delivery, inherited.delivery);
  const gateway = h('input', {
    type: 'text',
    id: 'node-input-echo-gateway',
    list: 'echo-gateway-list',
    autocomplete: 'off',
  });
  gateway.value = own.gateway ?? '';
  const offered = h('datalist', { id: 'echo-gateway-list' });
  for (const one of gateways()) {
    offered.append(
      h(
        'option',
        { value: one.id },
        say('pane.gatewayOption', { ...one, health: say(`health.${one.health}`) }),
      ),
    );
  }
  const requires = tagField({
    id: 'node-input-echo-requires',
    tags: own.requires ?? [],
    fixed: inherited.requires,
    suggestions: [...new Set(gateways().flatMap(({ capabilities }) => capabilities))].sort(),
    placeholder: say('pane.anyCapability'),
    onchange: () => summary(),
  });
  const read = (): Hints | undefined =>
    tidy({
      ...own,
      tier: (tier.value || undefined) as Tier,
      gateway: gateway.value.trim(),
      requires: requires.value(),
      delivery: (delivery.value || undefined) as Delivery,
      ...wire.read(),
    } as Hints);
  const wire = wireSection(own, inherited.wire);
  const fit = h('div', { class: 'echo-fit' });
  const summary = (): void => {
    // Whoever names a gateway or tier here no longer inherits the other.
    const own = tier.value !== '' || gateway.value.trim() !== '';
    tier.options[0]!.text = noneText('tier', own ? undefined : inherited.tier);
    gateway.placeholder = own || !inherited.gateway ? say('pane.anyGateway') : from(inherited.gateway);
    fit.replaceChildren(...fitText(node, read()));
  };
  for (const field of [tier, delivery, gateway]) field.addEventListener('change', summary);
  gateway.addEventListener('input', summary);

  const element = h(
    'form',
    { class: 'form-horizontal echo-pane', autocomplete: 'off', onsubmit: (event) => event.preventDefault() },
    h(
      'div',
      { class: 'form-tips' },
      say(`pane.about.${node.type === 'tab' || node.type === 'group' ? node.type : 'node'}`),
    ),
    row('tier', 'cloud', tier),
    row('gateway', 'server', gateway, offered),
    row('requires', 'tags', requires.element),
    row('delivery', 'exchange', delivery),
    wire.element,
    fit,
  );
  summary();
  return { element, read };
}

const row = (key: string, glyph: string, ...fields: HTMLElement[]): HTMLElement =>
  h(
    'div',
    { class: 'form-row' },
    h(
      'label',
      { for: `node-input-echo-${key}`, title: say(`pane.${key}Help`) },
      h('i', { class: `fa fa-${glyph}` }),
      ` ${say(`pane.${key}`)}`,
    ),
    ...fields,
  );

type From = { readonly value: string; readonly from: string };

const from = ({ value, from }: From): string => say('pane.inherited', { value, from });

const noneText = (key: 'tier' | 'delivery', inherited: From | undefined): string =>
  inherited === undefined
    ? say(`${key}.none`)
    : from({ ...inherited, value: say(`${key}.${inherited.value}`) });

function choice(
  key: 'tier' | 'delivery',
  values: readonly string[],
  own: string | undefined,
  inherited: From | undefined,
): HTMLSelectElement {
  const none = h('option', { value: '' }, noneText(key, inherited));
  const select = h('select', { id: `node-input-echo-${key}` }, none);
  for (const value of values) select.append(h('option', { value }, say(`${key}.${value}`)));
  select.value = own ?? '';
  return select;
}

/** Which enrolled gateways fit, and where the task runs now. */
function fitText(node: EditorNode, hints: Hints | undefined): HTMLElement[] {
  if (!inDesign()) return [];
  const fits = fitting(effective(hints, inheritedBy(node)), gateways());
  const lines =
    gateways().length === 0
      ? [h('div', {}, say('fit.noFleet'))]
      : fits.length === 0
        ? [h('div', { class: 'echo-warn' }, h('i', { class: 'fa fa-warning' }), ` ${say('fit.none')}`)]
        : [h('div', {}, say('fit.some', { gateways: fits.join(', ') }))];
  const now = placedOn(node);
  return now === undefined ? lines : [...lines, h('div', {}, say('fit.now', { gateway: now }))];
}
