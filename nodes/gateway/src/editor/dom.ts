/** Elements without a framework: text is always text, never HTML. */
type Attributes = Record<string, string | boolean | ((event: Event) => void) | undefined>;
export type Child = Node | string | undefined;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined));
  return element;
}

export const icon = (name: string): HTMLElement => h('i', { class: `fa fa-${name}` });

/** A link that does something instead of leading somewhere. */
export function action(text: string, act: () => void, title?: string): HTMLElement {
  const onclick = (event: Event): void => {
    event.preventDefault();
    act();
  };
  return h('a', { href: '#', class: 'echo-link', title, onclick }, text);
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
