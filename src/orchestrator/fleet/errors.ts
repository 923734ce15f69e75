/** What can go wrong while the local fleet is installed, started and watched. */
import { defineErrors } from '../../wire/errors.ts';

export const fleetError = defineErrors({
  ECHO_INSTALL_FAILED: {
    status: 500,
    title: 'A package the local fleet needs could not be installed.',
    remedy:
      'Check the network and `npm config get registry`, then start again; the message ends with what npm said.',
  },
  ECHO_INSTALL_BUSY: {
    status: 503,
    title: 'Another process is installing the same package and does not finish.',
    remedy: 'End that process, or delete the lock file named in the message, and start again.',
  },
  ECHO_GATEWAY_PACKAGE_MISSING: {
    status: 500,
    title: 'The gateway package is not built.',
    remedy: 'Run `npm run build`.',
  },
  ECHO_GATEWAY_START_FAILED: {
    status: 500,
    title: 'A local gateway did not start.',
    remedy: 'Read the last lines of its log in the message; the whole log is in its user folder.',
  },
  ECHO_FLEET_TIMEOUT: {
    status: 504,
    title: 'The local fleet did not get ready in time.',
    remedy:
      'Read the end of the logs named in the message; `npm start -- --fresh` starts over with new gateways.',
  },
  ECHO_CHECK_TIMEOUT: {
    status: 504,
    title: 'The example did not carry its records in time.',
    remedy: 'Start without --check and look at the fleet page and the gateway logs.',
  },
  ECHO_DATA_DIR_FOREIGN: {
    status: 500,
    title: "The data folder holds things that are not ECHO's.",
    remedy: 'Empty it by hand, or choose another one with ECHO_DATA_DIR.',
  },
  ECHO_EXAMPLE_UNREADABLE: {
    status: 500,
    title: 'The example application cannot be read.',
    remedy: 'Restore flows/ from the repository.',
  },
});
