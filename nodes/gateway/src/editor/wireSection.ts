/** The options of the wires that leave a task, in a section of the ECHO pane that opens where one of them is said. */
import {
  DOMAINS,
  type Domain,
  defaultOf,
  readOption,
  WIRE_OPTIONS,
  type WireChoice,
  type WireOption,
} from '../../../../src/wire/options.ts';
import { h } from './dom.ts';
import type { Hints, InheritedWire } from './hints.ts';
import { say } from './red.ts';

export interface WireSection {
  readonly element: HTMLElement;
  /** Every option; undefined where nothing is said. */
  read(): { [K in WireOption]: WireChoice[K] | undefined };
}

export function wireSection(own: Hints, inherited: InheritedWire = {}): WireSection {
  const fields = WIRE_OPTIONS.map((option) => [option, field(option, own, inherited)] as const);
  const said = WIRE_OPTIONS.some((option) => own[option] !== undefined);
  const rows = fields.map(([option, input]) => row(option, input));
  const element = h(
    'details',
    { class: 'echo-wire', open: said },
    h('summary', {}, h('i', { class: 'fa fa-sliders' }), ` ${say('wire.title')}`),
    ...rows,
  );
  const read = () =>
    Object.fromEntries(
      fields.map(([option, input]) => [option, optionOf(option, input.value)]),
    ) as ReturnType<WireSection['read']>;
  return { element, read };
}

/** What cannot be an option is kept as it is: a deploy says what is wrong with it. */
const optionOf = (option: WireOption, text: string): unknown =>
  text.trim() === '' ? undefined : (readOption(option, text) ?? text);

function field(
  option: WireOption,
  own: Hints,
  inherited: InheritedWire,
): HTMLSelectElement | HTMLInputElement {
  const id = `node-input-echo-${option}`;
  const domain: Domain = DOMAINS[option];
  const none = noneText(option, inherited);
  if ('values' in domain) {
    const select = h('select', { id }, h('option', { value: '' }, none));
    for (const value of domain.values) select.append(h('option', { value }, say(`wire.${option}.${value}`)));
    select.value = String(own[option] ?? '');
    return select;
  }
  const { least, most } = domain;
  const input = h('input', { type: 'number', id, min: `${least}`, max: `${most}`, placeholder: none });
  input.value = String(own[option] ?? '');
  return input;
}

function noneText(option: WireOption, inherited: InheritedWire): string {
  const known = inherited[option];
  const value = known?.value ?? defaultOf(option, { durability: durabilityOf(inherited) });
  const text = 'values' in DOMAINS[option] ? say(`wire.${option}.${value}`) : String(value);
  return known === undefined
    ? say('wire.default', { value: text })
    : say('pane.inherited', { value: text, from: known.from });
}

const durabilityOf = ({ durability }: InheritedWire) =>
  readOption('durability', durability?.value) ?? defaultOf('durability');

const row = (option: WireOption, input: HTMLElement): HTMLElement =>
  h(
    'div',
    { class: 'form-row' },
    h('label', { for: input.id, title: say(`wire.${option}.help`) }, say(`wire.${option}.label`)),
    input,
  );
