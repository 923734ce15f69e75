/** A real cluster of three brokers for tests: NATS servers with MQTT and JetStream, as child processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { freePorts } from '../../src/orchestrator/fleet/ports.ts';
import type { Disposables } from './cleanup.ts';
import { waitFor } from './wait.ts';

export interface TestCluster {
  /** `mqtt://127.0.0.1:<port>` of each node. */
  readonly urls: readonly string[];
  /** The node an MQTT client is connected to, by its client id; undefined while it is connected to none. */
  nodeOf(clientId: string): Promise<number | undefined>;
  /** Ends a node as a crash would. */
  kill(node: number): Promise<void>;
  /** Starts it again on its ports and data; resolves when the cluster is whole. */
  start(node: number): Promise<void>;
}

interface Node {
  readonly mqtt: number;
  readonly monitor: number;
  readonly config: string;
  child: ChildProcess | undefined;
  said: string;
}

/** What the leader of a group of nodes says of the others in it. */
interface Group {
  readonly leader?: string;
  readonly replicas?: readonly { readonly current: boolean }[];
}

/** The groups a node belongs to: the one of the whole cluster, and one for each stream (sessions, retained topics). */
interface Groups {
  readonly meta_cluster?: Group;
  readonly account_details?: readonly { readonly stream_detail?: readonly { readonly cluster?: Group }[] }[];
}

const NODES = 3;
/** For routes, for clients of its own protocol, for its monitoring, for MQTT. */
const PORTS = 4;

/** Path of the NATS server, or undefined when this machine has none. */
export function findNats(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin'];
  return folders.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
}

/** Three nodes on free ports of the loopback. */
export async function startNatsCluster(kit: Disposables): Promise<TestCluster> {
  const binary = findNats();
  if (binary === undefined) throw new Error('nats-server is not installed (apt-get install nats-server)');
  const folder = kit.folder('echo-nats-');
  const first = await freePorts(NODES * PORTS);
  const routes = Array.from({ length: NODES }, (_, i) => first + i * PORTS);
  const peers = routes.map((port) => `"nats-route://127.0.0.1:${port}"`);
  const nodes = routes.map((route, i): Node => {
    const [client, monitor, mqtt] = [route + 1, route + 2, route + 3];
    const config = join(folder, `${i}.conf`);
    // The name is its own: clusters of two test runs that meet at a port would otherwise become one.
    writeFileSync(
      config,
      `server_name: ${nameOf(i)}
listen: "127.0.0.1:${client}"
http: "127.0.0.1:${monitor}"
jetstream { store_dir: "${join(folder, String(i))}" }
cluster { name: echo-${routes[0]}, listen: "127.0.0.1:${route}", routes: [${peers.join(', ')}] }
mqtt { host: "127.0.0.1", port: ${mqtt} }
`,
    );
    return { mqtt, monitor, config, child: undefined, said: '' };
  });
  const launch = (node: Node): void => {
    const child = spawn(binary, ['-c', node.config], { stdio: ['ignore', 'ignore', 'pipe'] });
    node.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      node.said = (node.said + text).slice(-2000);
    });
    child.once('close', () => {
      if (node.child === child) node.child = undefined;
    });
  };
  const end = async (node: Node): Promise<void> => {
    node.child?.kill('SIGKILL');
    await waitFor(() => node.child === undefined, { what: 'a node to end' });
  };
  /**
   * Every group has a leader, and the others in it have caught up: only then does the cluster bear the loss of one. What
   * `healthz` says is no measure: it counts subscriptions of nodes that were killed, for ever.
   */
  const whole = async () => {
    const ended = () => nodes.find(({ child }) => child === undefined);
    const groups = () => Promise.all(nodes.map((node) => groupsOf(node)));
    const done = async () => ended() || areWhole(await groups());
    await waitFor(done, { what: 'the cluster to be whole', timeout: 60_000, every: 100 });
    if (ended() !== undefined) throw new Error(`nats-server ended: ${ended()?.said}`);
  };
  for (const node of nodes) kit.add(node, () => end(node));
  for (const node of nodes) launch(node);
  await whole();
  return {
    urls: nodes.map(({ mqtt }) => `mqtt://127.0.0.1:${mqtt}`),
    async nodeOf(clientId) {
      const seen = await Promise.all(
        nodes.map(async (node) => {
          if (node.child === undefined) return false;
          const { connections = [] } = await ask<{ connections?: { mqtt_client?: string }[] }>(node, 'connz');
          return connections.some(({ mqtt_client }) => mqtt_client === clientId);
        }),
      );
      const at = seen.indexOf(true);
      return at < 0 ? undefined : at;
    },
    kill: (i) => end(nodes[i]!),
    async start(i) {
      launch(nodes[i]!);
      await whole();
    },
  };
}

const nameOf = (node: number): string => `node-${node}`;

/** The groups of a node; the first is that of the cluster. */
async function groupsOf(node: Node): Promise<Group[]> {
  const { meta_cluster = {}, account_details = [] } = await ask<Groups>(node, 'jsz?accounts=1&streams=1');
  const streams = account_details.flatMap(({ stream_detail = [] }) => stream_detail);
  return [meta_cluster, ...streams.map(({ cluster = {} }) => cluster)];
}

/** One node leads the cluster, each group has a leader, and who leads one has seen the others catch up. */
function areWhole(nodes: readonly (readonly Group[])[]): boolean {
  const leads = ({ leader }: Group, node: number) => leader === nameOf(node);
  const caughtUp = ({ replicas = [] }: Group) =>
    replicas.length === NODES - 1 && replicas.every(({ current }) => current);
  return (
    nodes.filter(([cluster], i) => leads(cluster!, i)).length === 1 &&
    nodes.every((groups, i) => groups.every((group) => (leads(group, i) ? caughtUp(group) : group.leader)))
  );
}

/** A page of the node's monitoring; empty while it does not answer. */
async function ask<T extends object>({ monitor }: Node, page: string): Promise<Partial<T>> {
  try {
    const response = await fetch(`http://127.0.0.1:${monitor}/${page}`);
    return (await response.json()) as T;
  } catch {
    return {};
  }
}
