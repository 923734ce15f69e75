import { defineErrors } from '../wire/errors.ts';

export const flowError = defineErrors({
  ECHO_FLOW_NOT_JSON: {
    status: 400,
    title: 'The flow is not valid JSON.',
    remedy:
      'Correct the text at the line and column named, or export the flow from the Node-RED editor again.',
  },
  ECHO_FLOW_NOT_A_FLOW: {
    status: 400,
    title: 'The document is not a Node-RED flow.',
    remedy: 'Give the array that the Node-RED editor exports, or an object with that array as "flows".',
  },
  ECHO_FLOW_TOO_LARGE: {
    status: 413,
    title: 'The flow is larger than ECHO accepts.',
    remedy: 'Deploy it as several applications, or make the property named in the message smaller.',
  },
  ECHO_FLOW_BAD_NODE: {
    status: 422,
    title: 'An entry of the flow is malformed.',
    remedy: 'Correct the property named, or export the flow from the Node-RED editor again.',
  },
  ECHO_FLOW_DUPLICATE_ID: {
    status: 422,
    title: 'Two entries of the flow have the same id.',
    remedy: 'Import the flow into a Node-RED editor as a copy, which gives new ids, and export it again.',
  },
  ECHO_FLOW_UNKNOWN_TAB: {
    status: 422,
    title: 'A node stands on a tab that is not in the flow.',
    remedy: 'Export the whole tab ("current flow") and not only the selected nodes.',
  },
  ECHO_FLOW_DANGLING_WIRE: {
    status: 422,
    title: 'A wire or link leads to a node that is not there.',
    remedy:
      'Remove the wire, or export together with the flow the tab that holds its other end ("all flows" in the export dialog).',
  },
  ECHO_FLOW_BAD_GROUP: {
    status: 422,
    title: 'A group and its members do not agree.',
    remedy: 'Ungroup and group the nodes again in the Node-RED editor, then export the flow again.',
  },
  ECHO_FLOW_BAD_SUBFLOW: {
    status: 422,
    title: 'A subflow cannot be resolved.',
    remedy: 'Export the flow together with its subflow definitions; a subflow must not contain itself.',
  },
  ECHO_FLOW_JUNCTION_LOOP: {
    status: 422,
    title: 'Junctions are wired in a circle.',
    remedy: 'Remove one wire of the circle; a message in it would never come to an end.',
  },
  ECHO_FLOW_BAD_HINT: {
    status: 422,
    title: 'A placement hint has a value that cannot be used.',
    remedy:
      'Use one of the values named in the message; docs/placement.md and docs/wires.md list all that can be said.',
  },
  ECHO_FLOW_RESERVED_TYPE: {
    status: 422,
    title: 'The flow contains a wire node that only ECHO itself may insert.',
    remedy:
      'Wire its tasks directly: ECHO puts wire nodes where it cuts a wire. Of a fragment, deploy the application it was ' +
      'cut from. Wires by hand belong into flows of the gateways themselves.',
  },
  ECHO_FLOW_NOT_PLACED: {
    status: 500,
    title: 'A task has no gateway.',
    remedy: 'Give a placement that names a gateway for every task of the flow.',
  },
});
