/**
 * What all wires of one Node-RED stand on, be they an orchestrator's or made by hand: what is known of its flows, the
 * follower, the gate and the checkpoints. Made once, when first asked for; a Node-RED without wires has none of it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointedFragments } from './checkpoint/CheckpointedFragments.ts';
import { agentError } from './errors.ts';
import { FlowIndex } from './flowIndex.ts';
import { lockFolder } from './folderLock.ts';
import { HookFollower } from './follow/HookFollower.ts';
import { HookGate } from './gate/HookGate.ts';
import type { Streams } from './ports.ts';
import type { Red } from './red.ts';

export interface Ground {
  /** `<userDir>/echo`; this process alone writes there. */
  readonly folder: string;
  readonly flows: FlowIndex;
  readonly follower: HookFollower;
  readonly gate: HookGate;
  readonly fragments: CheckpointedFragments;
  /** The streams of the fleet: a gate tells of them, and checkpoints hold where they stand. */
  streams: Streams | undefined;
}

export interface GroundOptions {
  readonly warn: (text: string) => void;
  /** How long a node may keep a message without a sign of completing it, ms. */
  readonly followLimitMs: number;
}

let made: Ground | undefined;

/** Throws ECHO_GATEWAY_DISK, ECHO_GATEWAY_FOLDER_IN_USE. */
export function groundOf(RED: Red, options: GroundOptions): Ground {
  made ??= make(RED, options);
  return made;
}

function make(RED: Red, { warn, followLimitMs }: GroundOptions): Ground {
  const folder = join(RED.settings.userDir ?? process.cwd(), 'echo');
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
  let ground: Ground | undefined;
  // It hears of a new deploy before the follower, which goes by it.
  const fragments = new CheckpointedFragments({
    folder: join(folder, 'checkpoints'),
    red: RED,
    flows,
    streams: () => ground?.streams,
    follower: () => follower,
    gate: () => gate,
    warn,
  });
  const follower = new HookFollower(RED, {
    flows,
    warn,
    limitMs: followLimitMs,
    keeps: (node, tab) => fragments.keeps(node, tab),
  });
  const gate = new HookGate(RED, {
    flows,
    follower,
    file: join(folder, 'gates.json'),
    streams: () => ground?.streams?.status() ?? [],
    warn,
  });
  ground = { folder, flows, follower, gate, fragments, streams: undefined };
  // The gate sees a message first: what it holds has not happened yet for the follower.
  gate.install();
  follower.install();
  return ground;
}
