/**
 * The nodes the splitter inserts into one fragment. A cut wire becomes task → `echo out` ⇢ `echo in` → task. Link
 * nodes speak only to link nodes, so a cut link gets one more of them on each side:
 * link out → *link in* → `echo out` ⇢ `echo in` → *link out* → link in(s), on whatever tabs these stand.
 */
import { createHash } from 'node:crypto';
import type { EchoInNode, EchoOutNode, Via } from '../../wire/nodes.ts';
import { ECHO_IN, ECHO_OUT } from '../../wire/nodes.ts';
import { inChoice, outChoice } from '../../wire/options.ts';
import { linksOf } from '../references.ts';
import type { CutStream, FlowModel, RawNode, Wire } from '../types.ts';
import type { Ports } from './streams.ts';

export interface Bridges {
  /** Inserted nodes, in order of the streams. */
  readonly nodes: readonly RawNode[];
  /** `wires` of the tasks of this gateway. */
  readonly wires: ReadonlyMap<string, string[][]>;
  /** `links` of the link nodes of this gateway. */
  readonly links: ReadonlyMap<string, string[]>;
}

export interface BridgeInput {
  readonly gateway: string;
  readonly model: FlowModel;
  /** Ids of the tasks on this gateway. */
  readonly here: ReadonlySet<string>;
  /** The streams that begin or end on this gateway. */
  readonly streams: readonly CutStream[];
  /** All wires, by source task and port. */
  readonly ports: Ports;
  readonly application: string;
}

export function bridgesOf(input: BridgeInput): Bridges {
  const { ports } = input;
  const draft = startDraft(input);
  for (const stream of input.streams) {
    const wires = ports.get(stream.from.node)!.get(stream.from.port)!;
    if (stream.from.gateway === input.gateway) addOut(draft, input, stream, wires);
    else addIn(draft, input, stream, wires);
  }
  return draft;
}

interface Draft {
  readonly nodes: RawNode[];
  readonly wires: Map<string, string[][]>;
  readonly links: Map<string, string[]>;
  /** A place beside a task for an inserted node; the next one on that side stands a row lower. */
  readonly beside: (task: RawNode, dx: number) => Place;
}

/** Local ends only. */
function startDraft({ model, here, ports }: BridgeInput): Draft {
  const wires = new Map<string, string[][]>();
  const links = new Map<string, string[]>();
  for (const id of here) {
    const { raw } = model.tasks.get(id)!;
    const own = ports.get(id);
    if (raw.wires) {
      const local = (port: number) =>
        (own?.get(port) ?? []).filter((w) => w.kind === 'wire' && here.has(w.to)).map((w) => w.to);
      wires.set(
        id,
        raw.wires.map((_, port) => local(port)),
      );
    }
    if (raw.type === 'link in' || raw.type === 'link out') {
      links.set(
        id,
        linksOf(raw).filter((other) => here.has(other)),
      );
    }
  }
  return { nodes: [], wires, links, beside: layout() };
}

function addOut(draft: Draft, input: BridgeInput, stream: CutStream, wires: readonly Wire[]): void {
  const { raw } = input.model.tasks.get(stream.from.node)!;
  const id = (role: string) => nodeId(input, stream, role);
  const out = echoOut(id('out'), stream, raw, draft.beside(raw, BESIDE));
  if (isLink(wires)) {
    const into = linkNode('link in', id('link-in'), out, [raw.id], [[out.id]], -LINK_BESIDE);
    draft.links.get(raw.id)!.push(into.id);
    draft.nodes.push(into);
  } else {
    draft.wires.get(raw.id)![stream.from.port]!.push(out.id);
  }
  draft.nodes.push(out);
}

function addIn(draft: Draft, input: BridgeInput, stream: CutStream, wires: readonly Wire[]): void {
  const targets = wires.map((wire) => wire.to).filter((to) => input.here.has(to));
  const { raw } = input.model.tasks.get(targets[0]!)!;
  const id = (role: string) => nodeId(input, stream, role);
  const into = isLink(wires) ? [id('link-out')] : targets;
  const via = stream.consumers.find(({ gateway }) => gateway === input.gateway)?.via;
  const source = echoIn(id('in'), stream, raw, into, { ...draft.beside(raw, -BESIDE), ...(via && { via }) });
  draft.nodes.push(source);
  if (!isLink(wires)) return;
  draft.nodes.push(linkNode('link out', id('link-out'), source, targets, [], LINK_BESIDE));
  for (const to of targets) draft.links.get(to)!.push(id('link-out'));
}

const isLink = (wires: readonly Wire[]): boolean => wires[0]?.kind === 'link';

/** Constant for the same stream end, so that a redeploy leaves it running. */
function nodeId({ application, gateway }: BridgeInput, stream: CutStream, role: string): string {
  const name = [application, stream.stream, gateway, role].join('\n');
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

const named = ({ name }: CutStream, direction: string): string =>
  name === undefined ? direction : `${name} ${direction}`;

function echoOut(id: string, stream: CutStream, beside: RawNode, place: Place): RawNode {
  const node: EchoOutNode = {
    id,
    type: ECHO_OUT,
    z: beside.z!,
    name: named(stream, `→ ${stream.consumers.map((c) => c.gateway).join(', ')}`),
    stream: stream.stream,
    epoch: stream.epoch,
    level: stream.level,
    ...outChoice(stream.options ?? {}),
    consumers: stream.consumers.map(({ gateway, tasks, via }) => ({
      gateway,
      tasks: [...tasks],
      ...(via && { via }),
    })),
    ...place,
    wires: [],
  };
  return { ...node };
}

function echoIn(
  id: string,
  stream: CutStream,
  beside: RawNode,
  into: string[],
  place: Place & { readonly via?: Via },
): RawNode {
  const node: EchoInNode = {
    id,
    type: ECHO_IN,
    z: beside.z!,
    name: named(stream, `← ${stream.from.gateway}`),
    stream: stream.stream,
    epoch: stream.epoch,
    level: stream.level,
    ...inChoice(stream.options ?? {}),
    producer: stream.from.gateway,
    from: { node: stream.from.node, port: stream.from.port },
    ...place,
    wires: [into],
  };
  return { ...node };
}

/** A link node that joins a link node of the flow to a wire node standing beside it. */
function linkNode(
  type: 'link in' | 'link out',
  id: string,
  wireNode: RawNode,
  links: string[],
  wires: string[][],
  dx: number,
): RawNode {
  const { z, name, x, y } = wireNode;
  return {
    id,
    type,
    z: z!,
    name: name!,
    ...(type === 'link out' && { mode: 'link' }),
    links: [...new Set(links)],
    x: (x as number) + dx,
    y: y as number,
    wires,
  };
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Distances on the canvas, pixels. */
const BESIDE = 220;
const LINK_BESIDE = 110;
const ROW = 40;
const MARGIN = 60;

function layout(): Draft['beside'] {
  const used = new Map<string, number>();
  return (task, dx) => {
    const key = `${task.id} ${dx < 0}`;
    const row = used.get(key) ?? 0;
    used.set(key, row + 1);
    return { x: Math.max(MARGIN, (task.x as number) + dx), y: (task.y as number) + row * ROW };
  };
}
