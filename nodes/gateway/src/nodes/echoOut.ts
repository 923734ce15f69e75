/** `echo out`: appends each message it gets to its stream. */
import { ECHO_OUT } from '../../../../src/wire/nodes.ts';
import type { FindRuntime, RuntimeApi } from './runtime.ts';

export function registerEchoOut(RED: RuntimeApi, _find: FindRuntime): void {
  RED.nodes.registerType(ECHO_OUT, function (config) {
    RED.nodes.createNode(this, config);
  });
}
