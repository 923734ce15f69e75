/** The agent plugin: joins follower, gate, streams and agent inside one Node-RED process. */
import { Agent, type Log } from './agent/Agent.ts';
import { type AgentConfig, readConfig } from './agent/config.ts';
import type { CheckpointedFragments } from './checkpoint/CheckpointedFragments.ts';
import { endWithNodeRed } from './ending.ts';
import { logLine } from './errors.ts';
import type { HookFollower } from './follow/HookFollower.ts';
import type { HookGate } from './gate/HookGate.ts';
import { groundOf } from './ground.ts';
import type { Red } from './red.ts';
import { StreamManager } from './streams/StreamManager.ts';

/** What stands while a Node-RED is a gateway. */
export interface Gateway {
  readonly follower: HookFollower;
  readonly gate: HookGate;
  readonly streams: StreamManager;
  readonly fragments: CheckpointedFragments;
  readonly agent: Agent;
}

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
        'not part of a fleet: set echo.orchestrator, echo.token and echo.tier in settings.js to join one; ' +
          'wires by hand need none',
      );
      return;
    case 'refused':
      log.error(logLine(configured.error));
      return;
  }
  try {
    current = assemble(RED, log, configured.config);
    current.agent.start();
    const { agent, streams, fragments } = current;
    endWithNodeRed(RED, {
      rest: async (limitMs) => {
        void agent.stop();
        await streams.rest(limitMs);
        await fragments.finish();
      },
      close: () => streams.close(),
    });
  } catch (error) {
    log.error(logLine(error));
  }
}

function assemble(RED: Red, log: Log, config: AgentConfig): Gateway {
  const ground = groundOf(RED, { warn: log.warn, followLimitMs: config.followLimitMs });
  const { folder, flows, follower, gate, fragments } = ground;
  const streams = new StreamManager({ folder, follower, gate, fragments, log });
  ground.streams = streams;
  fragments.refresh();
  const agent = new Agent({ red: RED, config, folder, flows, follower, gate, streams, fragments, log });
  return { follower, gate, streams, fragments, agent };
}
