import { defineErrors } from '../wire/errors.ts';

export const placementError = defineErrors({
  ECHO_NODE_TYPE_UNKNOWN: {
    status: 422,
    title: 'A node type of the flow is installed on no gateway of the fleet.',
    remedy: 'Install the package that brings the node type on a gateway that may run it, or remove the node.',
  },
  ECHO_PLACEMENT_UNSATISFIABLE: {
    status: 422,
    title: 'Some tasks fit on no gateway.',
    remedy:
      'Loosen the tier, gateway or capability named in the message, or enrol a gateway that has what the tasks need.',
  },
});
