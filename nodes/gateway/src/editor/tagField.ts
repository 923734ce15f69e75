/** A field of short words shown as chips; Enter, comma or leaving the field takes what was typed. */
import { h, icon } from './dom.ts';

export interface TagField {
  readonly element: HTMLElement;
  value(): string[];
}

export function tagField(options: {
  readonly id: string;
  readonly tags: readonly string[];
  /** Held already by the surroundings: shown, not to be taken away here. */
  readonly fixed: readonly { readonly value: string; readonly from: string }[];
  readonly suggestions: readonly string[];
  readonly placeholder: string;
  readonly onchange: () => void;
}): TagField {
  const tags = [...options.tags];
  const list = h('datalist', { id: `${options.id}-list` });
  const input = h('input', { type: 'text', id: options.id, list: list.id, autocomplete: 'off' });
  const element = h('div', { class: 'echo-tags', onclick: () => input.focus() });

  const draw = (): void => {
    const focused = document.activeElement === input;
    const fixed = options.fixed.map(({ value, from }) =>
      h('span', { class: 'echo-tag echo-tag-fixed', title: from }, value),
    );
    const own = tags.map((tag) => {
      const remove = (): void => {
        tags.splice(tags.indexOf(tag), 1);
        draw();
        options.onchange();
      };
      return h(
        'span',
        { class: 'echo-tag' },
        tag,
        h('button', { type: 'button', 'aria-label': tag, onclick: remove }, icon('times')),
      );
    });
    const taken = new Set([...tags, ...options.fixed.map(({ value }) => value)]);
    list.replaceChildren(
      ...options.suggestions.filter((word) => !taken.has(word)).map((value) => h('option', { value })),
    );
    input.placeholder = taken.size === 0 ? options.placeholder : '';
    element.replaceChildren(...fixed, ...own, input, list);
    if (focused) input.focus();
  };
  const take = (): void => {
    const words = input.value.split(/[\s,]+/).filter((word) => word !== '' && !tags.includes(word));
    input.value = '';
    if (words.length === 0) return;
    tags.push(...words);
    draw();
    options.onchange();
  };
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault();
      take();
    } else if (event.key === 'Backspace' && input.value === '' && tags.length > 0) {
      tags.pop();
      draw();
      options.onchange();
    }
  });
  input.addEventListener('change', take);
  draw();
  return {
    element,
    value: () => {
      take();
      return [...tags];
    },
  };
}
