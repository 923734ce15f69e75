/** The errors of the REST API itself. `catalogue.ts` joins the catalogues of every area. */
import { defineErrors } from '../../wire/errors.ts';

export const apiError = defineErrors({
  ECHO_REQUEST_INVALID: {
    status: 400,
    title: 'The request has a parameter or a body that does not fit.',
    remedy: 'Correct the part named in "where"; /api/v1/openapi.json describes every request.',
  },
  ECHO_BODY_NOT_JSON: {
    status: 400,
    title: 'The body is not JSON.',
    remedy: 'Correct the text at the line and column named, or export the flow from Node-RED again.',
  },
  ECHO_BODY_MISSING: {
    status: 400,
    title: 'The request needs a body and has none.',
    remedy: 'Send JSON in the body, for example: curl --data-binary @flow.json URL',
  },
  ECHO_BODY_TOO_LARGE: {
    status: 413,
    title: 'The body is larger than the orchestrator accepts.',
    remedy: 'Split the flow into several applications; a single request may carry 8 MB.',
  },
  ECHO_ROUTE_UNKNOWN: {
    status: 404,
    title: 'There is nothing at this address.',
    remedy: 'See /api/v1/openapi.json for every route, or open / for the fleet page.',
  },
  ECHO_METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'This address does not answer to this method.',
    remedy: 'Use one of the methods in the Allow header.',
  },
  ECHO_UNAUTHORIZED: {
    status: 401,
    title: 'The API key is missing or wrong.',
    remedy:
      'Send the key of ECHO_API_KEY as "Authorization: Bearer KEY" or "X-API-Key: KEY" (echoctl: --key or ECHO_API_KEY).',
  },
  ECHO_HOST_REFUSED: {
    status: 403,
    title: 'The request names a host that is not this orchestrator.',
    remedy:
      'Use localhost or 127.0.0.1; to serve another name set ECHO_PUBLIC_URL, and ECHO_HOST with ECHO_API_KEY.',
  },
  ECHO_ORIGIN_REFUSED: {
    status: 403,
    title: 'The request was made by a web page of another site.',
    remedy: "Call the API from the orchestrator's own pages, or from a program that sends no Origin header.",
  },
  ECHO_OPERATION_UNKNOWN: {
    status: 404,
    title: 'There is no such operation.',
    remedy: 'Operations are kept for a while only; GET /api/v1/apps shows what stands now.',
  },
  ECHO_TASK_AMBIGUOUS: {
    status: 409,
    title: 'Several tasks of the application have this name.',
    remedy: 'Use the id of the task; the message lists them.',
  },
  ECHO_ERROR_UNKNOWN: {
    status: 404,
    title: 'There is no error with this code.',
    remedy: 'GET /api/v1/errors lists every code.',
  },
  ECHO_DAG_UNSUPPORTED: {
    status: 422,
    title: "The body is a dataflow in the original ECHO's JSON (processors and wiring), which is not read.",
    remedy:
      'Draw the dataflow in Node-RED and send its exported flow: an array of nodes, or {"flow": [...], "name": "..."}.',
  },
  ECHO_REBALANCE_UNAVAILABLE: {
    status: 501,
    title: 'Rebalancing a running dataflow is not available yet.',
    remedy: 'Change the placement of its tasks in the flow and deploy it again.',
  },
  ECHO_PORT_IN_USE: {
    status: 500,
    title: 'A port ECHO wants to listen on is taken.',
    remedy:
      'Stop what listens there, or choose another port with ECHO_PORT, ECHO_BROKER_PORT or ECHO_FLEET_BASE_PORT.',
  },
  ECHO_LISTEN_FAILED: {
    status: 500,
    title: 'The HTTP server cannot listen on the address it was given.',
    remedy: 'Give ECHO_HOST an address of this machine and ECHO_PORT a port it may use.',
  },
  ECHO_INTERNAL: {
    status: 500,
    title: 'Something unexpected went wrong inside the orchestrator.',
    remedy: "Look up the id of this answer in the orchestrator's log, and report both.",
  },
});
