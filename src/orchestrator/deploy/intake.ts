/** What was submitted, read once: the flow's model, whose application it is, and the credentials it brought. PURE. */
import { createHash } from 'node:crypto';
import { flowError } from '../../flow/errors.ts';
import { parseFlow } from '../../flow/parse.ts';
import type { FlowModel, RawFlow, RawNode } from '../../flow/types.ts';
import type { Credentials, DeployInput } from '../types.ts';

export interface Intake {
  readonly model: FlowModel;
  /** Brought with the flow, in `credentials` or at its nodes. */
  readonly credentials: Credentials;
  readonly name: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);

/** Throws the EchoErrors of `parseFlow`. */
export function readInput(input: DeployInput): Intake {
  const wrapped = isObject(input.flow) && 'flow' in input.flow ? input.flow : undefined;
  const model = parseFlow(wrapped === undefined ? input.flow : wrapped.flow);
  if (model.raw.length === 0) throw flowError('ECHO_FLOW_NOT_A_FLOW', { message: 'The flow is empty.' });
  const given = wrapped !== undefined && isObject(wrapped.credentials) ? wrapped.credentials : {};
  const inside: Record<string, unknown> = {};
  for (const n of model.raw) if (n.credentials !== undefined) inside[n.id] = n.credentials;
  const name = input.name ?? (typeof wrapped?.name === 'string' ? wrapped.name : undefined);
  const credentials = { ...strings(inside), ...strings(given), ...input.credentials };
  // Secrets travel apart from the flow: what is kept and shown of it never holds them.
  const bare = Object.keys(inside).length === 0 ? model : parseFlow(model.raw.map(withoutCredentials));
  return { model: bare, credentials, name };
}

const withoutCredentials = ({ credentials: _, ...n }: Readonly<RawNode>): Readonly<RawNode> => n;

function strings(all: Json): Credentials {
  return Object.fromEntries(
    Object.entries(all).map(([node, values]) => [
      node,
      Object.fromEntries(
        Object.entries(isObject(values) ? values : {}).map(([name, value]) => [name, String(value)]),
      ),
    ]),
  );
}

/** Node-RED's stand-in for a secret that is not shown. */
const UNCHANGED = '__PWRD__';

/**
 * The credentials of the new version: what was brought, else what the node had before. Only nodes of the flow
 * keep any.
 */
export function carryOver(flow: RawFlow, before: Credentials, brought: Credentials): Credentials {
  const result: Record<string, Readonly<Record<string, string>>> = {};
  for (const { id } of flow) {
    const had = before[id];
    const has = brought[id];
    const now =
      has === undefined
        ? had
        : Object.fromEntries(
            Object.entries(has).flatMap(([name, value]): [string, string][] => {
              if (value !== UNCHANGED) return [[name, value]];
              return had?.[name] === undefined ? [] : [[name, had[name]]];
            }),
          );
    if (now !== undefined && Object.keys(now).length > 0) result[id] = now;
  }
  return result;
}

/** Application id the flow's tabs carry: of several, the one that is known longest, else the first. */
export function markedApplication(
  model: FlowModel,
  createdAt: (id: string) => number | undefined,
): string | undefined {
  const marks = model.tabs.flatMap((tab) => {
    const { app } = (isObject(tab.echo) ? tab.echo : {}) as { app?: unknown };
    return typeof app === 'string' && APPLICATION_ID.test(app) ? [app] : [];
  });
  const known = marks.filter((id) => createdAt(id) !== undefined);
  known.sort((a, b) => (createdAt(a) ?? 0) - (createdAt(b) ?? 0));
  return known[0] ?? marks[0];
}

export const APPLICATION_ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const nameOf = (model: FlowModel): string => {
  const label = model.tabs[0]?.label;
  return typeof label === 'string' && label.trim() !== '' ? label.trim() : 'Untitled';
};

/** The same flow under the same name is the same application, also when it is submitted without an id. */
export function newApplication(name: string, model: FlowModel): string {
  const slug = name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  const tabs = model.tabs.map((tab) => tab.id).join(' ');
  const short = createHash('sha256').update(tabs).digest('hex').slice(0, 6);
  return `${slug === '' ? 'app' : slug}-${short}`;
}

/** The model as it is kept: every tab says whose it is. */
export function ownedBy(model: FlowModel, application: string): FlowModel {
  const mark = (n: Readonly<RawNode>): Readonly<RawNode> =>
    n.type === 'tab' ? { ...n, echo: { ...(isObject(n.echo) ? n.echo : {}), app: application } } : n;
  return { ...model, raw: model.raw.map(mark), tabs: model.tabs.map(mark) };
}
