/**
 * Just enough JavaScript reading to see what a function node does with context and environment: comments, texts and
 * regular expressions are told apart, nothing is evaluated. When in doubt an answer is "unknown", never a guess.
 */

export type Scope = 'flow' | 'global';

export interface ContextUse {
  readonly scope: Scope;
  readonly writes: boolean;
  /** Full key as written; undefined when it is computed at run time. */
  readonly key: string | undefined;
}

/** Source with comments blanked and every text replaced by `"n"`, n its index in `texts`. */
export interface Masked {
  readonly source: string;
  readonly texts: readonly string[];
}

export function mask(code: string): Masked {
  const texts: string[] = [];
  let at = 0;
  let out = '';
  const text = (quote: string): string => {
    const start = at;
    while (at < code.length && code[at] !== quote) at += code[at] === '\\' ? 2 : 1;
    texts.push(code.slice(start, at));
    at++;
    return `"${texts.length - 1}"`;
  };
  /** A template with expressions becomes `(…)`, so that it never reads as one text. */
  const template = (): string => {
    const start = at;
    let parts = '';
    while (at < code.length && code[at] !== '`') {
      if (code.startsWith('${', at)) {
        at += 2;
        parts += `${run('}')},`;
      } else at += code[at] === '\\' ? 2 : 1;
    }
    if (parts === '') texts.push(code.slice(start, at));
    at++;
    return parts === '' ? `"${texts.length - 1}"` : `(${parts})`;
  };
  const run = (end: string): string => {
    const before = out;
    out = '';
    let depth = 0;
    while (at < code.length) {
      const c = code[at]!;
      if (c === end && depth === 0) break;
      if (c === '{') depth++;
      if (c === '}') depth--;
      at++;
      if (c === '"' || c === "'") out += text(c);
      else if (c === '`') out += template();
      else if (c === '/' && code[at] === '/') at = endOr(code.indexOf('\n', at));
      else if (c === '/' && code[at] === '*') at = endOr(code.indexOf('*/', at + 1), 2);
      else if (c === '/' && startsExpression(out)) skipRegExp();
      else out += c;
    }
    at++;
    const inner = out;
    out = before;
    return inner;
  };
  const endOr = (index: number, length = 0): number => (index < 0 ? code.length : index + length);
  const skipRegExp = (): void => {
    for (let inClass = false; at < code.length && (inClass || code[at] !== '/') && code[at] !== '\n'; at++) {
      if (code[at] === '\\') at++;
      else if (code[at] === '[') inClass = true;
      else if (code[at] === ']') inClass = false;
    }
    at++;
    out += ' 0 ';
  };
  const source = run('');
  return { source, texts };
}

/** After these a slash begins a regular expression, not a division. */
const startsExpression = (before: string): boolean =>
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of))\s*$/.test(before.slice(-12));

const CONTEXT =
  /(?:(?<![\w$.])(?:node\s*\.\s*)?context\s*(?:\(\s*\))?\s*\??\.\s*|(?<![\w$.]))(flow|global)\b(?!\s*:)(?:\s*\??\.\s*(get|set|keys)\s*\()?/g;

/** Uses of flow and global context in the source of a function. */
export function contextUses({ source, texts }: Masked): ContextUse[] {
  const uses: ContextUse[] = [];
  for (const match of source.matchAll(CONTEXT)) {
    const scope = match[1] as Scope;
    const bare = match[0].startsWith(scope);
    if (bare && isDeclared(source, scope)) continue;
    const method = match[2];
    const writes = method !== 'get' && method !== 'keys';
    if (method === undefined || method === 'keys') uses.push({ scope, writes, key: undefined });
    else
      for (const key of firstArgument(source.slice(match.index + match[0].length), texts))
        uses.push({ scope, writes, key });
  }
  return uses;
}

/** A variable of the function's own with that name, such as a water flow. */
const isDeclared = (source: string, name: string): boolean =>
  new RegExp(`\\b(?:const|let|var|function)\\s+(?:[\\w$\\s,=]*,\\s*|\\{[^}]*)?${name}\\b`).test(source);

/** A text, or a list of texts; else one unknown key. */
function firstArgument(rest: string, texts: readonly string[]): (string | undefined)[] {
  const one = /^\s*"(\d+)"\s*[,)]/.exec(rest);
  if (one) return [texts[Number(one[1])]];
  const many = /^\s*\[((?:\s*"\d+"\s*,?)+)\]\s*[,)]/.exec(rest);
  if (!many) return [undefined];
  return [...many[1]!.matchAll(/"(\d+)"/g)].map((m) => texts[Number(m[1])]);
}

/** Names a function asks `env` for; computed names are not known. */
export function environmentNames({ source, texts }: Masked): string[] {
  return [...source.matchAll(/(?<![\w$.])env\s*\.\s*get\s*\(\s*"(\d+)"\s*[,)]/g)].map(
    (m) => texts[Number(m[1])]!,
  );
}
