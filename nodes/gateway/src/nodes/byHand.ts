/** `echo out` and `echo in` as a user sets them up by hand: they name a stream and an `echo broker`. */
import { handError } from '../byHand/errors.ts';
import type { HandBroker } from '../byHand/HandBroker.ts';
import { readIn, readOut } from '../byHand/settings.ts';
import { inStatus, NOT_SET_UP, outStatus } from '../byHand/status.ts';
import { logLine } from '../errors.ts';
import type { StreamState } from '../ports.ts';
import { Completions } from './Completions.ts';
import type { EchoBrokerNode } from './echoBroker.ts';
import type { RuntimeApi, RuntimeNode } from './runtime.ts';
import { keepShown, type NodeStatus } from './status.ts';

interface HandConfig {
  readonly z: string;
  readonly broker: string;
}

export function openOutByHand(RED: RuntimeApi, node: RuntimeNode, config: HandConfig): void {
  const { hands, broker } = brokerOf(RED, config);
  const out = opened(node, () => present(broker).openOut(readOut(config)));
  const stopStatus = show(node, broker, out, (end, now, before) => outStatus(end, now, before));
  const completions = new Completions();
  node.on('input', (msg, _send, done) => {
    if (out === undefined) done(handError('ECHO_HAND_SETTINGS', { where: node.id }));
    else completions.add(out.append(msg, hands?.causeOf(msg)), done);
  });
  node.on('close', (removed, done) => {
    stopStatus();
    const closed = out === undefined ? Promise.resolve() : present(broker).closeOut(out, removed);
    closed.then(() => done(), done);
  });
}

export function openInByHand(RED: RuntimeApi, node: RuntimeNode, config: HandConfig): void {
  const { broker } = brokerOf(RED, config);
  const deliver = (msg: object): void => node.send(msg);
  const into = opened(node, () => present(broker).openIn({ ...readIn(config), deliver }));
  const stopStatus = show(node, broker, into, (end, now, before) =>
    inStatus(end, now, before, present(broker).deadOf(end.log)),
  );
  node.on('close', (removed, done) => {
    stopStatus();
    const closed = into === undefined ? Promise.resolve() : present(broker).closeIn(into, removed);
    closed.then(() => done(), done);
  });
}

/** An end that cannot be opened says why, and stays as it is until it is deployed again. */
function opened<End>(node: RuntimeNode, open: () => End): End | undefined {
  try {
    return open();
  } catch (error) {
    node.error(logLine(error));
    return undefined;
  }
}

function show<End extends { readonly log: string | undefined }>(
  node: RuntimeNode,
  broker: HandBroker | undefined,
  end: End | undefined,
  statusOf: (end: End, now: StreamState, before: StreamState | undefined) => NodeStatus,
): () => void {
  let before: StreamState | undefined;
  return keepShown(node, () => {
    if (broker === undefined || end === undefined) return NOT_SET_UP;
    const now = { ...broker.streams.state(end.log ?? ''), connected: broker.connected };
    const status = statusOf(end, now, before);
    before = now;
    return status;
  });
}

function brokerOf(RED: RuntimeApi, { broker }: HandConfig): Partial<EchoBrokerNode> {
  return (RED.nodes.getNode(broker) as EchoBrokerNode | null) ?? {};
}

function present(broker: HandBroker | undefined): HandBroker {
  if (broker !== undefined) return broker;
  throw handError('ECHO_HAND_SETTINGS', { message: 'the echo broker it names is not there or not set up' });
}
