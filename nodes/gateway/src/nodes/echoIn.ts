/** `echo in`: delivers the messages of a stream as if the task at its other end had sent them here. */
import { ECHO_IN } from '../../../../src/wire/nodes.ts';
import type { FindRuntime, RuntimeApi } from './runtime.ts';

export function registerEchoIn(RED: RuntimeApi, _find: FindRuntime): void {
  RED.nodes.registerType(ECHO_IN, function (config) {
    RED.nodes.createNode(this, config);
  });
}
