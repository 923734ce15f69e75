/** The agent plugin: joins follower, gate, streams and agent inside one Node-RED process. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, type Log } from './agent/Agent.ts';
import { type AgentConfig, readConfig } from './agent/config.ts';
import { agentError, logLine } from './errors.ts';
import { FlowIndex } from './flowIndex.ts';
import { lockFolder } from './folderLock.ts';
import { HookFollower } from './follow/HookFollower.ts';
import { HookGate } from './gate/HookGate.ts';
import type { Red } from './red.ts';
import { StreamManager } from './streams/StreamManager.ts';

/** What stands while a Node-RED is a gateway. */
export interface Gateway {
  readonly follower: HookFollower;
  readonly gate: HookGate;
  readonly streams: StreamManager;
  readonly agent: Agent;
}

/** What is on its way through the flows when Node-RED is to end gets this long. */
const REST_MS = 2_000;

let current: Gateway | undefined;

/** The gateway of this process; undefined while it is none. */
export const currentGateway = (): Gateway | undefined => current;

/** Node-RED loads plugins before it starts flows: what was gated before a restart is gated again in time. */
export function startAgentPlugin(RED: Red): void {
  RED.plugins.registerPlugin('echo-agent', { type: 'echo-agent' });
  const log: Log = {
    info: (text) => RED.log.info(`[echo] ${text}`),
    warn: (text) => RED.log.warn(`[echo] ${text}`),
    error: (text) => RED.log.error(`[echo] ${text}`),
  };
  const configured = readConfig(RED.settings, process.env);
  switch (configured.kind) {
    case 'design':
      return;
    case 'absent':
      log.info(
        'not part of a fleet: set echo.orchestrator, echo.token and echo.tier in settings.js to join one',
      );
      return;
    case 'refused':
      log.error(logLine(configured.error));
      return;
  }
  try {
    const folder = join(RED.settings.userDir ?? process.cwd(), 'echo');
    current = assemble(RED, log, folder, configured.config);
    current.agent.start();
    stopWithNodeRed(RED, current);
  } catch (error) {
    log.error(logLine(error));
  }
}

function assemble(RED: Red, log: Log, folder: string, config: AgentConfig): Gateway {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw agentError('ECHO_GATEWAY_DISK', {
      message: `${folder}: ${(cause as Error).message}`,
      where: folder,
      cause,
    });
  }
  lockFolder(folder);
  const flows = new FlowIndex(RED);
  const follower = new HookFollower(RED, { flows, warn: log.warn, limitMs: config.followLimitMs });
  const gate = new HookGate(RED, {
    flows,
    follower,
    file: join(folder, 'gates.json'),
    streams: () => streams.status(),
    warn: log.warn,
  });
  const streams = new StreamManager({ folder, follower, gate, log });
  // The gate sees a message first: what it holds has not happened yet for the follower.
  gate.install();
  follower.install();
  const agent = new Agent({ red: RED, config, folder, flows, follower, gate, streams, log });
  return { follower, gate, streams, agent };
}

/**
 * Node-RED tells plugins nothing of its end; where it listens to a signal itself, so does the agent, before it: once
 * Node-RED stops its flows, what is on its way through them is gone, and would be delivered again after the restart.
 * Streams end after the flows, which may still append. A second signal is Node-RED's alone.
 */
function stopWithNodeRed(RED: Red, { agent, streams }: Gateway): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const theirs = process.listeners(signal);
    if (theirs.length === 0) continue;
    process.removeAllListeners(signal);
    process.once(signal, (name: NodeJS.Signals) => {
      for (const listener of theirs) process.on(signal, listener);
      void agent.stop();
      RED.events.once('flows:stopped', () => void streams.close());
      void streams.rest(REST_MS).then(() => {
        for (const listener of theirs) listener(name);
      });
    });
  }
}
