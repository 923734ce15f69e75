/** The agent plugin: joins follower, gate, streams and agent inside one Node-RED process. */
import type { WireRuntime } from './nodes/runtime.ts';
import type { Red } from './red.ts';

let current: WireRuntime | undefined;

/** The running gateway of this process, for the wire nodes. */
export const currentGateway = (): WireRuntime | undefined => current;

export function startAgentPlugin(RED: Red): void {
  RED.plugins.registerPlugin('echo-agent', { type: 'echo-agent' });
}
