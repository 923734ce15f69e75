/** What the wire nodes need of the agent and of Node-RED. */
import type { Follower, Streams } from '../ports.ts';

/** Parts of the agent the wire nodes speak to; undefined while the agent is not running. */
export interface WireRuntime {
  readonly streams: Streams;
  readonly follower: Follower;
}

export type FindRuntime = () => WireRuntime | undefined;

/** The part of Node-RED's `Node` that the wire nodes use. */
export interface RuntimeNode {
  readonly id: string;
  readonly z: string;
  send(msg: object): void;
  status(status: { fill?: string; shape?: string; text?: string }): void;
  error(error: unknown, msg?: object): void;
  on(
    event: 'input',
    listener: (msg: object, send: (msg: object) => void, done: (error?: unknown) => void) => void,
  ): void;
  on(event: 'close', listener: (removed: boolean, done: () => void) => void): void;
}

/** The part of Node-RED's runtime API that the wire nodes use. */
export interface RuntimeApi {
  readonly nodes: {
    createNode(node: RuntimeNode, config: object): void;
    // biome-ignore lint/suspicious/noExplicitAny: Node-RED calls it as a constructor with its own `this`
    registerType(type: string, create: (this: any, config: any) => void, definition?: object): void;
    getNode(id: string): unknown;
  };
}
