/**
 * The nodes at the two ends of a measured wire, as plain as a node can be: a function node in their place would cost
 * more than the wire does. The admin API of their Node-RED tells them what to do.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSink, createSource } from './wireLoad.ts';

const CODE = `
const now = () => Number(process.hrtime.bigint()) / 1000;
${createSource}
${createSink}
const source = createSource(now);
const sink = createSink(now);
let start = () => {};

module.exports = (RED) => {
  RED.nodes.registerType('bench-source', function (config) {
    RED.nodes.createNode(this, config);
    start = ({ port, ...load }) => {
      const out = config.wires.map(() => null);
      source.start(load, (payload) => {
        out[port] = { payload };
        this.send(out);
      });
    };
  });
  RED.nodes.registerType('bench-sink', function (config) {
    RED.nodes.createNode(this, config);
    this.on('input', (msg, _send, done) => {
      sink.take(msg.payload);
      done();
    });
  });
  const answers = {
    start: (load) => start(load),
    expect: (load) => sink.expect(load),
    sent: () => source.sent(),
    received: () => ({ received: sink.received() }),
    report: () => sink.report(),
  };
  RED.httpAdmin.post('/bench/:what', (req, res) => res.json(answers[req.params.what](req.body) ?? {}));
};
`;

/** Puts them where the Node-RED of this user folder finds them. */
export function writeEndNodes(userDir: string): void {
  const folder = join(userDir, 'nodes');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bench.js'), CODE);
  const html = ['bench-source', 'bench-sink'].map((type) => `<script data-template-name="${type}"></script>`);
  writeFileSync(join(folder, 'bench.html'), html.join('\n'));
}
