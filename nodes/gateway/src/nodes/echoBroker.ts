/** `echo broker`: the broker of wires by hand, and what this Node-RED is called on them. */
import { ECHO_BROKER } from '../../../../src/wire/nodes.ts';
import type { HandBroker } from '../byHand/HandBroker.ts';
import { Hands } from '../byHand/Hands.ts';
import { serveWires } from '../byHand/routes.ts';
import { readBroker } from '../byHand/settings.ts';
import { logLine } from '../errors.ts';
import type { Red } from '../red.ts';
import type { RuntimeApi, RuntimeNode } from './runtime.ts';

/** As the wire nodes that refer to it see it. */
export interface EchoBrokerNode extends RuntimeNode {
  hands: Hands;
  /** Undefined where it is not set up. */
  broker: HandBroker | undefined;
}

export function registerEchoBroker(RED: RuntimeApi & Red): void {
  const hands = new Hands(RED);
  serveWires(RED, hands);
  RED.nodes.registerType(
    ECHO_BROKER,
    function (this: EchoBrokerNode & { credentials?: object }, config) {
      RED.nodes.createNode(this, config);
      this.hands = hands;
      try {
        this.broker = hands.open(this.id, config.name, readBroker(config, this.credentials));
      } catch (error) {
        this.error(logLine(error));
      }
      this.on('close', (removed, done) => {
        const closed = removed ? hands.close(this.id) : Promise.resolve();
        closed.then(() => done(), done);
      });
    },
    { credentials: { user: { type: 'text' }, password: { type: 'password' } } },
  );
}
