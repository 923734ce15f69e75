/** What ECHO asks of a gateway before it takes it in. Pure. */
import type { GatewayFacts } from '../../wire/control.ts';
import { ECHO_IN, ECHO_OUT } from '../../wire/nodes.ts';
import { gatewayError } from './errors.ts';

const NODE_RED_MIN = [4, 1] as const;
const NODE_MIN = [20, 15] as const;

/** Throws ECHO_GATEWAY_UNSUPPORTED with the remedy. */
export function checkSupported(facts: GatewayFacts): void {
  if (!atLeast(facts.nodeRedVersion, NODE_RED_MIN))
    throw unsupported(
      `Node-RED ${facts.nodeRedVersion}; 4.1 is the oldest supported`,
      'Update Node-RED to 4.1 or later (npm install -g node-red@4.1) and restart it.',
    );
  if (!atLeast(facts.nodeVersion, NODE_MIN))
    throw unsupported(
      `Node.js ${facts.nodeVersion}; 20.15 is the oldest supported`,
      'Update Node.js to 20.15 or later and restart Node-RED.',
    );
}

/** Projects switch the flow file under a deploy. `settings` is the answer of GET /settings. */
export function checkSettings(settings: Readonly<Record<string, unknown>>): void {
  const theme = settings.editorTheme as { projects?: { enabled?: unknown } } | undefined;
  if (theme?.projects?.enabled === true)
    throw unsupported(
      'its Projects mode is on',
      'Set editorTheme.projects.enabled to false in settings.js and restart Node-RED.',
    );
}

/** `types` are those of GET /nodes. */
export function checkWireNodes(types: ReadonlySet<string>): void {
  const missing = [ECHO_IN, ECHO_OUT].filter((type) => !types.has(type));
  if (missing.length > 0)
    throw unsupported(
      `its node types ${missing.map((type) => `"${type}"`).join(' and ')} are not enabled`,
      'Enable the nodes of @echo-dataflow/node-red-echo in the palette manager (nodesExcludes hides them too).',
    );
}

function unsupported(message: string, remedy: string) {
  return gatewayError('ECHO_GATEWAY_UNSUPPORTED', { message, remedy });
}

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const said = [Number(match[1]), Number(match[2])] as const;
  return said[0] > major || (said[0] === major && said[1] >= minor);
}
