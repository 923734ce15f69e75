/** What can go wrong between this Node-RED and its fleet. */
import { defineErrors, isEchoError } from '../../../src/wire/errors.ts';

export const agentError = defineErrors({
  ECHO_GATEWAY_SETTINGS_INVALID: {
    status: 500,
    title: 'The `echo` settings of this Node-RED cannot be used.',
    remedy:
      'Correct the setting named in the message (settings.js, or its environment variable) and restart.',
  },
  ECHO_GATEWAY_PROJECTS_MODE: {
    status: 409,
    title: 'This Node-RED runs in Projects mode, where flows belong to a Git project.',
    remedy: 'Set editorTheme.projects.enabled to false in settings.js and restart, or use another Node-RED.',
  },
  ECHO_GATEWAY_READ_ONLY: {
    status: 409,
    title: 'This Node-RED keeps its flows in read-only storage.',
    remedy: 'Remove readOnly from settings.js and restart, so that deployed flows can be saved.',
  },
  ECHO_GATEWAY_NO_ADMIN_API: {
    status: 409,
    title: 'This Node-RED has no admin API.',
    remedy: 'Set httpAdminRoot to a path (it is false) in settings.js and restart.',
  },
  ECHO_GATEWAY_NO_ADMIN_ACCESS: {
    status: 409,
    title: 'The admin API of this Node-RED is protected and ECHO was given no access to it.',
    remedy:
      'Set echo.admin to {username, password} or {token} of a user with permission "*" (ECHO_ADMIN_USER and ' +
      'ECHO_ADMIN_PASSWORD, or ECHO_ADMIN_TOKEN) and restart.',
  },
  ECHO_GATEWAY_DISK: {
    status: 507,
    title: 'The folder of the agent cannot be written.',
    remedy: 'Make <userDir>/echo writable for the user Node-RED runs as, and restart.',
  },
  ECHO_GATEWAY_FOLDER_IN_USE: {
    status: 409,
    title: 'Another Node-RED uses the folder of this gateway.',
    remedy:
      'Give each Node-RED a userDir of its own. If no other one runs, delete lock.json in the named folder. Restart.',
  },
  ECHO_ENROL_UNREACHABLE: {
    status: 503,
    title: 'The orchestrator cannot be reached.',
    remedy:
      'Check echo.orchestrator and the network; the agent keeps trying, and deployed flows keep running.',
  },
  ECHO_ENROL_REFUSED: {
    status: 401,
    title: 'The orchestrator refused this gateway.',
    remedy: 'Make a new token (`echoctl gateway token`), put it into echo.token and restart Node-RED.',
  },
  ECHO_SITE_BROKER_FAILED: {
    status: 500,
    title: 'The broker of the site could not start.',
    remedy:
      'Set echo.siteBroker.port to a free port and echo.siteBroker.host to an address of this machine, and restart. ' +
      'It is tried again meanwhile; what its wires carry waits in their logs.',
  },
  ECHO_CONTROL_INVALID: {
    status: 400,
    title: 'The agent does not understand a control request.',
    remedy: 'Use the same release of ECHO on the orchestrator and on the gateway.',
  },
  ECHO_FLOWS_NOT_RUNNING: {
    status: 409,
    title: 'The flows of this Node-RED are not running.',
    remedy:
      "Look at the gateway's log: a node type or module may be missing, or its flows were stopped by hand.",
  },
  ECHO_GATEWAY_FAULT: {
    status: 500,
    title: 'The agent failed while working on a request.',
    remedy: "Look at the gateway's log and report it.",
  },
  ECHO_MESSAGE_UNFOLLOWED: {
    status: 500,
    title: 'A node did not complete a message in time.',
    remedy:
      'If the node is a function with asynchronous code, call node.done() when it has finished; if it keeps ' +
      'messages for long by design, raise echo.followLimitMs. Until it is deployed again, a message counts as ' +
      'processed when the node has received it.',
  },
  ECHO_HELD_DROPPED: {
    status: 500,
    title: 'Messages held during a deploy had nowhere to go.',
    remedy:
      'Nothing to do: their tasks left this gateway and no stream feeds them; they count as declared loss.',
  },
  ECHO_GATE_FULL: {
    status: 503,
    title: 'Sources sent more during a deploy than can be held.',
    remedy:
      'Bring the orchestrator back, so that it completes the deploy; what sources send until then is dropped, ' +
      'counted and declared lost.',
  },
  ECHO_GATE_LEASE_ENDED: {
    status: 504,
    title: 'A deploy did not renew its hold on this gateway.',
    remedy:
      'Nothing to do here: what was held has been released. See on the orchestrator why the deploy ended.',
  },
});

/** An error as one log line that says what to do. */
export function logLine(error: unknown): string {
  if (isEchoError(error)) return `${error.code}: ${error.message} – ${error.remedy}`;
  return (error as Error).stack ?? String(error);
}
