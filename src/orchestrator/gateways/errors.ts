/** Errors about gateways: reaching them, enrolling them, talking to their agents. */
import { defineErrors } from '../../wire/errors.ts';

export const gatewayError = defineErrors({
  ECHO_GATEWAY_UNKNOWN: {
    status: 404,
    title: 'No gateway of this name is enrolled.',
    remedy:
      'List the fleet with `echoctl gateway ls`; enrol a gateway with a token from `echoctl gateway token`.',
  },
  ECHO_GATEWAY_UNREACHABLE: {
    status: 502,
    title: 'The admin API of the gateway cannot be reached.',
    remedy: 'Check that Node-RED runs there and that its adminUrl can be reached from the orchestrator.',
  },
  ECHO_GATEWAY_UNAUTHORIZED: {
    status: 502,
    title: 'The admin API of the gateway did not accept our credentials.',
    remedy:
      "Give the gateway's agent a user with permission `*` (echo.admin in its settings) and restart its Node-RED.",
  },
  ECHO_GATEWAY_REFUSED: {
    status: 502,
    title: 'The gateway refused the request.',
    remedy: "The message holds the gateway's own answer; its Node-RED log says more.",
  },
  ECHO_GATEWAY_UNSUPPORTED: {
    status: 422,
    title: 'This gateway cannot be supported as it is set up.',
    remedy: 'Change what the message names, restart its Node-RED, and it enrols by itself.',
  },
  ECHO_GATEWAY_NAME_TAKEN: {
    status: 409,
    title: 'Another gateway of this name is enrolled.',
    remedy:
      'Choose another name. If it is the same gateway without its secret: `echoctl gateway token --name NAME` makes a token that lets it in again.',
  },
  ECHO_GATEWAY_NO_REPLY: {
    status: 504,
    title: 'The agent of the gateway did not answer in time.',
    remedy: 'Look at the gateway with `echoctl gateway show`; check its connection to the broker.',
  },
  ECHO_GATEWAY_AGENT_FAILED: {
    status: 502,
    title: 'The agent of the gateway could not do what was asked.',
    remedy: "The message holds the agent's own words; the gateway's Node-RED log says more.",
  },
  ECHO_BROKER_UNREACHABLE: {
    status: 503,
    title: 'The orchestrator has no connection to the MQTT broker.',
    remedy: 'Check that the broker runs and that ECHO_BROKER_URL, user name and password are right.',
  },
  ECHO_FLOWS_CONFLICT: {
    status: 409,
    title: "The gateway's flows were changed by someone else meanwhile.",
    remedy: 'Deploy again; ECHO reads the flows anew and merges.',
  },
  ECHO_FLOWS_TOO_LARGE: {
    status: 413,
    title: "The flows are larger than the gateway's body limit.",
    remedy:
      'Raise `apiMaxLength` in the settings.js of the gateway, or spread the application over more gateways.',
  },
  ECHO_TOKEN_INVALID: {
    status: 401,
    title: 'The enrolment token or gateway secret is not valid.',
    remedy:
      'Make a new token with `echoctl gateway token`, put it into the settings of the gateway and restart it.',
  },
});
