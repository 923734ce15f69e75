/** `echo channel`: names the wire it stands on and says its options to the splitter; here it passes messages on. */
import { ECHO_CHANNEL } from '../../../../src/wire/nodes.ts';
import type { RuntimeApi, RuntimeNode } from './runtime.ts';

export function registerEchoChannel(RED: RuntimeApi): void {
  RED.nodes.registerType(ECHO_CHANNEL, function (this: RuntimeNode, config) {
    RED.nodes.createNode(this, config);
    this.on('input', (msg, send, done) => {
      send(msg);
      done();
    });
  });
}
