/** What a node's properties say, apart from its code: typed inputs, JSONata, templates. */
import type { RawNode } from '../types.ts';
import type { ContextUse, Masked, Scope } from './code.ts';
import { contextUses, environmentNames, mask } from './code.ts';

const masked = new WeakMap<RawNode, Masked[]>();

/** Source of the functions in a node. */
export function codeOf(node: RawNode): Masked[] {
  if (node.type !== 'function') return [];
  let code = masked.get(node);
  if (!code) {
    code = [node.func, node.initialize, node.finalize].filter((text) => typeof text === 'string').map(mask);
    masked.set(node, code);
  }
  return code;
}

/** A property with its kind beside it, as the editor's typed input stores it: `{to: 'x', tot: 'flow'}`. */
interface Typed {
  readonly property: string;
  readonly kind: string;
  readonly value: string;
  readonly holder: Record<string, unknown>;
}

const SUFFIX = /(?:Type|type|t)$/;
/** Kinds that do not stand beside their value under its own name. */
const VALUE_OF: Readonly<Record<string, readonly string[]>> = {
  type: ['value'],
  targetType: ['target', 'complete'],
  statusType: ['statusVal'],
};

function* typedInputs(node: RawNode): Generator<Typed> {
  for (const holder of objects(node)) {
    for (const [name, kind] of Object.entries(holder)) {
      if (typeof kind !== 'string' || !KINDS.has(kind) || !SUFFIX.test(name)) continue;
      const beside = VALUE_OF[name] ?? [name.replace(SUFFIX, '')];
      const property = beside.find((p) => typeof holder[p] === 'string');
      if (property !== undefined) yield { property, kind, value: holder[property] as string, holder };
    }
  }
}

const KINDS = new Set(['flow', 'global', 'env']);

function* objects(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* objects(inner);
}

function* strings(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const v of Object.values(value)) yield* strings(v);
}

/** Node-RED's own nodes that only read what their typed inputs name; of others it is not known. */
const READERS = new Set(
  'inject,debug,switch,trigger,delay,range,split,join,batch,sort,file,file in,exec,http request,mqtt in,mqtt out'.split(
    ',',
  ),
);

const writesTo = (node: RawNode, { property, holder }: Typed): boolean => {
  if (node.type === 'change') return property === 'p' || (property === 'to' && holder.t === 'move');
  if (node.type === 'template') return property === 'field';
  return !READERS.has(node.type);
};

/** Every use of flow and global context a node makes, as far as its JSON shows. */
export function contextUsesOf(node: RawNode): ContextUse[] {
  const uses = codeOf(node).flatMap(contextUses);
  for (const typed of typedInputs(node)) {
    if (typed.kind === 'env') continue;
    uses.push({ scope: typed.kind as Scope, writes: writesTo(node, typed), key: typed.value });
  }
  const template = node.type === 'template' && typeof node.template === 'string' ? node.template : '';
  for (const m of template.matchAll(/\{\{[{&#^]?\s*(flow|global)(?:\[\w+\])?\.([^\s}]{1,200})/g)) {
    uses.push({ scope: m[1] as Scope, writes: false, key: m[2] });
  }
  if (node.type === 'function') return uses;
  for (const text of strings(node)) {
    for (const m of text.matchAll(/\$(flow|global)Context\(\s*(?:(["'])(.{0,200}?)\2\s*[,)])?/g)) {
      uses.push({ scope: m[1] as Scope, writes: false, key: m[3] });
    }
  }
  return uses;
}

/** Names of environment variables a node reads, as far as its JSON shows. */
export function environmentOf(node: RawNode): string[] {
  const names = codeOf(node).flatMap(environmentNames);
  for (const { kind, value } of typedInputs(node)) {
    if (kind !== 'env') continue;
    const inside = [...value.matchAll(/\$\{([^}]{1,200})\}/g)].map((m) => m[1]!);
    names.push(...(inside.length > 0 ? inside : [value]));
  }
  const isTemplate = node.type === 'template';
  for (const text of node.type === 'function' ? [] : strings(node)) {
    const whole = /^\$(?:\{(\S+)\}|\((\S+)\))$/.exec(text);
    if (whole) names.push((whole[1] ?? whole[2])!);
    for (const m of text.matchAll(/\$env\(\s*(["'])(.{0,200}?)\1\s*\)/g)) names.push(m[2]!);
    if (isTemplate) for (const m of text.matchAll(/\{\{[{&]?\s*env\.([^\s}]{1,200})/g)) names.push(m[1]!);
  }
  return [...new Set(names)];
}
