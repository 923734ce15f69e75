/** A node set for tests: a source and a slow sink, and admin routes that reach the gateway's parts. */
const { appendFileSync } = require('node:fs');

module.exports = (RED) => {
  const runtime = Object.entries(require.cache).find(([path]) => /dist[\\/]runtime\.js$/.test(path))?.[1];
  const gateway = () => runtime.exports.currentGateway();
  const sunk = [];
  const completed = new Map();
  let nextId = 1;
  let started = 0;
  RED.events.on('flows:started', () => started++);

  RED.nodes.registerType('probe-source', function (config) {
    RED.nodes.createNode(this, config);
    if (config.rate) {
      let n = 0;
      const per = Math.max(1, Math.round(config.rate / 100));
      const timer = setInterval(() => {
        for (let i = 0; i < per && n < config.count; i++) this.send({ payload: n++ });
        if (n >= config.count) clearInterval(timer);
      }, 10);
      this.on('close', () => clearInterval(timer));
    }
  });

  RED.nodes.registerType('probe-sink', function (config) {
    RED.nodes.createNode(this, config);
    const { id } = this;
    if (config.closeMs) this.on('close', (done) => setTimeout(done, config.closeMs));
    this.on('input', (msg, _send, done) => {
      const cause = gateway()?.follower.causeOf(msg)?.id;
      sunk.push({ node: id, payload: msg.payload, cause });
      if (config.counts) this.context().set('n', (this.context().get('n') ?? 0) + 1);
      if (config.completes) done();
      if (config.throws) throw new Error('made to fail');
      if (config.completes) return;
      if (config.file) appendFileSync(config.file, `${msg.payload}\n`);
      const finish = () => {
        completed.set(cause, (completed.get(cause) ?? 0) + 1);
        done();
      };
      if (config.delay) setTimeout(finish, config.delay);
      else finish();
    });
  });

  const route = (path, handle) =>
    RED.httpAdmin.post(`/probe/${path}`, (req, res) => {
      Promise.resolve()
        .then(() => handle(req.body ?? {}))
        .then((value) => res.json(value ?? null))
        .catch((error) => res.status(500).json({ message: error.stack }));
    });

  /** Follows each message from a node; answers with the outcomes and what had completed at the sinks by then. */
  route('follow', ({ node, msgs }) =>
    Promise.all(
      msgs.map((msg) => {
        const id = nextId++;
        const lineage = { origin: { stream: 'app/source:0', seq: id }, id };
        return new Promise((resolve) => {
          gateway().follower.follow(
            lineage,
            () => RED.nodes.getNode(node).send(msg),
            (outcome) => resolve({ id, outcome, completed: completed.get(id) ?? 0 }),
          );
        });
      }),
    ),
  );
  route('send', ({ node, msgs }) => {
    for (const msg of msgs) RED.nodes.getNode(node).send(msg);
  });
  route('receive', ({ node, msg }) => RED.nodes.getNode(node).receive(msg));
  route('sunk', () => sunk.splice(0));
  route('sunk-count', () => sunk.length);
  route('started', () => started);
  route('counters', () => gateway().follower.counters());
  route('in-flight', ({ tabs }) => gateway().follower.inFlight(new Set(tabs)));
  route('gate', ({ method, args }) => gateway().gate[method](...args));
};
