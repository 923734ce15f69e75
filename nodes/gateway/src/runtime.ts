/** The one bundle of the package: what Node-RED loads under `node-red.plugins` and `node-red.nodes`. */
import { registerEchoBroker } from './nodes/echoBroker.ts';
import { registerEchoChannel } from './nodes/echoChannel.ts';
import { registerEchoIn } from './nodes/echoIn.ts';
import { registerEchoOut } from './nodes/echoOut.ts';
import type { RuntimeApi } from './nodes/runtime.ts';
import { currentGateway, startAgentPlugin } from './plugin.ts';
import type { Red } from './red.ts';

export { currentGateway };

export function agentPlugin(RED: Red): void {
  startAgentPlugin(RED);
}
export function echoBroker(RED: RuntimeApi & Red): void {
  registerEchoBroker(RED);
}
export function echoChannel(RED: RuntimeApi): void {
  registerEchoChannel(RED);
}
export function echoIn(RED: RuntimeApi): void {
  registerEchoIn(RED, currentGateway);
}
export function echoOut(RED: RuntimeApi): void {
  registerEchoOut(RED, currentGateway);
}
