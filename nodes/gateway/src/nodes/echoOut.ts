/** `echo out`: appends each message it gets to its stream; done once the message is in the log. */
import { ECHO_OUT, type EchoOutNode, isByHand } from '../../../../src/wire/nodes.ts';
import { outChoice } from '../../../../src/wire/options.ts';
import { wireError } from '../../../../src/wire/wireErrors.ts';
import { openOutByHand } from './byHand.ts';
import { Completions } from './Completions.ts';
import type { FindRuntime, RuntimeApi, RuntimeNode } from './runtime.ts';
import { showStatus } from './status.ts';

export function registerEchoOut(RED: RuntimeApi, find: FindRuntime): void {
  RED.nodes.registerType(ECHO_OUT, function (config) {
    RED.nodes.createNode(this, config);
    if (isByHand(config)) openOutByHand(RED, this, config);
    else openEchoOut(this, config, find);
  });
}

function openEchoOut(node: RuntimeNode, config: EchoOutNode, find: FindRuntime): void {
  const { stream, epoch = 1, level, start } = config;
  const consumers = (config.consumers ?? []).map((c) => c.gateway);
  const via = new Map((config.consumers ?? []).map((c) => [c.gateway, c.via ?? 'shared']));
  try {
    find()?.streams.openOut({
      stream,
      epoch,
      level,
      consumers,
      via,
      start,
      tab: node.z,
      choice: outChoice(config),
    });
  } catch (error) {
    node.error(error);
  }
  const stopStatus = showStatus(node, stream, find);
  const completions = new Completions();

  node.on('input', (msg, _send, done) => {
    const runtime = find();
    if (runtime === undefined) {
      done(wireError('ECHO_STREAM_NOT_OPEN', { message: 'the ECHO agent is not running', where: stream }));
      return;
    }
    completions.add(runtime.streams.append(stream, msg, runtime.follower.causeOf(msg)), done);
  });
  node.on('close', (_removed, done) => {
    stopStatus();
    const closed = find()?.streams.closeOut(stream) ?? Promise.resolve();
    closed.then(() => done(), done);
  });
}
