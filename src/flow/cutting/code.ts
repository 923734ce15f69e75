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

/** Source without comments, runs of white space as one, and every text as `"n"`, n its index in `texts`. */
export interface Masked {
  readonly source: string;
  readonly texts: readonly string[];
}

/** Templates inside expressions inside templates are read this deep. */
const MAX_NESTING = 32;

/** Linear in the length of the code, whatever it holds: it may come from anybody. */
export function mask(code: string): Masked {
  const reader = new Reader(code);
  reader.read('', 0);
  return { source: reader.out.join(''), texts: reader.texts };
}

class Reader {
  readonly texts: string[] = [];
  readonly out: string[] = [];
  readonly #code: string;
  #at = 0;
  /** End of what was put out, to tell a division from a regular expression. */
  #tail = '';

  constructor(code: string) {
    this.#code = code;
  }

  /** Until `end` outside of braces, or the end of the code. */
  read(end: string, nesting: number): void {
    const code = this.#code;
    for (let depth = 0; this.#at < code.length; ) {
      PLAIN.lastIndex = this.#at;
      const plain = PLAIN.exec(code)?.[0];
      if (plain !== undefined) {
        this.#put(plain);
        this.#at += plain.length;
        continue;
      }
      const c = code[this.#at]!;
      if (c === end && depth === 0) break;
      if (c === '{') depth++;
      if (c === '}') depth--;
      this.#at++;
      if (c === '"' || c === "'") this.#text(c);
      else if (c === '`') this.#template(nesting);
      else if (c === '/' && code[this.#at] === '/') this.#skipTo('\n');
      else if (c === '/' && code[this.#at] === '*') this.#skipTo('*/', 1);
      else if (c === '/' && STARTS_EXPRESSION.test(this.#tail)) this.#regExp();
      else if (!/\s/.test(c)) this.#put(c);
      else if (!this.#tail.endsWith(' ')) this.#put(' ');
    }
    this.#at++;
  }

  #put(text: string): void {
    this.out.push(text);
    this.#tail = text.length < 12 ? (this.#tail + text).slice(-12) : text.slice(-12);
  }

  #text(quote: string): void {
    const start = this.#at;
    while (this.#at < this.#code.length && this.#code[this.#at] !== quote) this.#step();
    this.#putText(start);
  }

  /** A template with expressions becomes `(…)`, so that it never reads as one text. */
  #template(nesting: number): void {
    const start = this.#at;
    let expressions = 0;
    while (this.#at < this.#code.length && this.#code[this.#at] !== '`') {
      if (nesting < MAX_NESTING && this.#code.startsWith('${', this.#at)) {
        this.#at += 2;
        this.#put(expressions++ === 0 ? '(' : ',');
        this.read('}', nesting + 1);
      } else this.#step();
    }
    if (expressions === 0) this.#putText(start);
    else {
      this.#put(')');
      this.#at++;
    }
  }

  #putText(start: number): void {
    this.texts.push(this.#code.slice(start, this.#at));
    this.#at++;
    this.#put(`"${this.texts.length - 1}"`);
  }

  #regExp(): void {
    const code = this.#code;
    for (let inClass = false; this.#at < code.length; this.#step()) {
      const c = code[this.#at];
      if (c === '\n' || (c === '/' && !inClass)) break;
      if (c === '[') inClass = true;
      if (c === ']') inClass = false;
    }
    this.#at++;
    this.#put('0');
  }

  #skipTo(end: string, from = 0): void {
    const index = this.#code.indexOf(end, this.#at + from);
    this.#at = index < 0 ? this.#code.length : index + (end === '\n' ? 0 : end.length);
  }

  #step(): void {
    this.#at += this.#code[this.#at] === '\\' ? 2 : 1;
  }
}

/** What needs no second look. */
const PLAIN = /[^\s"'`/{}]+/y;

/** After these a slash begins a regular expression, not a division. */
const STARTS_EXPRESSION = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of)) ?$/;

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

/** A variable of the function's own with that name, such as a water flow. Bounded, so that it stays linear. */
const isDeclared = (source: string, name: string): boolean =>
  new RegExp(`\\b(?:const|let|var|function) (?:[\\w$ ,=]{0,200}, ?|\\{[^}]{0,200})?${name}\\b`).test(source);

/** A text, or a list of texts; else one unknown key. */
function firstArgument(rest: string, texts: readonly string[]): (string | undefined)[] {
  const one = /^ ?"(\d+)" ?[,)]/.exec(rest);
  if (one) return [texts[Number(one[1])]];
  const many = /^ ?\[((?:"\d+"|[ ,])*)\] ?[,)]/.exec(rest);
  if (!many) return [undefined];
  return [...many[1]!.matchAll(/"(\d+)"/g)].map((m) => texts[Number(m[1])]);
}

/** Names a function asks `env` for; computed names are not known. */
export function environmentNames({ source, texts }: Masked): string[] {
  return [...source.matchAll(/(?<![\w$.])env\s*\.\s*get\s*\(\s*"(\d+)"\s*[,)]/g)].map(
    (m) => texts[Number(m[1])]!,
  );
}
