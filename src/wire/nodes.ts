/**
 * The wire nodes as they stand in a fragment's flow JSON: written by the splitter (`src/flow`), run by the gateway
 * package. Their state (log, cursors) belongs to the agent and is keyed by `stream`, never by node id, so that a
 * redeploy of a wire node loses nothing.
 */
import type { InChoice, OutChoice } from './options.ts';

export const ECHO_OUT = 'echo out';
export const ECHO_IN = 'echo in';
/** Names the broker of wires by hand; a wire node that refers to one is of no application. */
export const ECHO_BROKER = 'echo broker';
/** Stands on a wire, drawn by the user, and says its options; passes messages on. */
export const ECHO_CHANNEL = 'echo channel';

/**
 * `at-most-once`: no log. `at-least-once` (default): log, acknowledgement after processing, hop dedupe.
 * `effectively-once`: what a task sends is released with the checkpoint that holds its cause and its state.
 */
export const DELIVERY_LEVELS = ['at-least-once', 'effectively-once', 'at-most-once'] as const;
export type DeliveryLevel = (typeof DELIVERY_LEVELS)[number];

/**
 * The broker a stream takes to one consumer: that of the site both gateways stand in, or the one all gateways share.
 * A fragment says it only where it is `site`.
 */
export type Via = 'site' | 'shared';

/** Name of the stream of one cut output port: `<application>/<node id>:<port>`. Unique in a fleet. */
export function streamName(application: string, node: string, port: number): string {
  return `${application}/${node}:${port}`;
}

/** The wire node was set up by hand, without an orchestrator. */
export const isByHand = (node: object): boolean => Boolean((node as { broker?: unknown }).broker);

export interface EchoOutNode extends OutChoice {
  id: string;
  type: typeof ECHO_OUT;
  z: string;
  name: string;
  stream: string;
  /** Producer epoch of the log this node opens, given out by the orchestrator; 1 when absent. */
  epoch?: number;
  level: DeliveryLevel;
  /** Where the stream goes: one entry a gateway, in order of gateway id; `tasks` are the destinations there. */
  consumers: { gateway: string; tasks: string[]; via?: Via }[];
  x: number;
  y: number;
  g?: string;
  /** The editor's convention for a node without outputs. */
  wires: [];
}

export interface EchoInNode extends InChoice {
  id: string;
  type: typeof ECHO_IN;
  z: string;
  name: string;
  stream: string;
  /** The only producer epoch this node takes records of; 1 when absent. */
  epoch?: number;
  level: DeliveryLevel;
  /** Gateway that holds the log. */
  producer: string;
  via?: Via;
  /** The cut port: messages are delivered as if this node had sent them. */
  from: { node: string; port: number };
  x: number;
  y: number;
  g?: string;
  wires: [string[]];
}
