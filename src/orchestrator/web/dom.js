/** Making elements. Text is always text: nothing from the fleet is read as HTML. */

/** `el('p', {class: 'x', title: 'y'}, 'text', child)` */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return element;
}

/** Writes text only where it changed. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Keeps one element a key in `parent`, in the order of `items`. */
export function keyed(parent, cache, items, key, make) {
  const keys = new Set(items.map(key));
  for (const [k, made] of cache) {
    if (!keys.has(k)) {
      made.element.remove();
      cache.delete(k);
    }
  }
  items.forEach((item, index) => {
    const k = key(item);
    if (!cache.has(k)) cache.set(k, make(item));
    const made = cache.get(k);
    if (parent.children[index] !== made.element)
      parent.insertBefore(made.element, parent.children[index] ?? null);
    made.update(item);
  });
}

/** A small chart of the last values. */
export function spark(values, top) {
  const max = Math.max(top ?? 0, ...values, 1);
  const points = values.map(
    (value, i) => `${(i / Math.max(1, values.length - 1)) * 100},${24 - (value / max) * 22}`,
  );
  return points.length < 2 ? '' : points.join(' ');
}

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
export const count = (value) => (value < 100_000 ? whole.format(value) : short.format(value));
export const rate = (value) =>
  value === undefined
    ? '–'
    : value === 0
      ? '0/s'
      : value < 10
        ? `${value.toFixed(1)}/s`
        : `${count(Math.round(value))}/s`;
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`;

export function ago(iso) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(iso)) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 100) return `${seconds} s ago`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h ago` : `${Math.round(seconds / 86_400)} d ago`;
}
