/** `echo in`: delivers the messages of a stream as if the task at its other end had sent them here. */
import { ECHO_IN, type EchoInNode, isByHand } from '../../../../src/wire/nodes.ts';
import { inChoice } from '../../../../src/wire/options.ts';
import { openInByHand } from './byHand.ts';
import type { FindRuntime, RuntimeApi, RuntimeNode } from './runtime.ts';
import { showStatus } from './status.ts';

export function registerEchoIn(RED: RuntimeApi, find: FindRuntime): void {
  RED.nodes.registerType(ECHO_IN, function (config) {
    RED.nodes.createNode(this, config);
    if (isByHand(config)) openInByHand(RED, this, config);
    else openEchoIn(this, config, find);
  });
}

function openEchoIn(node: RuntimeNode, config: EchoInNode, find: FindRuntime): void {
  const { stream, epoch = 1, level, producer, via, attempts } = config;
  try {
    const deliver = (msg: object) => node.send(msg);
    const choice = inChoice(config);
    find()?.streams.openIn({ stream, epoch, level, producer, via, attempts, tab: node.z, choice, deliver });
  } catch (error) {
    node.error(error);
  }
  const stopStatus = showStatus(node, stream, find);
  node.on('close', (_removed, done) => {
    stopStatus();
    const closed = find()?.streams.closeIn(stream) ?? Promise.resolve();
    closed.then(() => done(), done);
  });
}
